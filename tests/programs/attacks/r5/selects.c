#include <stddef.h>
#include <sys/select.h>

int main(void) {
    for (;;) {
        select(0, NULL, NULL, NULL, NULL);
    }
}
