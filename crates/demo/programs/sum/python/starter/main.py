import sys

a, b = map(int, sys.stdin.read().split())
# Print the sum.
