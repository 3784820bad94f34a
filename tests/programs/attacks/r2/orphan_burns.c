/* The one who burns is nobody's child any more, while the program itself sleeps. */
#define _GNU_SOURCE
#include <unistd.h>

int main(void) {
    if (fork() == 0) {
        if (fork() == 0) {
            setsid();
            for (volatile unsigned n = 0;; n++) {
            }
        }
        _exit(0);
    }
    for (;;) {
        pause();
    }
}
