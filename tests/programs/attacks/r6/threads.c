#include <pthread.h>
#include <unistd.h>

static void *burn(void *nothing) {
    for (volatile unsigned n = 0;; n++) {
    }
    return nothing;
}

int main(void) {
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, burn, NULL);
    }
    pause();
}
