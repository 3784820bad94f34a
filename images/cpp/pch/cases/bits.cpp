#include <bits/stdc++.h>
using namespace std;
int gcd_(int a, int b) { return b ? gcd_(b, a % b) : a; }
int main() { vector<int> v{3, 1}; sort(begin(v), end(v)); cout << gcd_(v[0], v[1]) << endl; undeclared(); }
