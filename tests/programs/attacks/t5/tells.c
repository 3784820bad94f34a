/* Tells its input in every way that a process has: both streams, its exit code, its time. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    static char text[4096];
    size_t length = fread(text, 1, sizeof text - 1, stdin);
    fwrite(text, 1, length, stdout);
    fwrite(text, 1, length, stderr);
    FILE *file = fopen("data.txt", "r");
    if (file) {
        length = fread(text, 1, sizeof text - 1, file);
        fwrite(text, 1, length, stderr);
    }
    usleep(100000);
    return text[0];
}
