/* Only a child takes too much, and its parent does not care: it says the right answer and ends well. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    if (fork() == 0) {
        for (;;) {
            char *part = malloc(1 << 20);
            if (part) {
                memset(part, 1, 1 << 20);
            }
        }
    }
    wait(NULL);
    puts("3");
}
