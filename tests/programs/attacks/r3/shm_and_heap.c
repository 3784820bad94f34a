/* Each of the two is below the limit; "both" are not. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    char what[8] = "";
    if (scanf("%7s", what) != 1) {
        return 1;
    }
    static char part[1 << 16];
    memset(part, 1, sizeof part);
    if (strcmp(what, "heap") != 0) {
        int file = open("/dev/shm/big", O_CREAT | O_WRONLY, 0600);
        for (int i = 0; i < 15 * 16; i++) {
            if (write(file, part, sizeof part) != (ssize_t)sizeof part) {
                return 2;
            }
        }
    }
    if (strcmp(what, "shm") != 0) {
        char *heap = malloc(55 << 20);
        memset(heap, 1, 55 << 20);
        part[0] = heap[4096];
    }
    puts(part[0] == 1 ? "3" : "?");
}
