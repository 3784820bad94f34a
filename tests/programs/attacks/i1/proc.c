/* Reads what /proc tells of the harness, of others and of the host. */
#include "probe.h"
#include <dirent.h>

static const char *const FILES[] = {"environ", "maps", "mem", "smaps", "stack", "syscall", "io", "auxv", "pagemap",
                                    "personality", "timers", "map_files/."};

static void look_at(const char *pid) {
    char path[300], target[300];
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        snprintf(path, sizeof path, "/proc/%s/%s", pid, FILES[i]);
        tell(readable(path), "read %s", path);
    }
    const char *const folders[] = {"fd", "fdinfo", "task/1/fd", "root/", "cwd/", "ns"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "/proc/%s/%s", pid, folders[i]);
        DIR *folder = opendir(path);
        int some = 0;
        struct dirent *entry;
        while (folder && (entry = readdir(folder))) {
            /* The namespaces' names are no secret; where they lead is. */
            snprintf(target, sizeof target, "/proc/%s/%s/%s", pid, folders[i], entry->d_name);
            char link[300];
            some |= entry->d_name[0] != '.' && (strcmp(folders[i], "ns") != 0 || readlink(target, link, sizeof link) > 0);
        }
        if (folder) {
            closedir(folder);
        }
        tell(some, "look into %s", path);
    }
    const char *const links[] = {"root", "cwd", "exe", "fd/0", "fd/1", "fd/2", "ns/net", "ns/pid", "ns/user", "ns/mnt"};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "/proc/%s/%s", pid, links[i]);
        tell(readlink(path, target, sizeof target) > 0, "follow %s", path);
    }
    const char *const writes[] = {"mem", "oom_score_adj", "clear_refs", "coredump_filter", "comm"};
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
        snprintf(path, sizeof path, "/proc/%s/%s", pid, writes[i]);
        tell(writable(path), "write %s", path);
    }
    snprintf(path, sizeof path, "/proc/%s/attr/current", pid);
    tell(takes(path, "unconfined"), "write %s", path);
}

int main(void) {
    look_at("1");
    int others = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc && (entry = readdir(proc))) {
        int pid = atoi(entry->d_name);
        others += pid > 1 && pid != getpid();
    }
    tell(others, "see other processes");
    const char *const host[] = {
        "/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/modules", "/proc/cmdline",
        "/proc/vmallocinfo", "/proc/slabinfo", "/proc/pagetypeinfo", "/proc/kpageflags", "/proc/kpagecount", "/proc/iomem_",
        "/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/loop0", "/dev/fuse", "/dev/kvm",
        "/dev/net/tun", "/dev/vsock", "/dev/vhost-vsock", "/etc/shadow", "/sys/firmware/acpi/tables/DSDT",
        "/sys/kernel/debug/sched/debug", "/sys/kernel/security/apparmor/profiles", "/sys/class/dmi/id/product_uuid",
        "/sys/class/dmi/id/board_serial", "/sys/kernel/tracing/trace", "/sys/kernel/vmcoreinfo_"};
    for (size_t i = 0; i < sizeof host / sizeof *host; i++) {
        tell(readable(host[i]), "read %s", host[i]);
    }
    const char *const settings[] = {"/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe",
                                    "/proc/sys/vm/drop_caches", "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper",
                                    "/sys/power/state", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                                    "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory.max", "/proc/irq/default_smp_affinity"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        tell(writable(settings[i]), "write %s", settings[i]);
    }
    /* Addresses of the kernel are shown as zeros. */
    FILE *symbols = fopen("/proc/kallsyms", "r");
    unsigned long address = 0;
    tell(symbols && fscanf(symbols, "%lx", &address) == 1 && address != 0, "learn where the kernel is");
    /* These two can be read: the test looks at what they say. */
    char line[4096];
    FILE *said = fopen("/proc/1/cmdline", "r");
    if (said && fgets(line, sizeof line, said)) {
        fprintf(stderr, "cmdline %s\n", line);
    }
    said = fopen("/proc/self/mountinfo", "r");
    while (said && fgets(line, sizeof line, said)) {
        fprintf(stderr, "mountinfo %s", line);
    }
    extern char **environ;
    for (char **variable = environ; *variable; variable++) {
        fprintf(stderr, "environ %s\n", *variable);
    }
}
