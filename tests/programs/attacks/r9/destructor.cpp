// Has said the right answer, and its last destructor burns.
#include <iostream>

struct Never {
    ~Never() {
        for (volatile unsigned n = 0;; n = n + 1) {
        }
    }
};

static Never never;

int main() {
    std::cout << 3 << std::endl;
}
