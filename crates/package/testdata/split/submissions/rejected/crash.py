n = int(input())
assert n < 100
print(1, n - 1)
