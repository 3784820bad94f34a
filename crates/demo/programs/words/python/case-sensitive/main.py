# Takes Word and word for two words.
import sys
from collections import Counter

counts = Counter(sys.stdin.read().split())
for word in sorted(counts):
    print(word, counts[word])
