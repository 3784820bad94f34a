import sys

held = []
try:
    while True:
        held.append(open("/dev/null"))
except OSError:
    sys.stderr.write(f"{len(held)}\n")
    sys.stderr.flush()
    raise
