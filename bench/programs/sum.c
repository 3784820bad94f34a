#include <stdio.h>

/* Adds what it reads: about a millisecond of work, start and end included. */
int main(void) {
    long sum = 0, x;
    while (scanf("%ld", &x) == 1) sum += x;
    printf("%ld\n", sum);
    return 0;
}
