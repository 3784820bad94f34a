import os
import termios
import time

modes = termios.tcgetattr(0)
modes[3] &= ~termios.ISIG
modes[0] |= termios.IXOFF
modes[0] &= ~termios.IXON
termios.tcsetattr(0, termios.TCSANOW, modes)
print("ready", flush=True)
os.read(0, 100)
print("not minded", flush=True)
while True:
    time.sleep(1)
