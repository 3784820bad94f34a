//! R1, R2: processes and threads.

use testkit::labs;

use super::java_ends;
use crate::frame::{
    Row,
    ends::{Ends, ends},
    family,
};

/// How bombs end. The kernel charges forks that it refuses to the jail until it gets round to tidying up after them,
/// so a fast bomb may be out of memory before it is out of time.
const BOMB: &[&str] = &["RTE", "TLE", "MLE"];

/// A first test that leaves something behind, and a second one that looks for it.
fn apart(ends: Ends) -> Ends {
    ends.tests(&[labs::test("leave", "leave\n", "3\n"), labs::test("look", "look\n", "3\n")])
}

#[test]
fn programs_that_multiply_are_ended_and_nobody_outlives_them() {
    let bomb = || ends(BOMB).limit("memory_mb", 128).limit("wall_ms", 2000);
    let java = || java_ends(BOMB).limit("wall_ms", 3000);
    family([
        Row::program("R1_fork_bomb_c", "r1/plain.c", bomb()),
        Row::program("R1_fork_bomb_setsid_c", "r1/setsid.c", bomb()),
        Row::program("R1_double_fork_c", "r1/double_fork.c", bomb()),
        Row::program("R1_threads_c", "r1/threads.c", bomb()),
        Row::program("R1_fork_bomb_python", "r1/fork_bomb.py", bomb()),
        Row::program("R1_threads_python", "r1/threads.py", bomb()),
        Row::program("R1_threads_java", "r1/Threads.java", java()),
        Row::program("R1_processes_java", "r1/Processes.java", java()),
        Row::program("R2_orphan_burns_c", "r2/orphan_burns.c", ends(&["TLE"]).by("cpu")),
        Row::program("R2_orphan_burns_python", "r2/orphan_burns.py", ends(&["TLE"]).by("cpu")),
        Row::program("R2_child_burns_java", "r2/ChildBurns.java", java_ends(&["TLE"]).by("cpu")),
        Row::program("R2_children_that_end_burn_c", "r2/burst.c", ends(&["TLE"]).by("cpu")),
        Row::program("R2_survivors_c", "r2/survivors.c", apart(ends(&["AC"]).limit("cpu_ms", 5000))),
        Row::program("R2_survivors_python", "r2/survivors.py", apart(ends(&["AC"]).limit("cpu_ms", 5000))),
        Row::program("R2_survivors_java", "r2/Survivors.java", apart(java_ends(&["AC"]).limit("cpu_ms", 10_000))),
    ]);
}
