# Kills whatever it may: itself at least.
import os
import signal

try:
    os.kill(1, signal.SIGKILL)
except OSError:
    pass
os.kill(-1, signal.SIGKILL)
print("3")
