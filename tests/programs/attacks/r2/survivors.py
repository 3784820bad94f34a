# "leave": says the right answer and leaves children behind; "look": says it only if nobody and nothing is there.
import os
import time

if input() == "leave":
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            while True:
                open("/scratch/mark", "w").close()
    os.write(1, b"3\n")
    os._exit(0)
found = []
for _ in range(10):
    found += [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (1, os.getpid())]
    found += os.listdir("/scratch") + os.listdir("/tmp") + os.listdir("/dev/shm")
    time.sleep(0.01)
print(found or 3)
