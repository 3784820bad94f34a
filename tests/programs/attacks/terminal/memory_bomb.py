kept = []
while True:
    kept.append(b"x" * (16 << 20))
