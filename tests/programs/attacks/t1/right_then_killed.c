/* The right answer, and then death: it did not complete. */
#include <signal.h>
#include <stdio.h>

int main(void) {
    puts("3");
    fflush(stdout);
    raise(SIGKILL);
}
