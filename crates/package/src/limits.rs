//! Limits of tests.

use iteratione_common::lab::TestLimits;

use crate::{PROBLEM, Package, problem::Problem};

/// MiB where a package says nothing: the format's "typical system default" of 2048 is more than a course machine has, and
/// a JVM needs some.
const MEMORY_MB: u64 = 512;
/// MiB of output where it says nothing: the format's "typical system default".
const OUTPUT_MB: u64 = 8;
/// Elapsed time on top of three times the CPU time.
const WALL_EXTRA_MS: u64 = 2000;

/// The limits of each test.
pub fn test_limits(package: &mut Package<'_>, problem: &Problem) -> TestLimits {
    let defaults = TestLimits::default();
    let ceilings = package.installation.ceilings;
    let cpu_ms = problem.time_limit.map(|seconds| whole(seconds * 1000.0).max(10));
    if cpu_ms.is_none() {
        let detail = format!("says no time limit: {} ms are taken, and publishing suggests one", defaults.cpu_ms);
        package.notes.warn(PROBLEM, detail);
    }
    let cpu_ms = cpu_ms.unwrap_or(defaults.cpu_ms);
    let mut bounded = |what: &str, wanted: u64, said: bool, ceiling: u64| {
        if wanted > ceiling && said {
            package.notes.warn(PROBLEM, format!("{what} {wanted} is over the operator's ceiling: {ceiling} is taken"));
        }
        wanted.min(ceiling)
    };
    let memory = problem.memory.map(whole);
    let memory_mb = bounded("limits: memory (MiB)", memory.unwrap_or(MEMORY_MB), memory.is_some(), ceilings.memory_mb);
    let output = problem.output.map(|mb| whole(mb * 1024.0));
    let output_kb =
        bounded("limits: output (KiB)", output.unwrap_or(OUTPUT_MB << 10), output.is_some(), ceilings.output_kb);
    TestLimits {
        cpu_ms,
        wall_ms: cpu_ms.saturating_mul(3).saturating_add(WALL_EXTRA_MS).min(ceilings.wall_ms.max(cpu_ms)),
        memory_mb: memory_mb.max(16),
        output_kb: output_kb.max(1),
        processes: defaults.processes.min(ceilings.processes),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number from 0 on; the cast saturates")]
fn whole(number: f64) -> u64 {
    number.ceil() as u64
}
