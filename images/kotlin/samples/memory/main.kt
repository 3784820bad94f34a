fun main() {
    val kept = mutableListOf<LongArray>()
    while (true) kept.add(LongArray(100_000) { it.toLong() })
}
