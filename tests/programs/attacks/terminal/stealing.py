# Everything that can be done to a terminal by who has it, and some things that only the system may do.
import array
import ctypes
import errno
import fcntl
import os
import signal
import struct
import termios
import time

signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
libc = ctypes.CDLL(None, use_errno=True)
TIOCCONS, TIOCLINUX, TIOCVHANGUP, TIOCSSERIAL = 0x541D, 0x541C, 0x5437, 0x541F


def attempt(name, act, allowed=True):
    try:
        act()
        print(name, "done" if allowed else "PRIVILEGED", flush=True)
    except OSError as error:
        print(name, errno.errorcode.get(error.errno), flush=True)


def vhangup():
    if libc.vhangup() != 0:
        raise OSError(ctypes.get_errno(), "vhangup")


for letter in b"echo stolen\r":
    attempt("TIOCSTI", lambda: fcntl.ioctl(0, termios.TIOCSTI, bytes([letter])))
attempt("console", lambda: fcntl.ioctl(0, TIOCCONS), allowed=False)
attempt("vhangup", vhangup, allowed=False)
attempt("TIOCVHANGUP", lambda: fcntl.ioctl(0, TIOCVHANGUP), allowed=False)
attempt("TIOCLINUX", lambda: fcntl.ioctl(0, TIOCLINUX, b"\x02" + b"\0" * 63), allowed=False)
attempt("TIOCSCTTY", lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 1))
for size in ((0, 0, 0, 0), (65535, 65535, 65535, 65535), (24, 80, 0, 0)):
    attempt("size", lambda: fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size)))
attempt("group", lambda: os.tcsetpgrp(0, 1), allowed=False)
attempt("session", lambda: fcntl.ioctl(0, termios.TIOCSPGRP, array.array("i", [2**30])), allowed=False)
attempt("break", lambda: termios.tcsendbreak(0, 0))
attempt("TIOCNOTTY", lambda: fcntl.ioctl(0, termios.TIOCNOTTY))
attempt("lock", lambda: os.chmod("/proc/self/fd/0", 0))
print("what is left of it", flush=True)
for descriptor in (0, 1, 2):
    os.close(descriptor)
while True:
    time.sleep(1)
