#include <algorithm>
#include <cctype>
#include <iostream>
#include <map>
#include <string>

int main() {
    std::map<std::string, int> counts;
    for (std::string word; std::cin >> word;) {
        std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
        ++counts[word];
    }
    for (const auto& [word, count] : counts) {
        std::cout << word << ' ' << count << '\n';
    }
}
