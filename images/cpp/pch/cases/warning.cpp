#include <iostream>
int main() { int unused; std::cout << "fine\n"; if (unused = 1) return 0; }
