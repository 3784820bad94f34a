/* "leave": puts something of every kind wherever it can, for whoever comes next. "look": looks whether it is there.
   Prints what it looked for; the answer to the first is empty. */
#include "probe.h"
#include <dirent.h>
#include <ftw.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { KEY = 0x17e2, PORT = 4711 };
static const char NAME[] = "/left-behind";
static const char *const PLACES[] = {"/scratch", "/tmp", "/dev/shm"};
/* Where nobody may write. */
static const char *const OTHERS[] = {"/", "/src", "/build", "/etc", "/usr", "/usr/bin", "/usr/lib", "/usr/local/bin", "/var/tmp",
                                     "/var", "/run", "/run/lock", "/var/lock", "/home", "/root", "/opt", "/mnt", "/dev", "/dev/mqueue",
                                     "/proc", "/sys", "/sys/fs/cgroup", "/iteratione", "/var/mail", "/var/lib", "/var/cache"};

static int listens(int family) {
    int s = socket(family, SOCK_STREAM, 0), reached;
    if (family == AF_UNIX) {
        struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0left-behind"};
        reached = connect(s, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + 12) == 0;
    } else {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = {htonl(INADDR_LOOPBACK)}};
        reached = connect(s, (struct sockaddr *)&a, sizeof a) == 0;
    }
    close(s);
    return reached;
}

static int found;

static int look_for(const char *path, const struct stat *data, int kind, struct FTW *where) {
    (void)kind;
    if (strncmp(path, "/proc", 5) == 0 || strncmp(path, "/sys", 4) == 0) {
        return 0;
    }
    if (strstr(path + where->base, "left-behind") || (data->st_uid == getuid() && where->level > 1)) {
        fprintf(stderr, "%s is there\n", path);
        found++;
    }
    return 0;
}

static void look(void) {
    nftw("/", look_for, 64, FTW_PHYS);
    tell(found, "a file");
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        int entries = 0;
        DIR *folder = opendir(PLACES[i]);
        while (folder && readdir(folder)) {
            entries++;
        }
        tell(entries != 2, "anything at all in %s", PLACES[i]);
    }
    tell(shmget(KEY, 0, 0) != -1, "System V memory");
    tell(semget(KEY, 0, 0) != -1, "System V semaphores");
    tell(msgget(KEY, 0) != -1, "System V queue");
    tell(shm_open(NAME, O_RDWR, 0) >= 0, "shared memory");
    tell(sem_open(NAME, 0) != SEM_FAILED, "semaphore");
    tell(mq_open(NAME, O_RDWR) != (mqd_t)-1, "queue");
    tell(listens(AF_INET), "listener on a port");
    tell(listens(AF_UNIX), "listener with an abstract name");
    int lines = 0;
    char line[300];
    const char *const tables[] = {"/proc/net/tcp", "/proc/net/udp", "/proc/net/unix", "/proc/sysvipc/shm", "/proc/sysvipc/sem",
                                  "/proc/sysvipc/msg", "/proc/locks"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        FILE *table = fopen(tables[i], "r");
        /* The first line is the head, but for locks; those of other namespaces are not seen. */
        int head = strcmp(tables[i], "/proc/locks") != 0;
        for (lines = 0; table && fgets(line, sizeof line, table); lines++) {
        }
        tell(lines > head, "a line in %s", tables[i]);
    }
    const char *const locked[] = {"/src/main.c", "/build/main", "/etc/passwd", "/etc/hosts", "/usr/bin/env"};
    for (size_t i = 0; i < sizeof locked / sizeof *locked; i++) {
        int file = open(locked[i], O_RDONLY);
        tell(file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0, "lock on %s", locked[i]);
    }
    int others = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        int pid = atoi(entry->d_name);
        others += pid > 1 && pid != getpid();
    }
    tell(others, "another process");
}

static void leave(void) {
    char path[300];
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        snprintf(path, sizeof path, "%s/left-behind", OTHERS[i]);
        int file = open(path, O_WRONLY | O_CREAT, 0666);
        tell(file >= 0 || mkdir(path, 0777) == 0 || symlink("/tmp", path) == 0, "write into %s", OTHERS[i]);
    }
    const char *const files[] = {"/src/main.c", "/build/main", "/etc/passwd", "/etc/hosts", "/etc/ld.so.cache", "/iteratione/harness"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        tell(writable(files[i]), "write %s", files[i]);
        tell(unlink(files[i]) == 0, "remove %s", files[i]);
        tell(rename(files[i], "/scratch/left-behind-too") == 0, "move %s", files[i]);
        tell(chmod(files[i], 0777) == 0, "open %s to all", files[i]);
    }
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        const char *const names[] = {"left-behind", ".left-behind", "...left-behind", "-left-behind", "left-behind\n", " left-behind"};
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            snprintf(path, sizeof path, "%s/%s", PLACES[i], names[j]);
            close(open(path, O_WRONLY | O_CREAT, 0));
        }
        snprintf(path, sizeof path, "%s/left-behind-link", PLACES[i]);
        (void)!symlink("/etc/passwd", path);
        snprintf(path, sizeof path, "%s/left-behind-pipe", PLACES[i]);
        mkfifo(path, 0666);
        snprintf(path, sizeof path, "%s/left-behind-folder", PLACES[i]);
        mkdir(path, 0777);
        if (chdir(path) == 0) {
            for (int depth = 0; depth < 300; depth++) {
                if (mkdir("left-behind", 0777) != 0 || chdir("left-behind") != 0) {
                    break;
                }
            }
            close(open("left-behind", O_WRONLY | O_CREAT, 0));
        }
        /* Nobody may look inside, not even its owner. */
        chmod(path, 0);
    }
    shmget(KEY, 4096, IPC_CREAT | 0666);
    semget(KEY, 1, IPC_CREAT | 0666);
    msgget(KEY, IPC_CREAT | 0666);
    shm_open(NAME, O_RDWR | O_CREAT, 0666);
    sem_open(NAME, O_CREAT, 0666, 1);
    mq_open(NAME, O_RDWR | O_CREAT, 0666, NULL);
    if (fork() == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        int tcp = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
        int unix_socket = socket(AF_UNIX, SOCK_STREAM, 0);
        struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0left-behind"};
        (void)!bind(tcp, (struct sockaddr *)&any, sizeof any);
        (void)!bind(unix_socket, (struct sockaddr *)&name, offsetof(struct sockaddr_un, sun_path) + 12);
        listen(tcp, 1);
        listen(unix_socket, 1);
        const char *const locked[] = {"/src/main.c", "/build/main", "/etc/passwd", "/etc/hosts", "/usr/bin/env"};
        for (size_t i = 0; i < sizeof locked / sizeof *locked; i++) {
            flock(open(locked[i], O_RDONLY), LOCK_EX);
        }
        for (;;) {
            pause();
        }
    }
    /* The child has its time to settle. */
    usleep(200000);
}

int main(void) {
    char what[10] = "";
    if (scanf("%9s", what) == 1 && strcmp(what, "leave") == 0) {
        leave();
    } else {
        look();
    }
}
