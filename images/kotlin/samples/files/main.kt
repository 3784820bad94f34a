import numbers.seven
import numbers.six

fun main() = println(six * seven())
