//! CPU time and memory are those of the whole tree, and of this tree only.

use crate::support::{Jail, Options, perl, sh};

/// `burn` takes 300 ms of CPU time; `<R>` waits until everybody who was forked has ended.
const BURN: &str = "use POSIX; pipe R, W; sub burn { 1 while (POSIX::times())[1] + (POSIX::times())[2] < 30 }";

#[test]
fn the_cpu_time_of_children_counts_whoever_waits_for_them() {
    let mut jail = Jail::with(Options { cpus: "2", ..Options::default() });
    for (name, script) in [
        ("itself", "burn()"),
        ("a child that was waited for", "if (fork) { wait; exit 0 } burn()"),
        ("a child nobody waits for", "$SIG{CHLD} = 'IGNORE'; if (fork) { close W; <R>; exit 0 } burn()"),
        (
            "an orphan by double fork",
            "if (fork) { wait; close W; <R>; exit 0 } if (fork) { exit 0 } POSIX::setsid(); burn()",
        ),
    ] {
        let run = jail.run(perl(&format!("{BURN} {script}")));
        assert_eq!(run.result.exit_code, Some(0), "{name}: {run:?}");
        let used = run.result.cpu_us / 1000;
        assert!((280..450).contains(&used), "{name}: {used} ms");
    }
}

#[test]
fn an_orphan_that_burns_on_is_killed_with_its_parent_and_charged() {
    let mut jail = Jail::with(Options { cpus: "2", ..Options::default() });
    let run = jail.run(perl(
        "use POSIX; if (fork) { select undef, undef, undef, 1; exit 0 } POSIX::setsid(); fork and exit; 1 while 1",
    ));
    assert_eq!((run.result.exit_code, run.result.stop), (Some(0), None));
    assert_eq!(run.result.survivors, 1);
    assert!(run.result.cpu_us > 100_000, "{} µs", run.result.cpu_us);
    let next = jail.run(sh("sleep 0.3")).result;
    assert!(next.cpu_us < 50_000, "the next program pays {} µs", next.cpu_us);
}

#[test]
fn children_that_outlive_their_parent_do_not_outlive_the_run() {
    let mut jail = Jail::start();
    let run = jail.run(sh("for i in 1 2 3 4 5; do setsid sleep 1000 & done; echo done"));
    assert_eq!((run.text().as_str(), run.result.survivors), ("done\n", 5));
    assert_eq!(jail.run(sh("for p in /proc/[0-9]*; do cat $p/comm; done | grep -c sleep")).text(), "0\n");
    jail.is_as_new();
}

#[test]
fn memory_is_that_of_the_tree_and_does_not_stick_to_the_next_program() {
    let mut jail = Jail::start();
    let used = |jail: &mut Jail, script: &str| jail.run(perl(script)).result.memory_bytes / (1 << 20);
    let small = used(&mut jail, "1");
    assert!(small < 20, "{small} MiB");
    let one = used(&mut jail, "vec($x, 50 << 20, 8) = 1; select undef, undef, undef, 0.1");
    assert!((45..80).contains(&one), "{one} MiB");
    let two = used(&mut jail, "fork; vec($x, 35 << 20, 8) = 1; select undef, undef, undef, 0.2; wait");
    assert!((65..110).contains(&two), "{two} MiB in two processes");
    // Below the peak of the one before: only samples can tell.
    let again = used(&mut jail, "vec($x, 30 << 20, 8) = 1; select undef, undef, undef, 0.1");
    assert!((25..60).contains(&again), "{again} MiB");
    let small = used(&mut jail, "1");
    assert!(small < 20, "{small} MiB after big ones");
}

#[test]
fn files_in_memory_count_as_memory() {
    let mut jail = Jail::start();
    let run = jail.run(sh("head -c 40M /dev/zero >/scratch/x; sleep 0.1"));
    let mib = run.result.memory_bytes >> 20;
    assert!((38..60).contains(&mib), "{mib} MiB");
    jail.is_as_new();
}
