#include <string.h>
#include <unistd.h>

int main(void) {
    static char part[1 << 16];
    memset(part, 'x', sizeof part);
    for (;;) {
        if (write(2, part, sizeof part) < 0) {
            return 0;
        }
    }
}
