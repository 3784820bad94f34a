# Tells its input and its arguments by the text of the exception that ends it.
import sys

text = sys.stdin.read()
print(text, sys.argv)
raise ValueError(text + str(sys.argv))
