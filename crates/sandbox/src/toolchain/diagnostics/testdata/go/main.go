package main

import (
	"fmt"
	"os"
)

// main.go:99:1: in a comment
func main() {
	é := "é"; fmt.Println(é + 1)
	undefined1()
	var s string = `
main.go:98:1: in a string`
	return s
}
