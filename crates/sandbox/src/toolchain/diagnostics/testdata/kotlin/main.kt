// main.kt:99:1: error: in a comment
fun main() {
    val é = "é"; val n: Int = "text"
    println(undefined)
    val unused = helper("one", 2)
    val text = """
main.kt:98:1: error: in a string"""
    n.foo()
    return text
}
