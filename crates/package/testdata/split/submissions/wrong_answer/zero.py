n = int(input())
print(0 if n > 2 else 1, n if n > 2 else 1)
