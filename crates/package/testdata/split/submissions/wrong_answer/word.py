print("one and", int(input()) - 1)
