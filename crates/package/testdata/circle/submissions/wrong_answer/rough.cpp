#include <iostream>
int main() { double r; std::cin >> r; std::cout << 3.14 * r * r << std::endl; }
