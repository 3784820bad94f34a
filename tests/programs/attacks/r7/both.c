/* Children flood both streams at the same time, and go on when their parent has ended. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    static char part[1 << 16];
    signal(SIGPIPE, SIG_IGN);
    memset(part, '3', sizeof part);
    for (int i = 0; i < 6; i++) {
        if (fork() == 0) {
            for (;;) {
                write(1 + i % 2, part, sizeof part);
            }
        }
    }
    for (;;) {
        pause();
    }
}
