/* Children that end at once: their own children belong to nobody, and there is always a new one. */
#define _GNU_SOURCE
#include <unistd.h>

int main(void) {
    for (;;) {
        if (fork() == 0) {
            if (fork() != 0) {
                _exit(0);
            }
        }
    }
}
