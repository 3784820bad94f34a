package main

import "fmt"

func main() { fmt.Println(six * seven()) }
