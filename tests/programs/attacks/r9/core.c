/* Wants a core file and dies for it; "look": the right answer only if there is none. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int main(void) {
    char what[8] = "";
    scanf("%7s", what);
    if (strcmp(what, "look") == 0) {
        int found = 0;
        const char *folders[] = {"/scratch", "/tmp", "/dev/shm"};
        for (int i = 0; i < 3; i++) {
            DIR *dir = opendir(folders[i]);
            while (readdir(dir)) {
                found++;
            }
            closedir(dir);
        }
        puts(found == 6 ? "3" : "files");
        return 0;
    }
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit now;
    int raised = setrlimit(RLIMIT_CORE, &all) == 0;
    getrlimit(RLIMIT_CORE, &now);
    prctl(PR_SET_DUMPABLE, 1);
    fprintf(stderr, "raised %d, soft %lu, hard %lu", raised, (unsigned long)now.rlim_cur, (unsigned long)now.rlim_max);
    abort();
}
