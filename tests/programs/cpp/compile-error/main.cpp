#include <string>

int main() {
    std::string text = nullptr + 1;
}
