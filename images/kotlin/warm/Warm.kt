import java.util.Scanner

// What a course program is made of, so that the archive holds the classes that compiling one needs.

sealed interface Shape

data class Circle(val radius: Double) : Shape

data class Square(val side: Double) : Shape

enum class Level { LOW, HIGH }

interface Greeter {
    fun greet(name: String): String
}

abstract class Animal(protected val name: String) : Comparable<Animal> {
    abstract fun sound(): String

    override fun compareTo(other: Animal) = name.compareTo(other.name)
}

class Dog(name: String) : Animal(name) {
    override fun sound() = "woof $name"
}

object Registry {
    private val seen = mutableMapOf<String, Int>()

    operator fun get(key: String) = seen[key] ?: 0

    operator fun set(key: String, value: Int) {
        seen[key] = value
    }
}

fun area(shape: Shape): Double = when (shape) {
    is Circle -> Math.PI * shape.radius * shape.radius
    is Square -> if (shape.side > 0) shape.side * shape.side else 0.0
}

fun <T, R> mapped(items: List<T>, f: (T) -> R): List<R> {
    val out = ArrayList<R>()
    for (item in items) out.add(f(item))
    return out
}

fun String.shout(times: Int = 2) = buildString { repeat(times) { append(this@shout.uppercase()).append('!') } }

tailrec fun gcd(a: Int, b: Int): Int = if (b == 0) a else gcd(b, a % b)

fun main(args: Array<String>) {
    val input = Scanner(System.`in`)
    val counts = sortedMapOf<String, Int>()
    while (input.hasNext()) counts.merge(input.next(), 1, Int::plus)
    readLine()?.split(" ")?.mapNotNull { it.toIntOrNull() }?.let(::println)
    val numbers = intArrayOf(3, 1, 2).apply { sort() }
    val (small, big) = numbers.partition { it < 2 }
    val greeter = object : Greeter {
        override fun greet(name: String) = "Hello, $name ${numbers.joinToString()}"
    }
    try {
        println(greeter.greet(Dog("Rex").sound()).shout())
        var total = 0L
        for ((i, n) in numbers.withIndex()) total += if (i % 2 == 0) n else -n
        for (i in 10 downTo 1 step 3) total += gcd(i, 6)
        check(total < Int.MAX_VALUE && Level.valueOf("LOW") != Level.HIGH) { "too much: $total" }
        println(mapped(listOf(Circle(1.0), Square(2.0)), ::area).sortedDescending().groupBy { it > 3 })
    } catch (e: IllegalStateException) {
        System.err.println(e.message)
    } finally {
        input.close()
    }
    Registry["x"] = Registry["x"] + small.size + big.sumOf { it }
    println("%.2f %s".format(Registry["x"] / 3.0, counts.entries.firstOrNull { it.value > 1 }?.key ?: "none"))
}
