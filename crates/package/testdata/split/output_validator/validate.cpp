#include "validate.h"
int main(int argc, char** argv) {
    std::ifstream input(argv[1]);
    std::ofstream judge(std::string(argv[3]) + "judgemessage.txt", std::ios::app);
    long n, a, b;
    input >> n;
    if (!(std::cin >> a >> b)) {
        judge << "not two numbers\n";
        return 43;
    }
    std::string more;
    if (std::cin >> more) return 43;
    bool positive = argc > 4 && std::string(argv[4]) == "positive";
    judge << a << " + " << b << " for " << n << "\n";
    return a + b == n && (!positive || (a > 0 && b > 0)) ? 42 : 43;
}
