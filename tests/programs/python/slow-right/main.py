import time

a, b = map(int, input().split())
time.sleep(2.5)
print(a + b)
