six <- 6
seven <- function() 7
