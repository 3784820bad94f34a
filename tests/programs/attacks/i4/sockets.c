/* Looks for the engine's sockets, and for any other socket, pipe or device that somebody could answer at. */
#include "probe.h"
#include <ftw.h>
#include <sys/sysmacros.h>

static int sockets, pipes, devices, files_in_run;

static int look(const char *path, const struct stat *data, int kind, struct FTW *where) {
    (void)kind;
    (void)where;
    if (strncmp(path, "/proc", 5) == 0 || strncmp(path, "/sys", 4) == 0) {
        return 0;
    }
    if (S_ISSOCK(data->st_mode)) {
        sockets++;
        fprintf(stderr, "socket %s\n", path);
    } else if (S_ISFIFO(data->st_mode)) {
        pipes++;
        fprintf(stderr, "pipe %s\n", path);
    } else if ((S_ISBLK(data->st_mode) || S_ISCHR(data->st_mode)) && access(path, R_OK) == 0) {
        /* null, zero, full, random, urandom, tty, ptmx and terminals of one's own. */
        int harmless = major(data->st_rdev) == 1 || major(data->st_rdev) == 5 || major(data->st_rdev) == 136;
        devices += S_ISBLK(data->st_mode) || !harmless || (major(data->st_rdev) == 1 && minor(data->st_rdev) < 3);
    } else if (!S_ISDIR(data->st_mode) && (strncmp(path, "/run/", 5) == 0 || strncmp(path, "/var/run/", 9) == 0)) {
        files_in_run++;
        fprintf(stderr, "in /run: %s\n", path);
    }
    return 0;
}

int main(void) {
    const char *const paths[] = {
        "/var/run/docker.sock", "/run/docker.sock", "/run/docker", "/run/containerd", "/run/containerd/containerd.sock",
        "/var/run/containerd", "/run/podman/podman.sock", "/run/crio/crio.sock", "/run/buildkit", "/run/systemd",
        "/run/dbus/system_bus_socket", "/run/secrets", "/var/run/secrets", "/run/runc", "/run/user", "/var/lib/docker",
        "/var/lib/containerd", "/var/lib/kubelet", "/iteratione-workspaces", "/host", "/rootfs", "/.dockerenv.sock"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        tell(there(paths[i]), "%s", paths[i]);
    }
    nftw("/", look, 32, FTW_PHYS);
    tell(sockets, "any socket");
    tell(pipes, "any pipe");
    tell(devices, "any device that is one");
    tell(files_in_run, "any file below /run");
}
