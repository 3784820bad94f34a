//! Whatever a program leaves, the next one does not find.

use iteratione_harness::protocol::Role;

use crate::support::{Jail, Options, perl, sh};

#[test]
fn ten_thousand_nested_folders_are_cleaned() {
    let mut jail = Jail::with(Options { cpus: "2", ..Options::default() });
    let run = jail.run(perl("for (1..10000) { mkdir 'd' x 200 or last; chdir 'd' x 200 or last; $n++ } print $n"));
    assert_eq!(run.text(), "10000");
    let begin = std::time::Instant::now();
    jail.is_as_new();
    assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[test]
fn a_million_files_are_as_many_as_the_quota_allows_and_are_cleaned() {
    let mut jail = Jail::start();
    let files = "for $d ('/scratch', '/tmp', '/dev/shm') { chdir $d; for (1..1000000) { open F, '>', $_ . 'n' x 240 or last; $n++ } } print $n";
    let run = jail.run(perl(files));
    let made: u32 = run.text().parse().expect("a number");
    assert!((10_000..25_000).contains(&made), "{made}");
    jail.is_as_new();
}

#[test]
fn folders_that_nobody_may_enter_are_cleaned() {
    let mut jail = Jail::start();
    let run = jail.run(sh(
        "cd /scratch; mkdir -p a/b/c d/.e; echo x >a/b/c/f; mkfifo a/fifo; ln -s / a/root; ln a/b/c/f d/hard;
         ln -s loop loop; echo y >'-rf *'; printf x >\"$(printf 'a\\nb')\"; mkdir .wiped-1 .wiped-2; echo z >.wiped-2/z;
         chmod 000 a/b/c a/b a d .wiped-2; mkdir -m 000 /tmp/x /dev/shm/x; ls -A | wc -l",
    ));
    // Seven, one of them with a line break in its name.
    assert_eq!(run.text().trim(), "8", "{run:?}");
    jail.is_as_new();
}

#[test]
fn sparse_and_full_files_are_cleaned() {
    let mut jail = Jail::start();
    let run = jail.run(sh("truncate -s 60M sparse; cat /dev/zero >full; ls"));
    assert_eq!(run.text(), "full\nsparse\n", "{run:?}");
    jail.is_as_new();
}

#[test]
fn files_of_the_compiler_and_of_the_program_in_each_other_s_folders_are_cleaned() {
    let mut jail = Jail::start();
    let mut compiler = sh("cd /tmp; mkdir shared mine; chmod 777 shared; echo x >mine/x; chmod 700 mine");
    compiler.role = Role::Compiler;
    jail.run(compiler);
    jail.run(sh("cd /tmp/shared; mkdir deep; mkdir deep/er; echo x >deep/er/x; chmod 000 deep/er deep"));
    jail.is_as_new();
}

#[test]
fn the_build_folder_stays() {
    let mut jail = Jail::start();
    let mut compiler = sh("echo made >/build/x");
    compiler.role = Role::Compiler;
    jail.run(compiler);
    jail.is_as_new();
    assert_eq!(jail.run(sh("cat /build/x")).text(), "made\n");
}

// shmget, semget, msgget.
#[cfg(target_arch = "x86_64")]
const MAKE_IPC: &str = "print join ' ', map { $_ >= 0 ? 'made' : 'refused' } \
     syscall(29, 7, 4096, 01600), syscall(64, 7, 1, 01600), syscall(68, 7, 01600)";
#[cfg(target_arch = "aarch64")]
const MAKE_IPC: &str = "print join ' ', map { $_ >= 0 ? 'made' : 'refused' } \
     syscall(194, 7, 4096, 01600), syscall(190, 7, 1, 01600), syscall(186, 7, 01600)";

#[test]
fn the_jail_s_seccomp_profile_lets_nobody_make_ipc_objects() {
    let mut jail = Jail::start();
    assert_eq!(jail.run(perl(MAKE_IPC)).text(), "refused refused refused");
    jail.is_as_new();
}

#[test]
fn where_ipc_objects_can_be_made_they_are_removed() {
    let mut jail = Jail::with(Options { seccomp: false, ..Options::default() });
    for role in [Role::Program, Role::Compiler] {
        let mut request = perl(MAKE_IPC);
        request.role = role;
        assert_eq!(jail.run(request).text(), "made made made");
        jail.is_as_new();
        assert_eq!(jail.run(sh("cat /proc/sysvipc/* | wc -l")).text(), "3\n", "the three headers");
    }
}

#[test]
fn a_connection_that_lingers_makes_the_jail_unclean() {
    let mut jail = Jail::start();
    let run = jail.run(perl(
        "use Socket; socket(S, AF_INET, SOCK_STREAM, 0) and bind(S, pack_sockaddr_in(4000, INADDR_LOOPBACK))
           and listen(S, 1) or die $!;
         if (!fork) { socket(C, AF_INET, SOCK_STREAM, 0); connect(C, pack_sockaddr_in(4000, INADDR_LOOPBACK)) or die $!;
           sysread C, $x, 1; exit }
         accept(A, S) or die $!; syswrite A, 'x'; shutdown A, 2; wait; print 'met'",
    ));
    assert_eq!(run.text(), "met", "{run:?}");
    let cleaned = jail.clean();
    assert!(!cleaned.clean && cleaned.detail.is_some_and(|d| d.contains("sockets")), "its port is taken for a minute");
}

#[test]
fn a_name_that_a_unix_socket_took_is_free_again() {
    let mut jail = Jail::start();
    let bind = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0) and bind(S, pack_sockaddr_un(\"\\0name\")) or die $!; print 'bound'";
    for _ in 0..2 {
        assert_eq!(jail.run(perl(bind)).text(), "bound");
        jail.is_as_new();
    }
}
