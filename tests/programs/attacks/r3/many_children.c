/* Each of them is small, and their parent is not even interested. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    for (int i = 0; i < 24; i++) {
        if (fork() == 0) {
            volatile char *part = malloc(8 << 20);
            memset((char *)part, 1, 8 << 20);
            sleep(1);
            _exit(part[0]);
        }
    }
    while (wait(NULL) > 0) {
    }
    puts("3");
}
