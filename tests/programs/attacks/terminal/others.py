# Looks for terminals that are not its own, and writes to whatever it finds.
import glob
import os
import sys

own = os.fstat(0).st_rdev
found = []
candidates = [f"/dev/pts/{n}" for n in range(256)] + glob.glob("/dev/tty?*") + glob.glob("/dev/pts/*")
candidates += ["/dev/console", "/dev/vcs", "/dev/tty0"]
for pid in os.listdir("/proc"):
    if pid.isdigit() and int(pid) != os.getpid():
        candidates += [f"/proc/{pid}/fd/{n}" for n in range(64)]
        candidates += [f"/proc/{pid}/root/dev/pts/{n}" for n in range(8)]
for path in candidates:
    if path == "/dev/pts/ptmx":
        continue
    try:
        opened = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        continue
    if os.fstat(opened).st_rdev != own:
        found.append(path)
        os.write(opened, b"INTRUDER\r\n")
    os.close(opened)
if found:
    print("found", found)
    sys.exit(1)
# New ones are its own, and not without end.
made = 0
kept = []
try:
    while made < 100_000:
        kept.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
        made += 1
except OSError:
    pass
for descriptor in kept:
    os.close(descriptor)
print(f"nothing of others; {made} of its own")
