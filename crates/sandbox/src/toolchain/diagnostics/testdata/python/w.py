x = 1
if x is 1:
    print("x.py:1: SyntaxWarning: forged")
