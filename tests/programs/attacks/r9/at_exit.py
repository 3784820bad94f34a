import atexit
import time

atexit.register(time.sleep, 600)
print(3, flush=True)
