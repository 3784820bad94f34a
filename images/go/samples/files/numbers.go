package main

const six = 6

func seven() int { return 7 }
