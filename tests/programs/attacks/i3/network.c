/* Standard input names listeners of the host, one a line: "tcp ADDRESS PORT", "udp ADDRESS PORT", "unix PATH",
   "abstract NAME". Each is tried; and there is no way out to anywhere else. */
#include "probe.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static int connects(int type, const char *address, int port) {
    struct sockaddr_storage to = {0};
    socklen_t length;
    if (strchr(address, ':')) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        inet_pton(AF_INET6, address, &v6->sin6_addr);
        length = sizeof *v6;
    } else {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        inet_pton(AF_INET, address, &v4->sin_addr);
        length = sizeof *v4;
    }
    int s = socket(to.ss_family, type | SOCK_NONBLOCK, 0);
    if (s < 0) {
        return 0;
    }
    int reached = connect(s, (struct sockaddr *)&to, length) == 0;
    struct pollfd poller = {s, type == SOCK_STREAM ? POLLOUT : POLLIN, 0};
    if (type == SOCK_DGRAM) {
        /* Whether it arrives is what the listener says; an answer would show it here too. */
        char answer[16];
        ssize_t sent = write(s, "from the jail", 13);
        reached = sent == 13 && poll(&poller, 1, 300) == 1 && read(s, answer, sizeof answer) > 0;
    } else if (!reached && errno == EINPROGRESS && poll(&poller, 1, 2000) == 1) {
        int error = 1;
        socklen_t size = sizeof error;
        reached = getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }
    close(s);
    return reached;
}

static int connects_unix(const char *name, int abstract) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if (length + 2 > sizeof to.sun_path) {
        return 0;
    }
    memcpy(to.sun_path + abstract, name, length);
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    int reached = s >= 0 && connect(s, (struct sockaddr *)&to, offsetof(struct sockaddr_un, sun_path) + abstract + length) == 0;
    close(s);
    return reached;
}

/* Lines of a table that speak of anything but the loopback. */
static int others(const char *path, int column) {
    FILE *table = fopen(path, "r");
    char line[1000];
    int found = 0;
    while (table && fgets(line, sizeof line, table)) {
        if (strstr(line, "Iface") || strstr(line, "Inter-|") || strstr(line, "face |")) {
            continue;
        }
        char *word = NULL, *rest = line;
        for (int i = 0; i <= column && (word = strtok(i ? NULL : rest, " \t\n:")); i++) {
        }
        /* The last column, where it is the interface. */
        if (column < 0) {
            for (char *next = strtok(line, " \t\n"); next; next = strtok(NULL, " \t\n")) {
                word = next;
            }
        }
        found += word && strcmp(word, "lo") != 0;
    }
    if (table) {
        fclose(table);
    }
    return found;
}

int main(void) {
    char kind[20], address[300];
    int port;
    while (scanf("%19s %299s", kind, address) == 2) {
        if (strcmp(kind, "unix") == 0) {
            tell(connects_unix(address, 0), "unix socket");
            const char *base = strrchr(address, '/') + 1;
            const char *const folders[] = {"/src/..", "/build/..", "/scratch/..", "/iteratione", "/iteratione/..", "/iteratione-workspaces"};
            for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
                char path[700];
                snprintf(path, sizeof path, "%s/%s", folders[i], base);
                tell(connects_unix(path, 0), "unix socket below %s", folders[i]);
            }
        } else if (strcmp(kind, "abstract") == 0) {
            tell(connects_unix(address, 1), "abstract socket");
        } else if (scanf("%d", &port) == 1) {
            tell(connects(strcmp(kind, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, address, port), "%s %s", kind, address);
        }
    }
    tell(others("/proc/net/dev", 0), "see another interface than the loopback");
    tell(others("/proc/net/route", 0), "have a route over IPv4");
    tell(others("/proc/net/ipv6_route", -1), "have a route over IPv6");
    tell(others("/proc/net/if_inet6", -1), "have an address over IPv6");
    FILE *resolver = fopen("/etc/resolv.conf", "r");
    char line[1000];
    int servers = 0;
    while (resolver && fgets(line, sizeof line, resolver)) {
        servers += strncmp(line, "nameserver", 10) == 0;
    }
    tell(servers, "know a name server");
    /* Names that the platform's services, the engine and clouds have; nobody is asked, because nobody is there. */
    const char *const names[] = {"api", "grader", "postgres", "redis", "db", "host.docker.internal", "gateway.docker.internal",
                                 "metadata.google.internal", "iteratione-api", "a-name-that-nobody-has.test"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct addrinfo *found = NULL;
        tell(getaddrinfo(names[i], "80", NULL, &found) == 0, "find the address of %s", names[i]);
    }
    CALL("netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0);
    CALL("packet socket", SYS_socket, AF_PACKET, SOCK_RAW, 0);
    CALL("raw socket", SYS_socket, AF_INET, SOCK_RAW, IPPROTO_RAW);
    CALL("ping socket", SYS_socket, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    CALL("ping socket over IPv6", SYS_socket, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
    CALL("vsock", SYS_socket, AF_VSOCK, SOCK_STREAM, 0);
    CALL("crypto socket", SYS_socket, AF_ALG, SOCK_SEQPACKET, 0);
    CALL("Bluetooth", SYS_socket, AF_BLUETOOTH, SOCK_RAW, 1);
    CALL("CAN", SYS_socket, AF_CAN, SOCK_RAW, 1);
    CALL("XDP", SYS_socket, AF_XDP, SOCK_RAW, 0);
    CALL("Kernel multiplexer", SYS_socket, AF_KCM, SOCK_DGRAM, 0);
}
