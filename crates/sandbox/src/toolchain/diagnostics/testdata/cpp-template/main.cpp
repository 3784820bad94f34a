#include <algorithm>
#include <list>
int main() {
  std::list<int> v;
  std::sort(v.begin(), v.end());
  return undeclared;
}
