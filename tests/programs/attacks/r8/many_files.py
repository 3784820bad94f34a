# Folders with the longest names, as many as there may be; "look": the right answer only in empty folders.
import os
import sys

folders = ["/scratch", "/tmp", "/dev/shm"]
looks = input() == "look"
if not looks:
    for folder in folders:
        try:
            for n in range(1_000_000):
                os.mkdir(f"{folder}/{n:0250}")
        except OSError:
            pass
found = sum(len(os.listdir(folder)) for folder in folders)
sys.stderr.write(str(found))
print("files" if looks and found else 3)
