/* Names of 255 bytes, of any bytes that there are; "look" as above. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    char what[8] = "";
    scanf("%7s", what);
    if (strcmp(what, "look") == 0) {
        DIR *dir = opendir("/scratch");
        int found = 0;
        while (readdir(dir)) {
            found++;
        }
        puts(found == 2 ? "3" : "names");
        return 0;
    }
    char name[256];
    int made = 0;
    for (int n = 1; n < 3000; n++) {
        for (int i = 0; i < 255; i++) {
            unsigned char byte = (unsigned char)(i < 2 ? 1 + (i ? n / 200 : n % 200) : n * 7 + i * n);
            name[i] = byte == 0 || byte == '/' ? '\n' : (char)byte;
        }
        name[255] = 0;
        /* Folders that may not be entered, links and FIFOs. */
        made += (n % 3 == 0 ? mkdir(name, 0) : n % 3 == 1 ? symlink("/etc/passwd", name) : mkfifo(name, 0)) == 0;
    }
    fprintf(stderr, "%d", made);
    puts("3");
}
