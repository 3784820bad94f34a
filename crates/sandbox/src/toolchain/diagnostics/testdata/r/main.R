# main.R:99:1: in a comment
x <- "main.R:98:1: in a string"
f <- function(é) { "é" + }
