#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

int main() {
    const std::vector<std::string> names{"Ada", "Grace", "Jürgen"};
    for (std::size_t i = 0; i < names.size(); ++i)
        std::cout << "Hello, " << names[i] << '!' << (i + 1 == names.size() ? '\n' : ' ');
    std::cout << "π ≈ " << std::fixed << std::setprecision(4) << std::acos(-1.0) << '\n';
}
