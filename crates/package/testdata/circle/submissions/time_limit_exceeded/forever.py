r = float(input())
while r > 100:
    pass
print(3.141592653589793 * r * r)
