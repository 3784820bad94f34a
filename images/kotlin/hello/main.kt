data class Greeting(val to: String) {
    override fun toString() = "Hello, $to!"
}

fun main() {
    println(listOf("Ada", "Grace", "Jürgen").map(::Greeting).joinToString(" "))
    println("π ≈ ${String.format(java.util.Locale.ROOT, "%.4f", Math.PI)}")
}
