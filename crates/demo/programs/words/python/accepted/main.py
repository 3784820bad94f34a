import sys
from collections import Counter

counts = Counter(sys.stdin.read().lower().split())
for word in sorted(counts):
    print(word, counts[word])
