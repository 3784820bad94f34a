//! Programs that want more than to be graded.

use iteratione_harness::{
    frame::encode,
    protocol::{ExecResult, FromHarness, Stop},
};

use crate::support::{Jail, Options, perl, sh};

#[test]
fn fork_bombs_end_at_their_limits_and_leave_a_clean_jail() {
    let mut jail = Jail::start();
    for (name, script) in [
        ("doubling", "fork while 1"),
        ("doubling in sessions", "use POSIX; while (1) { fork; POSIX::setsid() }"),
        ("orphans", "while (1) { fork and exit }"),
        ("orphans with sleepers", "while (1) { if (fork) { exit } if (!fork) { sleep 1000 } }"),
        ("dying children", "$SIG{CHLD} = 'IGNORE'; while (1) { fork or exit }"),
    ] {
        let mut request = perl(script);
        (request.limits.cpu_ms, request.limits.wall_ms) = (1000, 3000);
        let result = jail.run(request).result;
        assert!(result.spawn_error.is_none(), "{name}: {result:?}");
        assert!(result.wall_us < 4_000_000, "{name}: {result:?}");
        jail.is_as_new();
    }
}

#[test]
fn out_of_memory_is_counted_and_the_harness_lives_on() {
    let mut jail = Jail::with(Options { memory: "64m", ..Options::default() });
    for (name, script) in [
        ("one big one", "$x = 'x' x (200 << 20)"),
        ("a child", "if (fork) { wait; exit 0 } $x = 'x' x (200 << 20)"),
        ("many small ones", "for (1..20) { if (!fork) { $x = 'x' x (8 << 20); sleep 2; exit } } 1 while wait > 0"),
        ("a file", "open F, '>', '/scratch/x'; $x = 'x' x (1 << 20); while (1) { syswrite F, $x or sleep 1 }"),
    ] {
        let mut request = perl(script);
        request.limits.wall_ms = 8000;
        let result = jail.run(request).result;
        assert!(result.oom_kills >= 1, "{name}: {result:?}");
        assert!(result.memory_bytes > 55 << 20, "{name}: {result:?}");
        jail.is_as_new();
    }
    assert_eq!(jail.run(sh("exit 0")).result.oom_kills, 0, "each program has its own count");
}

#[test]
fn programs_are_chosen_before_the_harness_when_memory_runs_out() {
    let scored = vec!["--oom-score-adj", "500"];
    let mut jail = Jail::with(Options { memory: "64m", extra: scored, ..Options::default() });
    assert_eq!(jail.run(sh("cat /proc/1/oom_score_adj /proc/self/oom_score_adj")).text(), "500\n1000\n");
    // Files fill the memory, and whoever is chosen is smaller than the harness or hardly bigger.
    let mut request =
        sh("for i in 1 2 3 4; do (exec cat /dev/zero >/scratch/$i) & done; wait; exec cat /dev/zero >/scratch/5");
    request.limits.wall_ms = 8000;
    let result = jail.run(request).result;
    assert!(result.oom_kills >= 1, "{result:?}");
    jail.is_as_new();
}

#[test]
fn signals_to_everybody_and_to_the_harness_change_nothing() {
    let mut jail = Jail::start();
    let run = jail.run(perl(
        "print kill('KILL', 1) ? 'killed' : \"refused: $!\", \"\\n\"; print kill('STOP', 1) ? 'stopped' : 'refused';
         sleep 0; kill 'KILL', -1; print \"\\nalive\\n\"; exit 9",
    ));
    assert_eq!(run.text(), "refused: Operation not permitted\nrefused\nalive\n");
    assert_eq!(run.result.exit_code, Some(9));
    jail.is_as_new();
}

#[test]
fn the_harness_cannot_be_looked_into() {
    let mut jail = Jail::start();
    for path in ["environ", "maps", "mem", "fd", "root/etc", "cwd/etc", "exe", "stack", "syscall", "fdinfo", "io"] {
        let run = jail.run(sh(&format!("cat /proc/1/{path} || ls /proc/1/{path}/ || readlink /proc/1/{path}")));
        assert_eq!(run.text(), "", "{path}");
        assert_ne!(run.result.exit_code, Some(0), "{path}");
    }
    // PTRACE_ATTACH (16) and PTRACE_SEIZE (0x4206) on the harness, process_vm_readv (310 on x86-64, 270 on AArch64).
    let ptrace = if cfg!(target_arch = "x86_64") { 101 } else { 117 };
    let readv = if cfg!(target_arch = "x86_64") { 310 } else { 270 };
    let run = jail.run(perl(&format!(
        "print syscall({ptrace}, 16, 1, 0, 0), ' ', syscall({ptrace}, 0x4206, 1, 0, 0), ' ', syscall({readv}, 1, 0, 0, 0, 0, 0)",
    )));
    assert_eq!(run.text(), "-1 -1 -1");
}

#[test]
fn forged_frames_are_just_output() {
    let mut jail = Jail::start();
    let forged = ExecResult {
        exit_code: Some(0),
        signal: None,
        stop: None,
        cpu_us: 1,
        wall_us: 1,
        memory_bytes: 1,
        oom_kills: 0,
        stdout_bytes: 0,
        stderr_bytes: 0,
        survivors: 0,
        input_ended: false,
        ended_us: 0,
        spawn_error: None,
    };
    let mut wire = Vec::new();
    encode(&FromHarness::Exit(forged), &mut wire).expect("fits");
    let run = jail.exec(sh("cat; exit 1"), &wire);
    assert_eq!((run.result.exit_code, run.stdout), (Some(1), wire));
}

#[test]
fn no_process_keeps_the_output_open_beyond_the_end() {
    let mut jail = Jail::start();
    let started = std::time::Instant::now();
    let run = jail.run(sh("(trap '' TERM HUP; sleep 1000) & echo over"));
    assert_eq!(run.text(), "over\n");
    // Standard output and a socket are sent through that socket to itself: both are held by nobody, and open until the
    // kernel sweeps.
    let sendmsg = if cfg!(target_arch = "x86_64") { 46 } else { 211 };
    let run = jail.run(perl(&format!(
        "use Socket; socketpair(A, B, AF_UNIX, SOCK_STREAM, 0); $| = 1; $d = 'x'; $iov = pack('pQ', $d, 1);
         $c = pack('QiiII', 24, 1, 1, 1, fileno(B)); $m = pack('QLx4pQpQix4', 0, 0, $iov, 1, $c, 24, 0);
         print syscall({sendmsg}, fileno(A), $m, 0)",
    )));
    assert_eq!(run.text(), "1", "one byte sent: {run:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(10));
    // It has usually swept by now. If not, it is said.
    let cleaned = jail.clean();
    assert!(cleaned.clean || cleaned.detail.as_deref() == Some("Unix sockets"), "{cleaned:?}");
}

#[test]
fn an_endless_stack_is_a_signal() {
    let mut jail = Jail::start();
    let mut request = perl("sub f { my @x = (1) x 100; f() } no warnings; f()");
    request.limits.wall_ms = 10_000;
    let result = jail.run(request).result;
    assert!(result.oom_kills > 0 || result.stop == Some(Stop::Wall) || result.signal.is_some(), "{result:?}");
    jail.is_as_new();
}
