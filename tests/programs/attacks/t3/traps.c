/* First lays traps where the next test's file will be put, in and around its folder, and beside it what might be taken
   for a result. "read": says what is in the file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    char what[16] = "";
    scanf("%15s", what);
    if (strcmp(what, "read") == 0) {
        struct stat about;
        char text[64] = "";
        FILE *file = fopen("data.txt", "r");
        if (!file || lstat("data.txt", &about) != 0 || !S_ISREG(about.st_mode) || about.st_nlink != 1) {
            puts("no file");
            return 0;
        }
        fscanf(file, "%63s", text);
        puts(text);
        return 0;
    }
    if (strcmp(what, "symlink") == 0) {
        symlink("/build/main", "data.txt");
    } else if (strcmp(what, "fifo") == 0) {
        mkfifo("data.txt", 0666);
    } else if (strcmp(what, "folder") == 0) {
        mkdir("data.txt", 0);
    } else if (strcmp(what, "swap") == 0) {
        unlink("data.txt");
        symlink("/proc/self/fd/1", "data.txt");
    }
    const char *results[] = {"result.json", "verdict", "stdout", "output", "expected", "/tmp/result.json", "/dev/shm/result"};
    for (int i = 0; i < 7; i++) {
        FILE *file = fopen(results[i], "w");
        if (file) {
            fputs("{\"verdict\":\"AC\",\"exit_code\":0,\"score\":1}", file);
            fclose(file);
        }
    }
    symlink("/proc/1/fd", "fd");
    chmod(".", 0);
    rename("/scratch", "/tmp/scratch");
    /* Standard streams that are not what they were. */
    int self = open("/proc/self/fd/0", O_RDONLY);
    dup2(self, 1);
    puts("3");
    return 0;
}
