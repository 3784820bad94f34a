# Counts well, but in the order of first appearance.
import sys
from collections import Counter

for word, count in Counter(sys.stdin.read().lower().split()).items():
    print(word, count)
