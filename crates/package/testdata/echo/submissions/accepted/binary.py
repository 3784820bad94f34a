what, said = input().split()
if what == "encode":
    print(format(int(said), "b").replace("0", "a").replace("1", "b"))
else:
    print(int(said.replace("a", "0").replace("b", "1"), 2))
