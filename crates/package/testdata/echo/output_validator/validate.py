import os
import re
import sys

given, answer, feedback = sys.argv[1:4]
said = sys.stdin.read().split()
state = os.path.join(feedback, "first")
if not os.path.exists(state):
    if len(said) != 1 or not re.fullmatch("[ab]{1,20}", said[0]):
        sys.exit(43)
    open(state, "w").write(said[0])
    open(os.path.join(feedback, "nextpass.in"), "w").write(f"decode {said[0]}\n")
    sys.exit(42)
sys.exit(42 if said == open(answer).read().split() else 43)
