fun helper(a: Int, b: Int): Int {
    val x: String? = null
    x.length
    return a!! + b
}
