/* 10,000 folders in one another, the inmost ones not to be entered; "look" as above. */
#include <dirent.h>
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
        puts(found == 2 ? "3" : "folders");
        return 0;
    }
    int depth = 0;
    while (depth < 10000 && mkdir("d", 0700) == 0 && chdir("d") == 0) {
        depth++;
    }
    mkdir("closed", 0);
    chmod(".", 0);
    fprintf(stderr, "%d", depth);
    puts("3");
}
