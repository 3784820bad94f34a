#include <iostream>

int main() {
    for (;;) {
        std::cout << "0123456789012345678901234567890123456789\n";
    }
}
