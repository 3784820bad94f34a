/* Asks the kernel for what only root, or nobody, should get. Nothing here would do harm if it were granted: reboot has
   wrong magic numbers, clocks get impossible times, modules and programs are empty. */
#include "probe.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <time.h>

/* Runs in a child, which may be killed for it. */
static void in_a_child(const char *name, int (*reaches)(void)) {
    pid_t child = fork();
    if (child == 0) {
        _exit(reaches() ? 42 : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    tell(child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 42, name);
}

#if defined(__x86_64__)
/* getpid of the 32-bit table, and of x32: numbers that the filter does not know. */
static int compat(void) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
    return result > 0;
}
static int x32(void) {
    return syscall(0x40000000L + SYS_getpid) > 0;
}
#endif

static int raises_a_limit(void) {
    struct rlimit limit;
    int raised = 0;
    const int kinds[] = {RLIMIT_CORE, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_CPU};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        getrlimit(kinds[i], &limit);
        if (limit.rlim_max != RLIM_INFINITY) {
            limit.rlim_cur = limit.rlim_max = limit.rlim_max + 1;
            raised |= setrlimit(kinds[i], &limit) == 0;
        }
    }
    return raised;
}

static int runs_in_real_time(void) {
    struct sched_param first = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO, &first) == 0 || sched_setscheduler(0, SCHED_RR, &first) == 0;
}

static int becomes_less_nice(void) {
    errno = 0;
    int now = getpriority(PRIO_PROCESS, 0);
    return setpriority(PRIO_PROCESS, 0, now - 1) == 0 && getpriority(PRIO_PROCESS, 0) < now;
}

static int hides_from_the_oom_killer(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY);
    return file >= 0 && write(file, "-1000", 5) == 5;
}

/* While a program that is root's by its mode waits for its input, it must still be ours. */
static int setuid_works(const char *path) {
    if (access(path, X_OK) != 0) {
        return 0;
    }
    int input[2];
    if (pipe(input) != 0) {
        return 0;
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(input[0], 0);
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 1);
        dup2(nowhere, 2);
        execl(path, path, (char *)NULL);
        _exit(1);
    }
    int root = 0, status;
    char name[64], line[256];
    snprintf(name, sizeof name, "/proc/%d/status", child);
    for (int looks = 0; looks < 200 && waitpid(child, &status, WNOHANG) == 0; looks++) {
        FILE *file = fopen(name, "r");
        int real, effective;
        while (file && fgets(line, sizeof line, file)) {
            root |= sscanf(line, "Uid: %d %d", &real, &effective) == 2 && effective != (int)getuid();
        }
        if (file) {
            fclose(file);
        }
        usleep(1000);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(input[0]);
    close(input[1]);
    return root;
}

int main(void) {
    CALL("mount", SYS_mount, "none", "/scratch", "tmpfs", 0, 0);
    CALL("bind mount", SYS_mount, "/", "/scratch", "", 4096, 0);
    CALL("remount", SYS_mount, "", "/", "", 32, 0);
    CALL("umount", SYS_umount2, "/src", 2);
    CALL("pivot_root", SYS_pivot_root, ".", ".");
    CALL("open_tree", 428, -100, "/", 1);
    CALL("move_mount", 429, -100, "", -100, "", 0);
    CALL("fsopen", 430, "tmpfs", 0);
    CALL("mount_setattr", 442, -100, "/", 0, 0, 0);
    CALL("chroot", SYS_chroot, "/scratch");
    CALL("unshare user", SYS_unshare, CLONE_NEWUSER);
    CALL("unshare mounts", SYS_unshare, CLONE_NEWNS);
    CALL("unshare network", SYS_unshare, CLONE_NEWNET);
    CALL("unshare processes", SYS_unshare, CLONE_NEWPID);
    CALL("unshare IPC", SYS_unshare, CLONE_NEWIPC);
    CALL("unshare cgroup", SYS_unshare, CLONE_NEWCGROUP);
    CALL("setns", SYS_setns, open("/proc/self/ns/net", O_RDONLY), 0);
    CALL("clone user", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    CALL("clone network", SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
    CALL("clone3", 435, 0, 0);
    CALL("bpf", SYS_bpf, 0, 0, 0);
    CALL("perf_event_open", SYS_perf_event_open, 0, 0, -1, -1, 0);
    CALL("keyctl", SYS_keyctl, 0, -3, 0);
    CALL("add_key", SYS_add_key, "user", "name", "x", 1, -3);
    CALL("request_key", SYS_request_key, "user", "name", 0, 0);
    CALL("io_uring_setup", 425, 1, 0);
    CALL("io_uring_enter", 426, 0, 0, 0, 0);
    CALL("io_setup", SYS_io_setup, 1, 0);
    CALL("userfaultfd", SYS_userfaultfd, 1);
    CALL("memfd_secret", 447, 0);
    CALL("reboot", SYS_reboot, 1, 2, 3, 0);
    CALL("kexec_load", SYS_kexec_load, 0, 0, 0, 0);
    CALL("init_module", SYS_init_module, "", 0, "");
    CALL("finit_module", SYS_finit_module, -1, "", 0);
    CALL("delete_module", SYS_delete_module, "", 0);
    CALL("swapon", SYS_swapon, "/nowhere", 0);
    CALL("swapoff", SYS_swapoff, "/nowhere");
    CALL("acct", SYS_acct, "/nowhere");
    CALL("quotactl", SYS_quotactl, 0, 0, 0, 0);
    CALL("syslog", SYS_syslog, 10, 0, 0);
    CALL("sethostname", SYS_sethostname, "x", 1);
    CALL("setdomainname", SYS_setdomainname, "x", 1);
    CALL("settimeofday", SYS_settimeofday, 0, 0);
    CALL("clock_settime", SYS_clock_settime, 999, 0);
    CALL("adjtimex", SYS_adjtimex, 0);
    CALL("clock_adjtime", SYS_clock_adjtime, 0, 0);
    CALL("name_to_handle_at", SYS_name_to_handle_at, -100, "/", 0, 0, 0);
    CALL("open_by_handle_at", SYS_open_by_handle_at, -100, 0, 0);
    CALL("fanotify_init", SYS_fanotify_init, 0, 0);
    CALL("inotify_init1", SYS_inotify_init1, 0);
    CALL("personality", SYS_personality, 0x0040000);
    CALL("ioprio_set", SYS_ioprio_set, 1, 0, 0);
    CALL("mbind", SYS_mbind, 0, 0, 0, 0, 0, 0);
    CALL("migrate_pages", SYS_migrate_pages, 0, 0, 0, 0);
    CALL("move_pages", SYS_move_pages, 0, 0, 0, 0, 0, 0);
    CALL("set_mempolicy", SYS_set_mempolicy, 0, 0, 0);
    CALL("vhangup", SYS_vhangup);
    CALL("sync", SYS_sync);
    CALL("landlock", 444, 0, 0, 1);
#if defined(__x86_64__)
    CALL("lookup_dcookie", 212, 0, 0, 0);
    CALL("nfsservctl", 180, 0, 0, 0);
    CALL("iopl", SYS_iopl, 3);
    CALL("ioperm", SYS_ioperm, 0, 1, 1);
    CALL("modify_ldt", SYS_modify_ldt, 0, 0, 0);
    CALL("uselib", SYS_uselib, "/nowhere");
    CALL("sysctl", 156, 0);
    in_a_child("32-bit calls", compat);
    in_a_child("x32 calls", x32);
#endif
    tell(mknod("/scratch/block", S_IFBLK | 0600, makedev(8, 0)) == 0, "make a block device");
    tell(mknod("/scratch/char", S_IFCHR | 0600, makedev(1, 1)) == 0, "make a character device");
    tell(syscall(SYS_mknodat, -100, "/scratch/c2", S_IFCHR | 0600, makedev(1, 3)) == 0, "make one by mknodat");
    tell(writable("/proc/sysrq-trigger"), "sysrq");
    tell(takes("/proc/self/uid_map", "0 10001 1\n"), "map user ids");
    tell(takes("/proc/self/gid_map", "0 10001 1\n"), "map group ids");
    tell(writable("/proc/self/setgroups"), "map groups");
    tell(writable("/proc/sys/kernel/ns_last_pid"), "choose process ids");
    tell(chown("/scratch", 0, 0) == 0, "give a folder away");
    tell(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "have new privileges again");
    tell(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1, "be without no_new_privs");
    tell(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2, "be without a filter");
    tell(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 7, 0, 0) == 0, "raise a capability");
    tell(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setuid(0) == 0, "keep capabilities");
    for (int capability = 0; capability <= 40; capability++) {
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1) {
            /* The harness needs three to change ids and to kill. */
            tell(capability < 5 || capability > 7, "capability %d", capability);
        }
    }
    in_a_child("raise a limit", raises_a_limit);
    in_a_child("run in real time", runs_in_real_time);
    in_a_child("become less nice", becomes_less_nice);
    in_a_child("hide from the OOM killer", hides_from_the_oom_killer);
    const char *const root[] = {"/usr/bin/su", "/usr/bin/passwd", "/usr/bin/newgrp", "/usr/bin/chfn", "/usr/bin/gpasswd",
                                "/usr/bin/mount", "/usr/bin/umount", "/usr/bin/chsh", "/usr/lib/openssh/ssh-keysign"};
    for (size_t i = 0; i < sizeof root / sizeof *root; i++) {
        tell(setuid_works(root[i]), "become root by %s", root[i]);
    }
    tell(open("/dev/tty", O_RDWR) >= 0 && ioctl(0, 0x5412, "x") == 0, "type into a terminal");
}
