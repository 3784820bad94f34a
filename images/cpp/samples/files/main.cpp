#include <iostream>

#include "numbers.hpp"

int main() { std::cout << numbers::six * numbers::seven() << '\n'; }
