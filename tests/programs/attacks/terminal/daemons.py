# Children that leave the session, and hold the terminal when their parents have ended.
import os
import signal
import sys
import time

signal.signal(signal.SIGHUP, signal.SIG_IGN)
held = [os.open("/dev/tty", os.O_RDWR) for _ in range(8)]
come, go = os.pipe()
for kind in range(4):
    if os.fork() == 0:
        if kind % 2:
            os.setsid()
        if os.fork():
            os._exit(0)
        for number in range(1, 32):
            try:
                signal.signal(number, signal.SIG_IGN)
            except OSError:
                pass
        os.write(go, b".")
        while True:
            if kind < 2:
                time.sleep(1)
seen = b""
while len(seen) < 4:
    seen += os.read(come, 4)
print("gone", flush=True)
sys.exit(7)
