/* Opens until nothing more can be opened, then needs one. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    int opened = 0;
    while (dup(0) >= 0 && opened < 1000000) {
        opened++;
    }
    fprintf(stderr, "%d", opened);
    return open("/dev/null", O_RDONLY) < 0;
}
