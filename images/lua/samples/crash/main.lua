error("crash")
