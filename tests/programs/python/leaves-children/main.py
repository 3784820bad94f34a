# Says the right answer, and leaves children behind that write and spin.
import os
import sys

for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        while True:
            pass
print("3")
sys.stdout.flush()
os._exit(0)
