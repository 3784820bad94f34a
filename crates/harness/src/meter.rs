//! What one process tree uses.

use std::{io, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use crate::{cgroup::Cgroup, sys::Reaped};

mod held_back;

pub use held_back::held_back;

/// Counters at the start of a process, and the most that was seen since.
pub struct Meter {
    cpu_ns: u64,
    own_ns: u64,
    memory: u64,
    /// The cgroup's peak then; 0 if it was set back, and all that it shows is this process tree's.
    peak: Option<u64>,
    oom_kills: u64,
    /// Highest of the samples.
    most: u64,
    /// Highest resident set size of a descendant that was waited for.
    max_rss: u64,
    /// CPU time of the descendants that were waited for.
    reaped: Duration,
}

/// What it was in the end.
pub struct Usage {
    /// User + system microseconds.
    pub cpu_us: u64,
    /// Peak bytes.
    pub memory_bytes: u64,
    /// OOM kills.
    pub oom_kills: u64,
}

impl Meter {
    /// Reads the counters before the process starts.
    pub fn start(cgroup: Option<&Cgroup>) -> io::Result<Self> {
        let mut meter = Self {
            cpu_ns: 0,
            own_ns: own_cpu_ns(),
            memory: 0,
            peak: None,
            oom_kills: 0,
            most: 0,
            max_rss: 0,
            reaped: Duration::ZERO,
        };
        if let Some(cgroup) = cgroup {
            meter.peak = if cgroup.forget_peak() { Some(0) } else { cgroup.peak()? };
            meter.memory = cgroup.memory()?;
            meter.oom_kills = cgroup.oom_kills()?;
            meter.cpu_ns = cgroup.cpu_ns()?;
            meter.own_ns = own_cpu_ns();
        }
        Ok(meter)
    }

    /// Takes the accounts of a descendant that has ended.
    pub fn reaped(&mut self, process: &Reaped) {
        self.max_rss = self.max_rss.max(process.max_rss);
        self.reaped += process.cpu;
    }

    /// Looks at the memory in use now.
    pub fn sample(&mut self, cgroup: Option<&Cgroup>) -> io::Result<()> {
        if let Some(cgroup) = cgroup {
            self.most = self.most.max(cgroup.memory()?);
        }
        Ok(())
    }

    /// CPU time of the tree so far, without the harness' own share of the cgroup's.
    pub fn cpu(&self, cgroup: Option<&Cgroup>) -> io::Result<Duration> {
        let Some(cgroup) = cgroup else { return Ok(self.reaped + living()?) };
        let own = own_cpu_ns().saturating_sub(self.own_ns);
        Ok(Duration::from_nanos(cgroup.cpu_ns()?.saturating_sub(self.cpu_ns).saturating_sub(own)))
    }

    /// The end: everybody is dead and was waited for.
    pub fn finish(self, cgroup: Option<&Cgroup>) -> io::Result<Usage> {
        let cpu_us = u64::try_from(self.cpu(cgroup)?.as_micros()).unwrap_or(u64::MAX);
        let Some(cgroup) = cgroup else { return Ok(Usage { cpu_us, memory_bytes: self.max_rss, oom_kills: 0 }) };
        let oom_kills = cgroup.oom_kills()?.saturating_sub(self.oom_kills);
        let highest = match (self.peak, cgroup.peak()?) {
            (Some(before), Some(now)) if now > before => now.max(self.most),
            _ => self.most,
        };
        // When the cgroup was full, what it held before was pushed out: the limit itself is the peak.
        let before = if oom_kills > 0 { 0 } else { self.memory };
        Ok(Usage { cpu_us, memory_bytes: highest.saturating_sub(before).max(self.max_rss), oom_kills })
    }
}

/// CPU time of the harness.
fn own_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// CPU time of every living process but the harness, from `/proc`: where there is no cgroup to ask.
fn living() -> io::Result<Duration> {
    let mut ticks = 0u64;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.parse::<i32>().ok()).filter(|&pid| pid != 1) else { continue };
        // One that has just gone is accounted for when it is reaped.
        if let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) {
            ticks = ticks.saturating_add(ticks_of(&stat).unwrap_or(0));
        }
    }
    Ok(Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100).max(1))
}

/// utime + stime + cutime + cstime of a line of `/proc/<pid>/stat`. The name in it is the process' own choice and may
/// hold blanks and parentheses; what follows the last one is numbers.
fn ticks_of(stat: &str) -> Option<u64> {
    let (_, numbers) = stat.rsplit_once(')')?;
    let times = numbers.split_ascii_whitespace().skip(11).take(4);
    times.map(|n| n.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_cannot_forge_its_times() {
        let stat = "7 (x) S 9 9 9 9) S 1 7 7 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 5 6 7\n";
        assert_eq!(ticks_of(stat), Some(110));
        assert_eq!(ticks_of("7 (x) S 1 7"), Some(0));
        assert_eq!(ticks_of("nonsense"), None);
    }

    #[test]
    fn without_a_cgroup_the_accounts_of_the_reaped_count() {
        let mut meter = Meter::start(None).expect("nothing to read");
        let end = crate::sys::End::Exited(0);
        meter.reaped(&Reaped { pid: 2, end, cpu: Duration::from_millis(30), max_rss: 500 });
        meter.reaped(&Reaped { pid: 3, end, cpu: Duration::from_millis(12), max_rss: 400 });
        assert_eq!((meter.reaped, meter.max_rss), (Duration::from_millis(42), 500));
    }

    fn cgroup(usage: u64, peak: u64, oom: u64) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (file, text) in [
            ("cpu.stat", "usage_usec 1000000\n".to_owned()),
            ("memory.current", usage.to_string()),
            ("memory.peak", peak.to_string()),
            ("memory.events", format!("oom_kill {oom}\n")),
        ] {
            std::fs::write(root.path().join(file), text).expect("a file");
        }
        root
    }

    fn memory_when(change: impl FnOnce(&mut Meter, &std::path::Path)) -> u64 {
        let root = cgroup(1000, 5000, 7);
        memory_of(&Cgroup::open(root.path()).expect("complete").read_only(), &root, change)
    }

    fn memory_of(cgroup: &Cgroup, root: &tempfile::TempDir, change: impl FnOnce(&mut Meter, &std::path::Path)) -> u64 {
        let mut meter = Meter::start(Some(cgroup)).expect("readable");
        change(&mut meter, root.path());
        meter.sample(Some(cgroup)).expect("readable");
        meter.finish(Some(cgroup)).expect("readable").memory_bytes
    }

    fn set(root: &std::path::Path, file: &str, text: &str) {
        std::fs::write(root.join(file), text).expect("written");
    }

    #[test]
    fn a_risen_peak_is_the_peak_less_what_was_there_before() {
        assert_eq!(memory_when(|_, root| set(root, "memory.peak", "9000")), 8000);
    }

    #[test]
    fn below_an_older_peak_the_samples_count() {
        assert_eq!(memory_when(|_, root| set(root, "memory.current", "4500")), 3500);
    }

    #[test]
    fn where_the_peak_can_be_set_back_it_is_this_process_s_whatever_came_before() {
        let root = cgroup(1000, 5000, 7);
        let writable = Cgroup::open(root.path()).expect("complete");
        assert_eq!(memory_of(&writable, &root, |_, root| set(root, "memory.peak", "4800")), 3800);
    }

    #[test]
    fn where_the_kernel_keeps_no_peak_the_samples_count() {
        let root = cgroup(1000, 5000, 7);
        std::fs::remove_file(root.path().join("memory.peak")).expect("removed");
        let older = Cgroup::open(root.path()).expect("enough");
        assert_eq!(memory_of(&older, &root, |_, root| set(root, "memory.current", "3000")), 2000);
    }

    #[test]
    fn a_short_process_that_no_sample_saw_has_its_resident_set() {
        let end = crate::sys::End::Exited(0);
        let reaped = Reaped { pid: 2, end, cpu: Duration::ZERO, max_rss: 4200 };
        assert_eq!(memory_when(|meter, _| meter.reaped(&reaped)), 4200);
    }

    #[test]
    fn after_an_oom_kill_the_whole_peak_counts() {
        let peak = memory_when(|_, root| {
            set(root, "memory.peak", "9000");
            set(root, "memory.events", "oom_kill 8\n");
        });
        assert_eq!(peak, 9000);
    }
}
