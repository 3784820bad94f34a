fun main() {
    var n = 0L
    while (true) n = n * 31 + 1
}
