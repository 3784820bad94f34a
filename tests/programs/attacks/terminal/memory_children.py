import os
import sys

for _ in range(8):
    if os.fork() == 0:
        kept = []
        while True:
            kept.append(b"x" * (1 << 20))
for _ in range(8):
    os.wait()
sys.exit(1)
