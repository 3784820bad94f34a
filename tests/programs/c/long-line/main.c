/* 50 MB in one line. */
#include <stdio.h>
#include <string.h>

int main(void) {
    static char part[1 << 16];
    memset(part, 'x', sizeof part);
    for (int i = 0; i < 800; i++) {
        fwrite(part, 1, sizeof part, stdout);
    }
}
