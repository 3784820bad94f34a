/* Threads without end, each of which waits. */
#include <pthread.h>
#include <unistd.h>

static void *wait_for_ever(void *nothing) {
    for (;;) {
        pause();
    }
    return nothing;
}

int main(void) {
    for (;;) {
        pthread_t thread;
        pthread_create(&thread, NULL, wait_for_ever, NULL);
    }
}
