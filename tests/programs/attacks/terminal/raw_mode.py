import os
import time
import tty

tty.setraw(0)
os.write(1, b"ready\r\n")
os.read(0, 100)
os.write(1, b"not minded\r\n")
while True:
    time.sleep(1)
