//! R1, R2: processes and threads.

use crate::frame::{Row, ends::ends, family};

#[test]
fn programs_that_multiply_are_ended_and_nobody_outlives_them() {
    family([Row::program("R1_fork_bomb_c", "r1/plain.c", ends(&["RTE", "TLE", "MLE"]))]);
}
