def f():
    if 1:
        é = 5 +
