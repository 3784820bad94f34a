# Nobody else may open the terminal, and no key means anything.
import fcntl
import os
import termios
import time

fcntl.ioctl(0, termios.TIOCEXCL)
modes = termios.tcgetattr(0)
modes[3] = 0
modes[0] = 0
modes[1] = 0
modes[6] = [b"\0" if isinstance(key, bytes) else key for key in modes[6]]
modes[6][termios.VMIN] = 1
termios.tcsetattr(0, termios.TCSANOW, modes)
os.write(1, b"ready\r\n")
os.read(0, 1)
os.write(1, b"not minded\r\n")
while True:
    time.sleep(1)
