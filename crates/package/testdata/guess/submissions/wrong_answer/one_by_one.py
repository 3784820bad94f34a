n = 500
while True:
    print(n, flush=True)
    if input() == "correct":
        break
    n = n + 1 if n >= 500 else n
