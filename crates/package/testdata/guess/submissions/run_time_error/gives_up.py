print(500, flush=True)
assert input() == "correct"
