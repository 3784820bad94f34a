#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(void) {
    for (int i = 0; i < 256; i++) {
        char *part = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (part != MAP_FAILED) {
            memset(part, 1, 1 << 20);
        }
    }
    puts("3");
}
