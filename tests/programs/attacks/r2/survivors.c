/* "leave": says the right answer and leaves children that write, spin, fork and hold on to the output.
   "look": says the right answer only if nothing of that is there. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave(void) {
    if (fork() == 0) {
        setsid();
        for (int i = 1; i < 65; i++) {
            signal(i, SIG_IGN);
        }
        for (volatile unsigned n = 0;; n++) {
        }
    }
    if (fork() == 0) {
        setsid();
        for (;;) {
            int f = open("/scratch/mark", O_CREAT | O_WRONLY, 0600);
            close(f);
            f = open("/dev/shm/mark", O_CREAT | O_WRONLY, 0600);
            close(f);
        }
    }
    if (fork() == 0) {
        /* Never the same process twice: who kills must kill them all at once. */
        for (;;) {
            if (fork() != 0) {
                _exit(0);
            }
            setsid();
        }
    }
    puts("3");
    fflush(stdout);
    _exit(0);
}

static int others(void) {
    DIR *proc = opendir("/proc");
    int found = 0;
    for (struct dirent *e; (e = readdir(proc));) {
        if (isdigit((unsigned char)e->d_name[0]) && atoi(e->d_name) != 1 && atoi(e->d_name) != getpid()) {
            fprintf(stderr, "process %s\n", e->d_name);
            found++;
        }
    }
    closedir(proc);
    return found;
}

static int files(const char *folder) {
    DIR *dir = opendir(folder);
    int found = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) {
            fprintf(stderr, "file %s in %s\n", e->d_name, folder);
            found++;
        }
    }
    closedir(dir);
    return found;
}

int main(void) {
    char what[16] = "";
    if (scanf("%15s", what) == 1 && strcmp(what, "leave") == 0) {
        leave();
    }
    int found = 0;
    for (int i = 0; i < 20; i++) {
        found += others() + files("/scratch") + files("/dev/shm") + files("/tmp");
        usleep(5000);
    }
    puts(found ? "somebody is here" : "3");
}
