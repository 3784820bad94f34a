//! Nothing crosses from one jail to another, be it beside it or after it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use iteratione_sandbox::Jail;

use crate::support::{DEADLINE, Site, docker, program, run, sh, take};

/// Says what of the leftovers of [`HOLD`] can be reached from here; `$port` is where it listens.
const PROBE: &str = r#"
use strict; use Socket; use IO::Socket::IP;
sub waits {
    open(my $rows, '<', '/proc/net/' . shift) or die;
    # The fourth field is the state: 06 is TIME_WAIT.
    return grep { (split)[3] eq '06' } <$rows>;
}
sub probe {
    my $port = shift;
    my @found;
    socket(my $u, AF_UNIX, SOCK_STREAM, 0) or die;
    push @found, 'abstract socket' if connect($u, pack_sockaddr_un("\0held"));
    open(my $listed, '<', '/proc/net/unix') or die;
    push @found, 'abstract socket, listed' if grep { /\@held$/ } <$listed>;
    for my $host ('127.0.0.1', '::1') {
        push @found, "port at $host" if IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Timeout => 5);
    }
    for my $table ('tcp', 'tcp6') {
        push @found, "time-wait in $table" if waits($table);
    }
    push @found, grep { -e } '/tmp/held', '/scratch/held', '/dev/shm/held', '/dev/shm/sem.held', '/build/held';
    for my $table ('shm', 'sem', 'msg') {
        open(my $rows, '<', "/proc/sysvipc/$table") or next;
        push @found, "sysvipc $table" if (() = <$rows>) > 1;
    }
    for my $process (glob '/proc/[0-9]*/cmdline') {
        open(my $line, '<', $process) or next;
        my $words = do { local $/; <$line> };
        push @found, 'process' if defined $words and index($words, 'HE' . 'LD') >= 0;
    }
    my %seen;
    print "$_\n" for grep { !$seen{$_}++ } @found;
}
"#;

/// Leaves what can be left, twice: in this process and in one that has left its session. Then it says in a file that it
/// is there, looks for itself, and waits to be told to go.
const HOLD: &str = r#"
my $port;
{
    my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Listen => 8) or die $@;
    $port = $listener->sockport;
    my $six = IO::Socket::IP->new(LocalHost => '::1', LocalPort => $port, Listen => 8) or die $@;
    for my $l ($listener, $six) {
        my $client = IO::Socket::IP->new(PeerHost => $l->sockhost, PeerPort => $port) or die $@;
        my $server = $l->accept or die;
        close $client; close $server;
    }
    socket(my $u, AF_UNIX, SOCK_STREAM, 0) or die;
    bind($u, pack_sockaddr_un("\0held")) or die; listen($u, 8) or die;
    for my $path ('/tmp/held', '/scratch/held', '/dev/shm/held', '/dev/shm/sem.held') {
        open(my $f, '>', $path) or die "$path: $!";
        print $f 'secret';
    }
    if ((fork // die) == 0) {
        use POSIX; POSIX::setsid();
        close STDIN; close STDOUT; close STDERR;
        exit 0 if fork;
        # The sockets are this one's too.
        sleep 300;
        exit 0;
    }
    $| = 1;
    probe($port);
    open(my $ready, '>', '/scratch/ready.new') or die; print $ready $port; close $ready;
    rename '/scratch/ready.new', '/scratch/ready' or die;
    for (1 .. 6000) { last if -e '/scratch/stop'; select(undef, undef, undef, 0.01); }
    # Gone without a word to anybody, with everything open.
    POSIX::_exit(0);
}
"#;

const NAMESPACES: &str = "for n in net ipc pid uts mnt cgroup; do readlink /proc/self/ns/$n; done";

async fn found(jail: &mut Jail, port: &str) -> String {
    let script = format!("{PROBE} probe({port});");
    let done = run(jail, program(&["perl", "-e", &script]), b"").await;
    assert_eq!(done.result.exit_code, Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("utf-8")
}

/// Waits for a file inside; its content.
async fn file_inside(container: &str, path: &str) -> String {
    let began = Instant::now();
    loop {
        let output = std::process::Command::new("docker").args(["exec", container, "cat", path]).output();
        let output = output.expect("the docker client runs");
        if output.status.success() {
            return String::from_utf8(output.stdout).expect("utf-8");
        }
        assert!(began.elapsed() < DEADLINE, "{path} does not come: {}", String::from_utf8_lossy(&output.stderr));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_job_is_reached_from_a_jail_beside_it_or_from_the_next() {
    let mut site = Site::base();
    site.config.pool_floor = 1;
    let sandbox = site.start().await;
    let base = site.language("base");
    let (mut first, mut beside) = (take(&sandbox, base).await, take(&sandbox, base).await);
    let (own, other) = (sh(&mut first, NAMESPACES).await, sh(&mut beside, NAMESPACES).await);
    let own: BTreeSet<&str> = own.lines().collect();
    let shared: Vec<&str> = other.lines().filter(|n| own.contains(n)).collect();
    assert_eq!((own.len(), shared), (6, Vec::<&str>::new()), "two living jails share a namespace");

    let container = first.container_id().to_owned();
    let script = format!("{PROBE} {HOLD}");
    let mut request = program(&["perl", "-e", &script, "HELD"]);
    request.limits.wall_ms = 80_000;
    let holding = run(&mut first, request, b"");
    let probing = async {
        let port = file_inside(&container, "/scratch/ready").await;
        let reached = found(&mut beside, &port).await;
        docker(&["exec", &container, "touch", "/scratch/stop"]);
        (port, reached)
    };
    let (held, (port, reached)) = tokio::join!(holding, probing);
    let said = String::from_utf8_lossy(&held.stdout).into_owned();
    let expected = [
        "abstract socket",
        "abstract socket, listed",
        "port at 127.0.0.1",
        "port at ::1",
        "/tmp/held",
        "/scratch/held",
        "/dev/shm/held",
        "/dev/shm/sem.held",
        "process",
    ];
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        expected,
        "the probe finds: {}",
        String::from_utf8_lossy(&held.stderr)
    );
    assert_eq!(reached, "", "from the jail beside it");

    first.destroy().await;
    assert!(!site.containers().contains(&container));
    for _ in 0..2 {
        let mut next = take(&sandbox, base).await;
        assert_eq!(found(&mut next, &port).await, "", "from the next jail");
        next.destroy().await;
    }
    assert_eq!(found(&mut beside, &port).await, "", "from the jail that was beside it");
    drop(beside);
    site.end(sandbox).await;
}
