/* The right answer, and then nothing to write to or read from; and it does not end. */
#include <unistd.h>

int main(void) {
    write(1, "3\n", 2);
    close(0);
    close(1);
    close(2);
    for (;;) {
        pause();
    }
}
