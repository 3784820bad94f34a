//! The container's own cgroup as seen from inside: CPU, memory and OOM kills of everything in the jail.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// Counters of one container, kept open: each reading is one `pread` a counter.
#[derive(Debug)]
pub struct Cgroup {
    version: u8,
    cpu: Option<File>,
    usage: Option<File>,
    peak: Option<File>,
    oom: Option<File>,
}

/// One reading. All grow with the container's life but `usage_bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// User + system microseconds.
    pub cpu_us: u64,
    /// Memory charged now.
    pub usage_bytes: u64,
    /// The most that was ever charged.
    pub peak_bytes: u64,
    /// Processes that the OOM killer ended.
    pub oom_kills: u64,
}

impl Cgroup {
    /// Opens the counters below `root` (in a jail `/sys/fs/cgroup`), whichever hierarchy is mounted there.
    pub fn open(root: &Path) -> Self {
        let open = |candidates: &[&str]| candidates.iter().find_map(|path| File::open(root.join(path)).ok());
        if root.join("cgroup.controllers").is_file() {
            return Self {
                version: 2,
                cpu: open(&["cpu.stat"]),
                usage: open(&["memory.current"]),
                peak: open(&["memory.peak"]),
                oom: open(&["memory.events"]),
            };
        }
        let cpu = open(&["cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage"]);
        Self {
            version: u8::from(cpu.is_some()),
            cpu,
            usage: open(&["memory/memory.usage_in_bytes"]),
            peak: open(&["memory/memory.max_usage_in_bytes"]),
            oom: open(&["memory/memory.oom_control"]),
        }
    }

    /// 1 or 2; 0 when there are no counters to read.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// All counters. What cannot be read is 0.
    pub fn read(&self) -> Counters {
        Counters {
            cpu_us: self.cpu_us(),
            usage_bytes: number(self.usage.as_ref()),
            peak_bytes: number(self.peak.as_ref()),
            oom_kills: text(self.oom.as_ref()).map_or(0, |t| field(&t, "oom_kill")),
        }
    }

    /// User + system microseconds alone: what the watchdog reads at every tick.
    pub fn cpu_us(&self) -> u64 {
        let Some(text) = text(self.cpu.as_ref()) else { return 0 };
        if self.version == 2 { field(&text, "usage_usec") } else { text.trim().parse::<u64>().unwrap_or(0) / 1000 }
    }

    /// Memory charged now.
    pub fn usage_bytes(&self) -> u64 {
        number(self.usage.as_ref())
    }
}

/// Where a jail sees its own cgroup.
pub fn own() -> PathBuf {
    PathBuf::from("/sys/fs/cgroup")
}

fn text(file: Option<&File>) -> Option<String> {
    let mut buffer = [0; 4096];
    let n = file?.read_at(&mut buffer, 0).ok()?;
    std::str::from_utf8(&buffer[..n]).ok().map(str::to_owned)
}

fn number(file: Option<&File>) -> u64 {
    text(file).and_then(|t| t.trim().parse().ok()).unwrap_or(0)
}

/// The number behind a name in `name number` lines.
fn field(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.split_once(' ').filter(|(n, _)| *n == name))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("folder");
        for (path, content) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().expect("below the folder")).expect("folder");
            std::fs::write(path, content).expect("write");
        }
        dir
    }

    #[test]
    fn version_1_counts_nanoseconds_and_has_its_own_oom_file() {
        let dir = layout(&[
            ("cpuacct/cpuacct.usage", "123456789\n"),
            ("memory/memory.usage_in_bytes", "4096\n"),
            ("memory/memory.max_usage_in_bytes", "8192\n"),
            ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
        ]);
        let cgroup = Cgroup::open(dir.path());
        assert_eq!(cgroup.version(), 1);
        let expected = Counters { cpu_us: 123_456, usage_bytes: 4096, peak_bytes: 8192, oom_kills: 3 };
        assert_eq!(cgroup.read(), expected);
    }

    #[test]
    fn version_2_counts_microseconds_and_group_kills_apart() {
        let dir = layout(&[
            ("cgroup.controllers", "cpu memory pids\n"),
            ("cpu.stat", "usage_usec 777\nuser_usec 700\nsystem_usec 77\nnr_periods 0\n"),
            ("memory.current", "10\n"),
            ("memory.peak", "20\n"),
            ("memory.events", "low 0\nhigh 0\nmax 9\noom 4\noom_kill 2\noom_group_kill 1\n"),
        ]);
        let cgroup = Cgroup::open(dir.path());
        assert_eq!(cgroup.version(), 2);
        assert_eq!(cgroup.read(), Counters { cpu_us: 777, usage_bytes: 10, peak_bytes: 20, oom_kills: 2 });
    }

    #[test]
    fn an_older_kernel_without_a_peak_and_a_machine_without_counters_read_as_zero() {
        let dir = layout(&[("cgroup.controllers", ""), ("cpu.stat", "usage_usec 5\n"), ("memory.events", "oom 1\n")]);
        assert_eq!(Cgroup::open(dir.path()).read(), Counters { cpu_us: 5, ..Counters::default() });
        let nothing = layout(&[]);
        let cgroup = Cgroup::open(nothing.path());
        assert_eq!((cgroup.version(), cgroup.read()), (0, Counters::default()));
    }

    #[test]
    fn counters_are_read_anew_each_time() {
        let dir = layout(&[("cpuacct/cpuacct.usage", "1000\n")]);
        let cgroup = Cgroup::open(dir.path());
        assert_eq!(cgroup.cpu_us(), 1);
        std::fs::write(dir.path().join("cpuacct/cpuacct.usage"), "5000\n").expect("write");
        assert_eq!(cgroup.cpu_us(), 5);
    }
}
