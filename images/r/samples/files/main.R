arguments <- commandArgs(FALSE)
main <- sub("^--file=", "", grep("^--file=", arguments, value = TRUE))
source(file.path(dirname(main), "numbers.R"))
cat(six * seven(), "\n", sep = "")
