greeting <- function(to) paste0("Hello, ", to, "!")

cat(sapply(c("Ada", "Grace", "Jürgen"), greeting), sep = " ")
cat("\n")
cat(sprintf("π ≈ %.4f\n", pi))
