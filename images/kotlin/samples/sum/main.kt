fun main() {
    println(generateSequence(::readLine).flatMap { it.split(" ") }.filter { it.isNotBlank() }.sumOf { it.toLong() })
}
