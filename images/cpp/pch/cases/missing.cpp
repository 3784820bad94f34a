/* What is not included is missing. */
#include <iostream>
int main() { std::map<int, int> m; std::cout << m.size(); }
