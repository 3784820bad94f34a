package main

func main() {
	var kept [][]byte
	for i := 0; ; i++ {
		block := make([]byte, 1<<20)
		for j := range block {
			block[j] = byte(i)
		}
		kept = append(kept, block)
		if len(kept) > 1<<20 {
			println(len(kept))
		}
	}
}
