/* What the probes of the isolation rows share: each thing that is tried gives one line, "name: refused" or
   "name: reached". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void tell(int reached, const char *name, ...) {
    va_list arguments;
    va_start(arguments, name);
    vprintf(name, arguments);
    va_end(arguments);
    printf(": %s\n", reached ? "reached" : "refused");
    fflush(stdout);
}

/* Whether a file gives at least one byte. */
static inline int readable(const char *path) {
    char byte;
    int file = open(path, O_RDONLY | O_NONBLOCK);
    int some = file >= 0 && read(file, &byte, 1) == 1;
    if (file >= 0) {
        close(file);
    }
    return some;
}

/* Whether a file can be opened for writing. Nothing is written. */
static inline int writable(const char *path) {
    int file = open(path, O_WRONLY | O_NONBLOCK);
    if (file >= 0) {
        close(file);
    }
    return file >= 0;
}

/* Whether a file takes this: some can be opened by everybody and refuse what is written. */
static inline int takes(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_NONBLOCK);
    int taken = file >= 0 && write(file, text, strlen(text)) > 0;
    if (file >= 0) {
        close(file);
    }
    return taken;
}

static inline int there(const char *path) {
    struct stat data;
    return lstat(path, &data) == 0;
}

/* A call that must not exist for us: any other refusal means that the kernel has looked at its arguments. */
#define CALL(name, ...)                                                                                                \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        long done = syscall(__VA_ARGS__);                                                                              \
        tell(done != -1 || (errno != EPERM && errno != ENOSYS), name);                                                 \
    } while (0)
