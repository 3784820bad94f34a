stop("crash")
