//! What a program sees and may do inside.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::TcpListener,
    os::{linux::net::SocketAddrExt as _, unix::net::UnixListener},
};

use crate::support::{Site, docker, program, run, sh, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_no_rights_and_sees_nothing_of_the_harness() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let status = sh(&mut jail, "cat /proc/self/status").await;
    let field = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(&format!("{name}:"))).expect("field");
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(field("Uid"), "10001 10001 10001 10001");
    assert_eq!(field("Gid"), "10001 10001 10001 10001");
    assert_eq!(field("Groups"), "");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    // KILL, SETGID and SETUID are 5, 6 and 7.
    assert_eq!(u64::from_str_radix(&field("CapBnd"), 16).expect("hex") & !0xe0, 0);
    assert_eq!((field("NoNewPrivs").as_str(), field("Seccomp").as_str()), ("1", "2"));
    let harness = sh(&mut jail, "cat /proc/1/status").await;
    assert!(harness.contains("CapEff:\t00000000000000e0"), "{harness}");

    for forbidden in [
        "cat /proc/1/environ",
        "cat /proc/1/maps",
        "ls /proc/1/fd",
        "ls /proc/1/root/",
        "cat /proc/1/mem",
        "ls /proc/1/cwd/",
        "echo x > /x",
        "echo x > /src/x",
        "echo x > /build/x",
        "echo x > /dev/x",
        "echo x > /iteratione/harness",
        "echo x > /sys/fs/cgroup/x",
        "echo b > /proc/sysrq-trigger",
        "kill -9 1",
        "mknod /scratch/d b 8 0",
        "cat /etc/shadow",
        "echo 1 > /proc/sys/kernel/core_pattern",
        "chroot / true",
        "echo x > /dev/mqueue/x",
        "cp /bin/true /scratch/t && /scratch/t",
        "echo 1000 > /proc/self/oom_score_adj && echo -1000 > /proc/self/oom_score_adj",
        "su -c true",
        "touch /etc/hosts",
    ] {
        let done = run(&mut jail, program(&["/bin/sh", "-c", forbidden]), b"").await;
        assert_ne!(done.result.exit_code, Some(0), "{forbidden}: {}", String::from_utf8_lossy(&done.stdout));
    }
    for hidden in
        ["/var/run/docker.sock", "/run/containerd", "/run/docker.sock", "/iteratione-workspaces", "/.dockerenv/x"]
    {
        let done = run(&mut jail, program(&["test", "-e", hidden]), b"").await;
        assert_ne!(done.result.exit_code, Some(0), "{hidden} is there");
    }
    for empty in ["/proc/kcore", "/proc/keys", "/proc/cmdline", "/proc/modules", "/proc/timer_list"] {
        assert_eq!(sh(&mut jail, &format!("head -c 100 {empty} | wc -c")).await.trim(), "0", "{empty}");
    }
    assert_eq!(sh(&mut jail, "ulimit -c; ulimit -Hc").await, "0\n0\n");
    let devices = sh(&mut jail, "cd /dev; ls").await;
    let extra: Vec<&str> = devices
        .lines()
        .filter(|d| {
            ![
                "core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
                "tty", "urandom", "zero",
            ]
            .contains(d)
        })
        .collect();
    assert_eq!(extra, Vec::<&str>::new());
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_writable_place_is_in_memory_and_has_a_size_and_a_number_of_files() {
    let mut site = Site::base();
    site.config.scratch.size_mb = 3;
    site.config.scratch.inodes = 50;
    site.config.shm.size_mb = 1;
    site.config.shm.inodes = 20;
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let mounts = sh(&mut jail, "cat /proc/mounts").await;
    let mounts: BTreeMap<&str, (&str, Vec<&str>)> = mounts
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split(' ').collect();
            (parts[1], (parts[2], parts[3].split(',').collect()))
        })
        .collect();
    assert!(mounts["/"].1.contains(&"ro"));
    for (folder, size, inodes) in [
        ("/scratch", "size=3072k", "nr_inodes=50"),
        ("/dev/shm", "size=1024k", "nr_inodes=20"),
        ("/tmp", "size=32768k", "nr_inodes=4096"),
        ("/build", "size=65536k", "nr_inodes=8192"),
    ] {
        let (kind, options) = &mounts[folder];
        assert_eq!(*kind, "tmpfs", "{folder}");
        for needed in ["rw", "nosuid", "nodev", size, inodes] {
            assert!(options.contains(&needed), "{folder}: {needed} is not among {options:?}");
        }
        assert_eq!(options.contains(&"noexec"), folder != "/build", "{folder}");
    }
    for read_only in ["/src", "/iteratione/harness", "/etc/hosts", "/dev/mqueue"] {
        assert!(mounts[read_only].1.contains(&"ro"), "{read_only}: {:?}", mounts[read_only]);
    }
    // The kernel's own file systems aside, nothing else can be written by anybody but root.
    let writable = sh(&mut jail, "find / -xdev -writable ! -type l 2>/dev/null; for m in $(cut -d' ' -f2 /proc/mounts); do [ -d $m ] && [ -w $m ] && echo $m; done; true").await;
    let places: Vec<&str> =
        writable.lines().filter(|p| !p.starts_with("/proc") && !p.starts_with("/dev/pts")).collect();
    assert!(places.iter().all(|p| ["/scratch", "/tmp", "/dev/shm"].contains(p)), "{places:?}");

    let full = sh(&mut jail, "head -c 10000000 /dev/zero > /scratch/big; stat -c %s /scratch/big; rm /scratch/big; i=0; while touch /scratch/$i 2>/dev/null; do i=$((i+1)); done; echo $i").await;
    let numbers: Vec<u64> = full.lines().map(|l| l.parse().expect("number")).collect();
    assert!(numbers[0] <= 3 << 20 && numbers[1] < 50, "{numbers:?}");
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_network_but_the_jails_own_loopback() {
    let tcp = TcpListener::bind("0.0.0.0:0").expect("listens");
    let port = tcp.local_addr().expect("address").port();
    let name = format!("iteratione-test-{}", uuid::Uuid::new_v4().simple());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name.as_bytes()).expect("address");
    let _abstract = UnixListener::bind_addr(&address).expect("listens");
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    assert_eq!(sh(&mut jail, "tail -n +3 /proc/net/dev | cut -d: -f1").await.trim(), "lo");
    assert_eq!(sh(&mut jail, "cat /proc/net/route | wc -l; cat /proc/net/unix | wc -l").await, "1\n1\n");
    let inside = sh(&mut jail, "readlink /proc/self/ns/net").await;
    let outside = std::fs::read_link("/proc/self/ns/net").expect("link");
    assert_ne!(inside.trim(), outside.to_str().expect("utf-8"), "not the host's namespace");

    let bridge = docker(&["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]);
    let mut targets = vec!["127.0.0.1".to_owned(), "::1".to_owned()];
    targets.extend(Some(bridge.trim().to_owned()).filter(|b| !b.is_empty()));
    for target in targets {
        let connect = format!(
            "use IO::Socket::IP; exit(IO::Socket::IP->new(PeerHost => '{target}', PeerPort => {port}, Timeout => 2) ? 0 : 7)"
        );
        let done = run(&mut jail, program(&["perl", "-e", &connect]), b"").await;
        assert_eq!(
            done.result.exit_code,
            Some(7),
            "{target}: {:?} {}",
            done.result,
            String::from_utf8_lossy(&done.stderr)
        );
    }
    let connect = format!(
        "use Socket; socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; exit(connect($s, pack_sockaddr_un(\"\\0{name}\")) ? 0 : 7)"
    );
    let done = run(&mut jail, program(&["perl", "-e", &connect]), b"").await;
    assert_eq!(done.result.exit_code, Some(7), "{}", String::from_utf8_lossy(&done.stderr));

    // A program that talks to itself is an honest one.
    let own = "use IO::Socket::IP; my $l = IO::Socket::IP->new(LocalHost => 'localhost', Listen => 1) or die $@; \
               my $c = IO::Socket::IP->new(PeerHost => 'localhost', PeerPort => $l->sockport) or die $@; print 'connected'";
    let done = run(&mut jail, program(&["perl", "-e", own]), b"").await;
    assert_eq!(String::from_utf8_lossy(&done.stdout), "connected", "{}", String::from_utf8_lossy(&done.stderr));
    drop(jail);
    site.end(sandbox).await;
}

/// `(name, number on x86-64, number on arm64, first arguments)`; none is refused for its arguments alone.
const DENIED: &[(&str, i64, i64, &str)] = &[
    ("keyctl", 250, 219, "0, -3, 0"),
    ("add_key", 248, 217, "0"),
    ("request_key", 249, 218, "0"),
    ("io_uring_setup", 425, 425, "1, 0"),
    ("io_uring_enter", 426, 426, "0"),
    ("io_setup", 206, 0, "1, 0"),
    ("bpf", 321, 280, "0, 0, 0"),
    ("perf_event_open", 298, 241, "0"),
    ("userfaultfd", 323, 282, "1"),
    ("unshare user", 272, 97, "0x10000000"),
    ("unshare files", 272, 97, "0x400"),
    ("setns", 308, 268, "0, 0"),
    ("clone a user namespace", 56, 220, "0x10000011"),
    ("clone a mount namespace", 56, 220, "0x20011"),
    ("mount", 165, 40, "0"),
    ("umount2", 166, 39, "0"),
    ("pivot_root", 155, 41, "0"),
    ("open_tree", 428, 428, "0"),
    ("move_mount", 429, 429, "0"),
    ("fsopen", 430, 430, "0"),
    ("mount_setattr", 442, 442, "0"),
    ("chroot", 161, 51, "0"),
    ("ptrace", 101, 117, "0"),
    ("process_vm_readv", 310, 270, "$$, 0, 0, 0, 0, 0"),
    ("process_vm_writev", 311, 271, "$$, 0, 0, 0, 0, 0"),
    ("process_madvise", 440, 440, "0"),
    ("kcmp", 312, 272, "$$, $$, 0, 0, 0"),
    ("pidfd_getfd", 438, 438, "0"),
    ("shmget", 29, 194, "0, 4096, 01600"),
    ("semget", 64, 190, "0, 1, 01600"),
    ("msgget", 68, 186, "0, 01600"),
    ("mq_open", 240, 180, "0"),
    ("inotify_init1", 294, 26, "0"),
    ("fanotify_init", 300, 262, "0"),
    ("name_to_handle_at", 303, 264, "0"),
    ("open_by_handle_at", 304, 265, "0"),
    ("memfd_secret", 447, 447, "0"),
    ("personality without randomisation", 135, 92, "0x0040000"),
    ("sync", 162, 81, ""),
    ("syncfs", 306, 267, "0"),
    ("vmsplice", 278, 75, "0"),
    ("setxattr", 188, 5, "0"),
    ("seccomp", 317, 277, "0"),
    ("landlock_create_ruleset", 444, 444, "0, 0, 1"),
    ("modify_ldt", 154, 0, "0, 0, 0"),
    ("iopl", 172, 0, "0"),
    ("kexec_load", 246, 104, "0"),
    ("init_module", 175, 105, "0"),
    ("finit_module", 313, 273, "0"),
    ("delete_module", 176, 106, "0"),
    ("swapon", 167, 224, "0"),
    ("reboot", 169, 142, "0"),
    ("acct", 163, 89, "0"),
    ("quotactl", 179, 60, "0"),
    ("syslog", 103, 116, "10, 0, 0"),
    ("clock_settime", 227, 112, "0"),
    ("sethostname", 170, 161, "0"),
    ("mbind", 237, 235, "0"),
    ("move_pages", 279, 239, "0"),
    ("clone3", 435, 435, "0, 0"),
    ("socket netlink", 41, 198, "16, 3, 0"),
    ("socket packet", 41, 198, "17, 2, 0"),
    ("socket vsock", 41, 198, "40, 1, 0"),
    ("socket AF_ALG", 41, 198, "38, 5, 0"),
    ("socket bluetooth", 41, 198, "31, 1, 0"),
    ("socket raw", 41, 198, "2, 3, 255"),
    ("socket icmp", 41, 198, "2, 2, 1"),
    ("socket sctp", 41, 198, "2, 1, 132"),
    ("socket mptcp", 41, 198, "2, 1, 262"),
    ("socket above 32 bits", 41, 198, "4294967298, 3, 1"),
    ("socketpair tipc", 53, 199, "30, 1, 0, 0"),
    ("mknod a block device", 133, 0, "$path, 060600, 2048"),
];

#[tokio::test(flavor = "multi_thread")]
async fn system_calls_that_no_student_needs_do_not_exist() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let mut script = "use strict; my $n; my $path = '/scratch/b';\n".to_owned();
    let mut calls = 0;
    for (name, x86, arm, arguments) in DENIED {
        let number = if cfg!(target_arch = "x86_64") { *x86 } else { *arm };
        if number == 0 {
            continue;
        }
        let arguments = if arguments.is_empty() { String::new() } else { format!(", {arguments}") };
        // $!+0 is the errno of the call; 0 when it succeeded.
        writeln!(script, "$n = syscall({number}{arguments}); print '{name}: ', ($n == -1 ? $!+0 : 0), \"\\n\";")
            .expect("a string");
        calls += 1;
    }
    let done = run(&mut jail, program(&["perl", "-e", &script]), b"").await;
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(said.lines().count(), calls, "{said} {:?} {}", done.result, String::from_utf8_lossy(&done.stderr));
    // EPERM or ENOSYS, whatever the arguments; what the kernel would have said without the profile is something else
    // for most of them.
    let let_through: Vec<&str> = said.lines().filter(|l| !l.ends_with(": 1") && !l.ends_with(": 38")).collect();
    assert_eq!(let_through, Vec::<&str>::new());
    assert!(said.contains("clone3: 38"), "a C library must fall back to clone: {said}");

    // 32-bit system calls have other numbers: none gets past the filter. (int 0x80 needs a program of its own; perl can
    // ask for the x32 numbers.)
    if cfg!(target_arch = "x86_64") {
        let done = run(&mut jail, program(&["perl", "-e", "syscall(0x40000000 + 39); print 'alive'"]), b"").await;
        assert_ne!(String::from_utf8_lossy(&done.stdout), "alive", "{:?}", done.result);
    }
    let works = "use Socket; socket(my $a, AF_UNIX, SOCK_STREAM, 0) or die; socket(my $b, AF_INET, SOCK_STREAM, 6) or die; \
                 socket(my $c, AF_INET6, SOCK_DGRAM, 17) or die; socketpair(my $d, my $e, AF_UNIX, SOCK_STREAM, 0) or die; \
                 use POSIX; mkfifo('/scratch/f', 0600) or die; fork // die; wait; print 'x'";
    let done = run(&mut jail, program(&["perl", "-e", works]), b"").await;
    assert_eq!(done.stdout, b"xx", "{}", String::from_utf8_lossy(&done.stderr));
    drop(jail);
    site.end(sandbox).await;
}
