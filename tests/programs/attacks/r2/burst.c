/* Burns in children that end again and again, so that none of them is ever old: each is charged when it is gone. */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    for (;;) {
        if (fork() == 0) {
            for (volatile unsigned n = 0; n < 3000000; n++) {
            }
            _exit(0);
        }
        wait(NULL);
    }
}
