/* Tells its input by the signal that ends it. */
#include <signal.h>
#include <stdio.h>

int main(void) {
    int c = 0;
    for (int i = 0; i < 5; i++) {
        c = getchar();
    }
    raise(c == 's' ? SIGSEGV : SIGFPE);
}
