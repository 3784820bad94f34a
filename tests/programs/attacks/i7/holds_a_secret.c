/* The victim: has a secret wherever a program can have one, and takes its time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char SECRET[] = "@SECRET@";

int main(void) {
    char input[200];
    int seconds = 0;
    if (!fgets(input, sizeof input, stdin) || scanf("%d", &seconds) != 1) {
        return 1;
    }
    const char *const places[] = {"/scratch/secret", "/tmp/secret", "/dev/shm/secret"};
    for (int i = 0; i < 3; i++) {
        int file = open(places[i], O_RDWR | O_CREAT, 0666);
        if (write(file, SECRET, sizeof SECRET) < 0 || write(file, input, strlen(input)) < 0) {
            return 1;
        }
    }
    char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    strcpy(shared, SECRET);
    for (int i = 0; i < seconds * 10; i++) {
        usleep(100000);
    }
    puts("done");
    return 0;
}
