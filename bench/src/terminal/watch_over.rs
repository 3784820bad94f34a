//! Who uses how much of the machine while something is measured.

use std::{fs, time::Duration};

use crate::{cpu, report::short};

use super::report::Used;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Processes that are watched.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// The runner.
    pub runner: u32,
    /// The API.
    pub api: u32,
}

/// Watches until it is told to stop, which is when `doing` is over; gives back both. `before_mb` is what the runner had
/// before anybody came, `terminals` how many there are.
pub async fn during<T>(
    watched: Watched,
    before_mb: f64,
    terminals: usize,
    doing: impl Future<Output = T>,
) -> (T, Used) {
    let mut used = Used { available_mb: f64::MAX, ..Used::default() };
    let (busy, all) = cpu::machine_ticks().unwrap_or_default();
    let mut doing = std::pin::pin!(doing);
    let done = loop {
        look(watched, &mut used);
        if let Ok(done) = tokio::time::timeout(PAUSE, &mut doing).await {
            break done;
        }
    };
    look(watched, &mut used);
    let (busy_now, all_now) = cpu::machine_ticks().unwrap_or_default();
    used.cpu_percent = short(100.0 * (busy_now - busy) / (all_now - all).max(1.0));
    used.shims_mb = short(cpu::all_shims_mb());
    #[allow(clippy::cast_precision_loss, reason = "a few hundred terminals")]
    let each = (used.runner_mb - before_mb) / terminals.max(1) as f64;
    used.runner_mb_each = short(each);
    (done, used)
}

fn look(watched: Watched, used: &mut Used) {
    let most = |so_far: &mut f64, now: Option<f64>| *so_far = short(so_far.max(now.unwrap_or(0.0)));
    most(&mut used.runner_mb, resident_mb(watched.runner));
    most(&mut used.api_mb, resident_mb(watched.api));
    most(&mut used.dockerd_mb, Some(named_mb("dockerd")));
    most(&mut used.containerd_mb, Some(named_mb("containerd")));
    used.available_mb = short(used.available_mb.min(available_mb().unwrap_or(f64::MAX)));
}

/// Resident MiB of a process.
pub fn resident_mb(pid: u32) -> Option<f64> {
    kb(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, "VmRSS:").map(|kb| kb / 1024.0)
}

/// Of all processes of this name.
fn named_mb(name: &str) -> f64 {
    let is = |pid: &u64| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name);
    let pids = cpu::processes().into_iter().filter(is).filter_map(|pid| resident_mb(u32::try_from(pid).ok()?));
    pids.sum()
}

fn available_mb() -> Option<f64> {
    kb(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:").map(|kb| kb / 1024.0)
}

fn kb(text: &str, field: &str) -> Option<f64> {
    text.lines().find_map(|l| l.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_process_and_the_machine_are_seen() {
        let pid = std::process::id();
        let (done, used) = during(Watched { runner: pid, api: pid }, 0.0, 2, async { 7 }).await;
        assert_eq!(done, 7);
        assert!(used.runner_mb > 0.5 && used.available_mb > 1.0 && used.available_mb < 1e9, "{used:?}");
        assert!((used.runner_mb_each - used.runner_mb / 2.0).abs() < 0.01, "{used:?}");
    }
}
