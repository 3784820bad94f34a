fun main() {
    val number: Int = "text" // error here
    println(number)
}
