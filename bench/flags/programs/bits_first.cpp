#include <bits/stdc++.h>

// Reads numbers and reports on them, as the Java lab does.
int main() {
    std::vector<int> numbers;
    for (int number; std::cin >> number;) numbers.push_back(number);
    std::cout << "count " << numbers.size() << " sum " << std::accumulate(numbers.begin(), numbers.end(), 0L) << "\n";
    std::map<int, int> counts;
    for (int number : numbers) ++counts[number];
    std::sort(numbers.begin(), numbers.end());
    std::string line = "sorted ";
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i > 0) line += ',';
        line += std::to_string(numbers[i]);
    }
    std::cout << line << "\n" << std::flush;
    for (const auto& [value, count] : counts) std::printf("%6d x%d\n", value, count);
    return 0;
}
