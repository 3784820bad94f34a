package main

import (
	"fmt"
	"math"
	"strings"
)

func greeting(to string) string { return fmt.Sprintf("Hello, %s!", to) }

func main() {
	var words []string
	for _, name := range []string{"Ada", "Grace", "Jürgen"} {
		words = append(words, greeting(name))
	}
	fmt.Println(strings.Join(words, " "))
	fmt.Printf("π ≈ %.4f\n", math.Pi)
}
