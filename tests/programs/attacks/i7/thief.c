/* Standard input: words written backwards, so that they stand nowhere as they are. Looks for them in every file that it
   can open, by every way that it knows, itself left out. */
#include "probe.h"
#include <dirent.h>
#include <ftw.h>
#include <sys/mman.h>

enum { WORDS = 32, LONGEST = 100 };
static char words[WORDS][LONGEST];
static int many, files, found[WORDS];
static char buffer[1 << 20];

static void search(const char *path) {
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        return;
    }
    files++;
    size_t keep = 0, total = 0;
    ssize_t n;
    while (total < (16 << 20) && (n = read(file, buffer + keep, sizeof buffer - keep)) > 0) {
        total += n;
        for (int i = 0; i < many; i++) {
            if (memmem(buffer, keep + n, words[i], strlen(words[i]))) {
                fprintf(stderr, "word %d is in %s\n", i, path);
                found[i] = 1;
            }
        }
        size_t tail = keep + n < LONGEST ? keep + n : LONGEST;
        memmove(buffer, buffer + keep + n - tail, tail);
        keep = tail;
    }
    close(file);
    memset(buffer, 0, sizeof buffer);
}

static int visit(const char *path, const struct stat *data, int kind, struct FTW *where) {
    (void)where;
    char self[32];
    snprintf(self, sizeof self, "/proc/%d", getpid());
    if (strncmp(path, self, strlen(self)) == 0 || strncmp(path, "/proc/self", 10) == 0 ||
        strncmp(path, "/proc/thread-self", 17) == 0 || strncmp(path, "/sys/kernel/", 12) == 0) {
        return 0;
    }
    /* What never ends, and what the words cannot be in. */
    if (kind == FTW_F && S_ISREG(data->st_mode)) {
        search(path);
    }
    return 0;
}

static int names_a_word(const char *text) {
    for (int i = 0; i < many; i++) {
        if (strstr(text, words[i])) {
            return 1;
        }
    }
    return 0;
}

int main(void) {
    char line[LONGEST];
    while (many < WORDS && fgets(line, sizeof line, stdin)) {
        size_t length = strcspn(line, "\n");
        for (size_t i = 0; i < length; i++) {
            words[many][i] = line[length - 1 - i];
        }
        many += length > 0;
    }
    memset(line, 0, sizeof line);
    /* The files of this jail, and of whatever else can be seen from it. */
    nftw("/", visit, 64, FTW_PHYS);
    /* Out of every folder by its parents, and through whatever leads elsewhere. */
    const char *const doors[] = {"/src/../../../..", "/build/../..", "/scratch/../..", "/proc/1/root", "/proc/1/cwd", "/proc/1/fd",
                                 "/proc/self/root/..", "/proc/self/cwd/../..", "/iteratione/..", "/src/../jails", "/src/..",
                                 "/dev/fd", "/iteratione-workspaces", "/sys/fs/cgroup/.."};
    for (size_t i = 0; i < sizeof doors / sizeof *doors; i++) {
        DIR *folder = opendir(doors[i]);
        struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            char path[600];
            snprintf(path, sizeof path, "%s/%s", doors[i], entry->d_name);
            struct stat data;
            /* The own standard streams are pipes, not files. */
            if (stat(path, &data) == 0 && S_ISREG(data.st_mode)) {
                search(path);
            }
        }
        if (folder) {
            closedir(folder);
        }
    }
    const char *const guesses[] = {"input", "input.txt", "stdin", "expected", "expected.txt", "answer", "1.in", "1.out", "1.ans",
                                   "tests", "checker", "lab.json", "secret"};
    int guessed = 0;
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
        char path[100];
        const char *const folders[] = {".", "..", "/src", "/src/..", "/build", "/tmp", "/dev/shm", "/scratch", "/"};
        for (size_t j = 0; j < sizeof folders / sizeof *folders; j++) {
            snprintf(path, sizeof path, "%s/%s", folders[j], guesses[i]);
            guessed += there(path);
        }
    }
    tell(guessed, "a file with a telling name");
    for (int i = 0; i < many; i++) {
        tell(found[i], "word %d", i);
    }
    int inherited = 0;
    char target[4096];
    for (int descriptor = 3; descriptor < 4096; descriptor++) {
        inherited += fcntl(descriptor, F_GETFD) != -1;
    }
    tell(inherited, "an inherited descriptor");
    int known = 0;
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        char path[40];
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        ssize_t n = readlink(path, target, sizeof target - 1);
        target[n < 0 ? 0 : n] = 0;
        known += strncmp(target, "pipe:", 5) != 0;
        /* Once more by name: nothing that was read before comes again. */
        if (descriptor == 0) {
            int again = open(path, O_RDONLY | O_NONBLOCK);
            tell(again >= 0 && read(again, target, sizeof target) > 0, "read the input once more");
        }
    }
    tell(known, "a standard stream that is no pipe");
    const char *const tables[] = {"/proc/self/mountinfo", "/proc/self/cgroup", "/proc/mounts", "/proc/net/unix", "/proc/1/cmdline"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        FILE *table = fopen(tables[i], "r");
        int named = 0;
        while (table && fgets(target, sizeof target, table)) {
            named |= names_a_word(target);
        }
        tell(named, "a word in %s", tables[i]);
    }
    /* Links to what one may not read do not make it readable. */
    const char *const far[] = {"/proc/1/root/etc/shadow", "/etc/shadow", "/proc/1/fd/0", "/iteratione/harness", "/src/main.c"};
    for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
        tell(link(far[i], "/scratch/hard") == 0, "hard link to %s", far[i]);
        unlink("/scratch/hard");
        int soft = symlink(far[i], "/scratch/soft") == 0 && readable("/scratch/soft") && !readable(far[i]);
        tell(soft, "symbolic link to %s", far[i]);
        unlink("/scratch/soft");
    }
    /* That the search works at all. */
    int own = open("/scratch/own", O_WRONLY | O_CREAT, 0600);
    if (own >= 0 && many > 0 && write(own, words[0], strlen(words[0])) > 0) {
        found[0] = 0;
        search("/scratch/own");
        tell(!found[0], "miss what is there");
    }
    tell(files < 20, "look at no files");
}
