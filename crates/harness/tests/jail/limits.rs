//! Limits stop what goes beyond them, soon and for the right reason.

use std::time::{Duration, Instant};

use iteratione_harness::protocol::{FromHarness, Stop, ToHarness};

use crate::support::{DEADLINE, Jail, Options, perl, program, sh};

/// "Limit + 200 ms" is the promise of a quiet machine; on one that builds something else meanwhile programs are held back,
/// and have that time on top.
const SLACK_US: u64 = 1_000_000;

#[test]
fn a_flood_of_output_stops_at_the_limit_exactly() {
    let mut jail = Jail::start();
    for (script, limit) in [("yes", 1 << 20), ("yes >&2", 100_000), ("yes & yes >&2; wait", 3_000_001)] {
        let mut request = sh(script);
        request.limits.output_bytes = limit;
        let run = jail.run(request);
        assert_eq!(run.result.stop, Some(Stop::Output), "{script}");
        assert_eq!((run.stdout.len() + run.stderr.len()) as u64, limit, "{script}");
        jail.is_as_new();
    }
}

#[test]
fn as_much_output_as_allowed_is_not_too_much() {
    let mut jail = Jail::start();
    let mut request = sh("head -c 100000 /dev/zero");
    request.limits.output_bytes = 100_000;
    let run = jail.run(request);
    assert_eq!((run.result.stop, run.stdout.len()), (None, 100_000));
    let mut silent = sh("true");
    silent.limits.output_bytes = 0;
    assert_eq!(jail.run(silent).result.stop, None);
    let mut request = sh("echo");
    request.limits.output_bytes = 0;
    assert_eq!(jail.run(request).result.stop, Some(Stop::Output));
}

#[test]
fn whatever_waits_is_stopped_by_the_wall_limit() {
    let mut jail = Jail::start();
    for script in [
        "sleep 1000",
        "kill -STOP $$",
        "trap '' TERM INT HUP; while :; do sleep 1; done",
        "sleep 1000 & kill -STOP $! $$",
        "exec perl -e 'select(undef, undef, undef, undef)'",
        "cat; sleep 1000",
    ] {
        let mut request = sh(script);
        request.limits.wall_ms = 300;
        let result = jail.run(request).result;
        assert_eq!((result.stop, result.signal), (Some(Stop::Wall), Some(libc::SIGKILL)), "{script}");
        assert!((300_000..300_000 + SLACK_US).contains(&result.wall_us), "{script}: {} µs", result.wall_us);
        assert!(result.cpu_us < 100_000, "{script}: {} µs", result.cpu_us);
    }
    jail.is_as_new();
}

#[test]
fn a_reader_of_input_that_never_ends_is_stopped_by_the_wall_limit() {
    let mut jail = Jail::start();
    let mut request = program(&["cat"]);
    request.limits.wall_ms = 300;
    jail.send(&ToHarness::Exec(request));
    let result = jail.finish().result;
    jail.send(&ToHarness::StdinEnd);
    assert_eq!(result.stop, Some(Stop::Wall));
    jail.is_as_new();
}

#[test]
fn whatever_burns_is_stopped_by_the_cpu_limit() {
    let mut jail = Jail::with(Options { cpus: "2", ..Options::default() });
    for (name, script) in [
        ("a loop", "1 while 1"),
        ("system calls", "while (1) { open F, '<', '/dev/null'; close F }"),
        ("four processes", "fork; fork; 1 while 1"),
        ("a child, while the parent waits", "if (fork) { wait } else { 1 while 1 }"),
        (
            "a grandchild in a session of its own",
            "use POSIX; if (fork) { sleep 1000 } POSIX::setsid(); fork and exit; 1 while 1",
        ),
        ("many short ones", "while (1) { if (fork) { wait } else { for (1..100000) {} exit } }"),
    ] {
        let mut request = perl(script);
        request.limits.cpu_ms = 500;
        let result = jail.run(request).result;
        assert_eq!((result.stop, result.exit_code), (Some(Stop::Cpu), None), "{name}: {result:?}");
        // Two CPUs may burn for the time that it takes to notice.
        assert!((500_000..500_000 + SLACK_US).contains(&result.cpu_us), "{name}: {} µs", result.cpu_us);
    }
    jail.is_as_new();
}

#[test]
fn a_program_that_only_sleeps_is_charged_no_cpu_time() {
    let mut jail = Jail::start();
    let result = jail.run(sh("sleep 0.5")).result;
    assert!(result.cpu_us < 50_000, "{} µs", result.cpu_us);
    assert!(result.wall_us >= 500_000);
}

#[test]
fn under_a_quota_the_cpu_limit_is_still_of_cpu_time() {
    let mut jail = Jail::with(Options { cpus: "0.25", ..Options::default() });
    let mut request = perl("1 while 1");
    request.limits.cpu_ms = 300;
    let result = jail.run(request).result;
    assert_eq!(result.stop, Some(Stop::Cpu));
    assert!((300_000..300_000 + SLACK_US).contains(&result.cpu_us), "{} µs", result.cpu_us);
    assert!(result.wall_us > 600_000, "{} µs", result.wall_us);
}

#[test]
fn a_file_may_not_grow_beyond_its_limit() {
    let mut jail = Jail::start();
    let mut request = program(&["dd", "if=/dev/zero", "of=big", "bs=1M", "count=10"]);
    request.limits.file_bytes = 1 << 20;
    let result = jail.run(request).result;
    assert_eq!(result.signal, Some(libc::SIGXFSZ), "{result:?}");
    jail.is_as_new();
}

#[test]
fn files_and_stack_are_limited_too() {
    let mut jail = Jail::start();
    let mut request = perl("for (1..200) { open my $f, '<', '/dev/null' or do { print $_; last }; push @f, $f }");
    request.limits.open_files = 40;
    let opened: u32 = jail.run(request).text().parse().expect("refused at some number");
    assert!(opened < 40, "{opened}");
    let mut request = sh("ulimit -s; ulimit -Hs");
    request.limits.stack_bytes = Some(4 << 20);
    assert_eq!(jail.run(request).text(), "4096\n4096\n");
}

#[test]
fn a_host_that_does_not_read_holds_the_program_back_and_not_the_watch() {
    let mut jail = Jail::start();
    let mut request = sh("yes");
    request.limits.output_bytes = u64::MAX;
    request.limits.wall_ms = 1500;
    jail.send(&ToHarness::Exec(request));
    jail.send(&ToHarness::StdinEnd);
    // The engine and its client take some megabytes into buffers of their own; then nothing moves any more.
    std::thread::sleep(Duration::from_secs(3));
    let (begin, mut bytes) = (Instant::now(), 0);
    let result = loop {
        match jail.receive() {
            FromHarness::Stdout(piece) => bytes += piece.len() as u64,
            FromHarness::Exit(result) => break result,
            other => panic!("{other:?}"),
        }
    };
    assert!(begin.elapsed() < DEADLINE);
    assert_eq!((result.stop, result.stdout_bytes), (Some(Stop::Wall), bytes));
    // Who writes without end under a quota is held back, for as much again as the limit at most.
    assert!(result.wall_us < 2 * 1_500_000 + SLACK_US, "{} µs", result.wall_us);
}
