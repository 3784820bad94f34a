int twice(int x) { return y; }
