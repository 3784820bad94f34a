#include <vector>
#include <list>
#include <iostream>
#include <string>
#include <map>
#include <algorithm>
int main() { std::list<int> l; std::sort(l.begin(), l.end()); int unused; }
