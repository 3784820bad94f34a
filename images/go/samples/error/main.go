package main

import "fmt"

func main() {
	fmt.Println("text" + 1) // error here
}
