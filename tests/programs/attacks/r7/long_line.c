/* 10 MB in one line. */
#include <stdio.h>
#include <string.h>

int main(void) {
    static char part[10000];
    memset(part, 'x', sizeof part);
    for (int i = 0; i < 1000; i++) {
        fwrite(part, 1, sizeof part, stdout);
    }
}
