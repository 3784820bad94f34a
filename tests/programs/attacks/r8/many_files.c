/* A million empty files; says on stderr how many there are in the end. "look": the right answer only in empty folders. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static long entries(const char *folder) {
    DIR *dir = opendir(folder);
    long found = 0;
    while (readdir(dir)) {
        found++;
    }
    closedir(dir);
    return found - 2;
}

int main(void) {
    const char *folders[] = {"/scratch", "/tmp", "/dev/shm"};
    char what[8] = "", path[64];
    scanf("%7s", what);
    long found = 0;
    for (int i = 0; i < 3; i++) {
        for (int n = 0; strcmp(what, "look") && n < 1000000; n++) {
            snprintf(path, sizeof path, "%s/%d", folders[i], n);
            int file = open(path, O_CREAT | O_WRONLY, 0600);
            if (file < 0) {
                break;
            }
            close(file);
        }
        found += entries(folders[i]);
    }
    fprintf(stderr, "%ld", found);
    puts(strcmp(what, "look") || found == 0 ? "3" : "files");
}
