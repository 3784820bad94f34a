import time

a, b = map(int, input().split())
time.sleep(9)
print(a + b)
