#include <stdio.h>

int main(void) {
    volatile char array[1 << 30];
    for (int i = 0; i < 1 << 30; i += 4096) {
        array[i] = 1;
    }
    printf("%d\n", array[0] + 2);
}
