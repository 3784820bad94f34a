#define _GLIBCXX_DEBUG 1
#include <iostream>
#include <vector>
#include <string>
int main() { std::vector<int> v; std::cout << sizeof v << "\n"; }
