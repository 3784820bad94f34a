#include <stdio.h>

static int deeper(volatile int n) {
    volatile char frame[4096];
    frame[0] = (char)n;
    return n == -1 ? frame[0] : deeper(n + 1) + frame[0];
}

int main(void) {
    printf("%d\n", deeper(0));
}
