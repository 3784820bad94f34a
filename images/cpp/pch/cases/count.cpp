// A name that <algorithm> would make ambiguous.
#include <iostream>
#include <string>
#include <vector>
using namespace std;
int sort_of;
int count;
int main() { count = 1; cout << count << "\n"; }
