package numbers

const val six = 6

fun seven() = 7
