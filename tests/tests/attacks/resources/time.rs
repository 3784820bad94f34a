//! R5, R6: time, used and slept away.

use super::java_ends;
use crate::frame::{Row, ends::ends, family};

/// What sleepers may do, elapsed.
const SLEEP_MS: u64 = 1000;

#[test]
fn time_that_is_used_and_time_that_goes_by_are_told_apart() {
    let burns = || ends(&["TLE"]).by("cpu");
    let sleeps = || ends(&["TLE"]).by("wall").limit("cpu_ms", SLEEP_MS).limit("wall_ms", SLEEP_MS);
    let java_sleeps = || java_ends(&["TLE"]).by("wall").limit("cpu_ms", 10_000).limit("wall_ms", 3000);
    family([
        Row::program("R5_busy_c", "r5/busy.c", burns()),
        Row::program("R5_busy_python", "r5/busy.py", burns()),
        Row::program("R5_busy_java", "r5/Busy.java", java_ends(&["TLE"]).by("cpu")),
        Row::program("R5_sleeps_c", "r5/sleeps.c", sleeps()),
        Row::program("R5_pauses_c", "r5/pauses.c", sleeps()),
        Row::program("R5_selects_c", "r5/selects.c", sleeps()),
        Row::program("R5_stops_itself_c", "r5/stops_itself.c", sleeps()),
        Row::program("R5_stops_parent_c", "r5/stops_parent.c", sleeps()),
        Row::program("R5_ignores_sigterm_c", "r5/ignores_sigterm.c", sleeps()),
        Row::program("R5_waits_for_input_c", "r5/waits_for_input.c", sleeps()),
        Row::program("R5_sleeps_python", "r5/sleeps.py", sleeps()),
        Row::program("R5_stops_itself_python", "r5/stops_itself.py", sleeps()),
        Row::program("R5_sleeps_java", "r5/Sleeps.java", java_sleeps()),
        Row::program("R5_deadlock_java", "r5/Deadlock.java", java_sleeps()),
        Row::program("R5_stops_itself_java", "r5/StopsItself.java", java_sleeps()),
        Row::program("R6_system_calls_c", "r6/syscalls.c", burns()),
        Row::program("R6_threads_c", "r6/threads.c", burns()),
        Row::program("R6_children_python", "r6/children.py", burns()),
        Row::program("R6_threads_java", "r6/Threads.java", java_ends(&["TLE"]).by("cpu")),
    ]);
}
