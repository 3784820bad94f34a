package main

func main() {}

func f(x int) int { return g(x, "two") }

func g(a, b int) int { return a }
