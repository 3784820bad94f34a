//! Counters of this container's own cgroup, v1 or v2, read through descriptors that stay open.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The most that any of the files read here has. `memory.events` and `cpu.stat` are a few hundred bytes.
const BUFFER: usize = 4096;

/// A counter in a file: its only number, or the one behind a key.
#[derive(Debug)]
struct Counter {
    file: File,
    key: Option<&'static str>,
}

impl Counter {
    /// If the file is there and has the number.
    fn open(path: &Path, key: Option<&'static str>) -> Option<Self> {
        Self { file: File::open(path).ok()?, key }.checked()
    }

    fn checked(self) -> Option<Self> {
        self.read().is_ok().then_some(self)
    }

    fn read(&self) -> io::Result<u64> {
        let mut buffer = [0u8; BUFFER];
        let n = rustix::io::pread(&self.file, &mut buffer, 0)?;
        let text = std::str::from_utf8(buffer.get(..n).unwrap_or_default()).unwrap_or_default();
        let number = match self.key {
            None => text.trim().parse().ok(),
            Some(key) => value_of(text, key),
        };
        number.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("no number in {text:?}")))
    }
}

/// A high-water mark.
#[derive(Debug)]
struct Peak {
    counter: Counter,
    /// Whether it can be set back to what is charged now.
    resets: bool,
}

impl Peak {
    /// For writing if that is possible. v1 has always allowed it, v2 does since Linux 6.12, where it is each
    /// descriptor's own mark; but engines mount both read-only into containers unless told otherwise.
    fn open(path: &Path) -> Option<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let writable = file.ok().and_then(|file| Counter { file, key: None }.checked());
        let resets = writable.is_some();
        Some(Self { counter: writable.or_else(|| Counter::open(path, None))?, resets })
    }

    /// Whatever is written, if the kernel takes it.
    fn reset(&self) -> bool {
        self.resets && rustix::io::pwrite(&self.counter.file, b"0", 0).is_ok()
    }
}

/// `number` of the line `key number`.
fn value_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

/// What a cgroup has counted so far.
#[derive(Debug)]
pub struct Cgroup {
    version: u8,
    cpu: Counter,
    /// Nanoseconds in the unit of `cpu`.
    cpu_unit: u64,
    memory: Counter,
    /// Missing on v2 before Linux 5.19.
    peak: Option<Peak>,
    oom_kills: Counter,
}

impl Cgroup {
    /// The cgroup mounted at a folder (`/sys/fs/cgroup`): v1 controllers are tried first, because on a host with both
    /// they are the ones in use. `None` if not all that is needed can be read.
    pub fn open(root: &Path) -> Option<Self> {
        Self::v1(root).or_else(|| Self::v2(root))
    }

    fn v1(root: &Path) -> Option<Self> {
        let controller = |names: [&str; 2], file: &str, key| {
            names.iter().map(|n| root.join(n).join(file)).find_map(|path| Counter::open(&path, key))
        };
        Some(Self {
            version: 1,
            cpu: controller(["cpuacct", "cpu,cpuacct"], "cpuacct.usage", None)?,
            cpu_unit: 1,
            memory: controller(["memory"; 2], "memory.usage_in_bytes", None)?,
            peak: Peak::open(&root.join("memory/memory.max_usage_in_bytes")),
            oom_kills: controller(["memory"; 2], "memory.oom_control", Some("oom_kill"))?,
        })
    }

    fn v2(root: &Path) -> Option<Self> {
        let file = |name: &str| -> PathBuf { root.join(name) };
        Some(Self {
            version: 2,
            cpu: Counter::open(&file("cpu.stat"), Some("usage_usec"))?,
            cpu_unit: 1000,
            memory: Counter::open(&file("memory.current"), None)?,
            peak: Peak::open(&file("memory.peak")),
            oom_kills: Counter::open(&file("memory.events"), Some("oom_kill"))?,
        })
    }

    /// 1 or 2.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// User + system nanoseconds of all that ever ran in it.
    pub fn cpu_ns(&self) -> io::Result<u64> {
        Ok(self.cpu.read()?.saturating_mul(self.cpu_unit))
    }

    /// Bytes charged now.
    pub fn memory(&self) -> io::Result<u64> {
        self.memory.read()
    }

    /// Most bytes that were charged since the start or the last [`Cgroup::forget_peak`], if the kernel counts it.
    pub fn peak(&self) -> io::Result<Option<u64>> {
        self.peak.as_ref().map(|p| p.counter.read()).transpose()
    }

    /// Sets the peak back to what is charged now. `false`: that is not possible here.
    pub fn forget_peak(&self) -> bool {
        self.peak.as_ref().is_some_and(Peak::reset)
    }

    /// As an engine mounts it: nothing can be written, not even by root.
    #[cfg(test)]
    pub fn read_only(mut self) -> Self {
        if let Some(peak) = &mut self.peak {
            peak.resets = false;
        }
        self
    }

    /// Processes that the kernel killed because the cgroup was full.
    pub fn oom_kills(&self) -> io::Result<u64> {
        self.oom_kills.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("a folder");
            std::fs::write(&path, text).expect("a file");
        }
        root
    }

    const V1: [(&str, &str); 4] = [
        ("cpuacct/cpuacct.usage", "1234567890\n"),
        ("memory/memory.usage_in_bytes", "1048576\n"),
        ("memory/memory.max_usage_in_bytes", "2097152\n"),
        ("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
    ];
    const V2: [(&str, &str); 4] = [
        (
            "cpu.stat",
            "usage_usec 7001\nuser_usec 5000\nsystem_usec 2001\nnice_usec 0\ncore_sched.force_idle_usec 0\n\
             nr_periods 4\nnr_throttled 1\nthrottled_usec 90\nnr_bursts 0\nburst_usec 0\n",
        ),
        ("memory.current", "300000\n"),
        ("memory.peak", "400000\n"),
        ("memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\noom_group_kill 5\n"),
    ];

    #[test]
    fn version_1_is_read() {
        let root = layout(&V1);
        let cgroup = Cgroup::open(root.path()).expect("complete");
        assert_eq!((cgroup.version(), cgroup.cpu_ns().ok()), (1, Some(1_234_567_890)));
        assert_eq!((cgroup.memory().ok(), cgroup.peak().ok()), (Some(1_048_576), Some(Some(2_097_152))));
        assert_eq!(cgroup.oom_kills().ok(), Some(3));
    }

    #[test]
    fn version_1_with_cpu_and_cpuacct_in_one_folder_is_read() {
        let mut files = V1;
        files[0].0 = "cpu,cpuacct/cpuacct.usage";
        assert_eq!(Cgroup::open(layout(&files).path()).expect("complete").cpu_ns().ok(), Some(1_234_567_890));
    }

    #[test]
    fn version_2_is_read() {
        let root = layout(&V2);
        let cgroup = Cgroup::open(root.path()).expect("complete");
        assert_eq!((cgroup.version(), cgroup.cpu_ns().ok()), (2, Some(7_001_000)));
        assert_eq!((cgroup.memory().ok(), cgroup.peak().ok()), (Some(300_000), Some(Some(400_000))));
        assert_eq!(cgroup.oom_kills().ok(), Some(1), "not oom, not oom_group_kill");
    }

    #[test]
    fn version_2_of_an_older_kernel_has_no_peak() {
        let root = layout(&[V2[0], V2[1], V2[3]]);
        let cgroup = Cgroup::open(root.path()).expect("enough");
        assert_eq!((cgroup.peak().ok(), cgroup.forget_peak()), (Some(None), false));
    }

    #[test]
    fn a_peak_that_can_be_written_is_forgotten_and_one_that_cannot_is_not() {
        for files in [&V1, &V2] {
            let root = layout(files);
            let cgroup = Cgroup::open(root.path()).expect("complete").read_only();
            let before = cgroup.peak().ok();
            assert!(!cgroup.forget_peak());
            assert_eq!(cgroup.peak().ok(), before, "nothing was written");
            // A file is no counter: what is written into its first byte is as much of a reset as it can show.
            let cgroup = Cgroup::open(root.path()).expect("complete");
            assert!(cgroup.forget_peak());
            assert!(cgroup.peak().expect("readable") < before.flatten());
        }
    }

    #[test]
    fn on_a_host_with_both_version_1_is_the_one_in_use() {
        let root = layout(&V1.into_iter().chain(V2).collect::<Vec<_>>());
        assert_eq!(Cgroup::open(root.path()).expect("complete").version(), 1);
    }

    #[test]
    fn a_hierarchy_that_lacks_something_is_not_used() {
        for missing in 0..3 {
            let mut files = V2.to_vec();
            files.remove([0, 1, 3][missing]);
            assert!(Cgroup::open(layout(&files).path()).is_none(), "without {:?}", V2[[0, 1, 3][missing]].0);
        }
        assert!(Cgroup::open(layout(&[]).path()).is_none());
    }

    #[test]
    fn a_file_that_says_something_else_is_not_a_counter() {
        let mut files = V1;
        files[3].1 = "oom_kill_disable 0\nunder_oom 0\n";
        assert!(Cgroup::open(layout(&files).path()).is_none(), "Linux before 4.13 does not count OOM kills");
        assert_eq!(value_of("oom_kill_disable 1\noom_kill 2\n", "oom_kill"), Some(2));
        assert_eq!(value_of("oom_kill many\n", "oom_kill"), None);
    }

    #[test]
    fn a_counter_is_read_anew_each_time() {
        let root = layout(&V1);
        let cgroup = Cgroup::open(root.path()).expect("complete");
        std::fs::write(root.path().join("memory/memory.usage_in_bytes"), "5\n").expect("written");
        assert_eq!(cgroup.memory().ok(), Some(5));
    }
}
