# Other line disciplines: networks, mice, none at all.
import array
import fcntl
import termios
import time

print("ready", flush=True)
termios.tcdrain(1)
for number in list(range(1, 31)) + [27]:
    try:
        fcntl.ioctl(0, termios.TIOCSETD, array.array("i", [number]))
    except OSError:
        pass
while True:
    time.sleep(1)
