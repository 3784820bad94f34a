x = 1
if x:
	é = (1,
	print("x"
