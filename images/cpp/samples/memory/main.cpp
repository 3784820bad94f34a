#include <vector>

int main() {
    std::vector<std::vector<char>> kept;
    for (;;)
        kept.emplace_back(1000000, 'x');
}
