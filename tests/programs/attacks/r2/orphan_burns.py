# The one who burns is nobody's child any more, while the program itself sleeps.
import os
import time

if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        while True:
            pass
    os._exit(0)
os.wait()
time.sleep(600)
