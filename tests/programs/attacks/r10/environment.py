import os

print("environment", sorted(os.environ))
