# Shows what it was given.
import sys

text = sys.stdin.read()
print("got", text)
print("error", text, file=sys.stderr)
