#include <stdio.h>
int main(void) { double r; if (scanf("%lf", &r) != 1) return 1; printf("%.12e\n", 3.14159265358979 * r * r); return 0; }
