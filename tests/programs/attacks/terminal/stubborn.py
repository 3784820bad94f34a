import os
import signal
import time


def mind(*_):
    try:
        os.write(1, b"still here\r\n")
    except OSError:
        pass


for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP, signal.SIGHUP):
    signal.signal(number, mind)
print("ready", flush=True)
while True:
    time.sleep(1)
