/* Dies as the kernel's OOM killer would kill it, but of its own hand. */
#include <signal.h>

int main(void) {
    raise(SIGKILL);
}
