# Tells its input by floods, memory and time.
import sys

text = sys.stdin.read()
while True:
    sys.stdout.write(text)
    sys.stderr.write(text)
