//! Who spends the machine's CPU time: read from `/proc` and from the containers' cgroups.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use crate::report::{Spent, short};

const CGROUPS: &str = "/sys/fs/cgroup";

/// The counters of one container, or of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cgroup {
    cpu: PathBuf,
    memory: PathBuf,
}

impl Cgroup {
    /// Of the container that a process lives in; `None` where the daemon's cgroups cannot be seen from here.
    pub fn of_process(pid: u64) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let this = find(&text, Path::new(CGROUPS))?;
        this.cpu_ms().and(this.memory_bytes()).is_some().then_some(this)
    }

    /// The one above it, if that holds containers and nothing else.
    pub fn of_all_containers(&self) -> Option<Self> {
        let above = |path: &Path| path.parent().filter(|p| p.ends_with("docker")).map(Path::to_owned);
        Some(Self { cpu: above(&self.cpu)?, memory: above(&self.memory)? })
    }

    /// CPU time so far, milliseconds.
    pub fn cpu_ms(&self) -> Option<f64> {
        let nanos = number(&self.cpu.join("cpuacct.usage")).map(|n| n / 1e6);
        nanos.or_else(|| {
            let text = std::fs::read_to_string(self.cpu.join("cpu.stat")).ok()?;
            let micros = text.lines().find_map(|l| l.strip_prefix("usage_usec "))?;
            micros.trim().parse::<f64>().ok().map(|us| us / 1e3)
        })
    }

    /// Memory that it is charged with.
    pub fn memory_bytes(&self) -> Option<f64> {
        number(&self.memory.join("memory.usage_in_bytes")).or_else(|| number(&self.memory.join("memory.current")))
    }
}

/// From a process' list of cgroups: version 1 where it has the controllers, version 2 otherwise.
fn find(list: &str, mounts: &Path) -> Option<Cgroup> {
    let lines: Vec<Vec<&str>> = list.lines().map(|l| l.splitn(3, ':').collect()).collect();
    let folder = |controller: &str| {
        let line = lines.iter().find(|l| l.len() == 3 && l[1].split(',').any(|c| c == controller))?;
        let path = line[2].trim_start_matches('/');
        [controller, line[1]].iter().map(|mount| mounts.join(mount).join(path)).find(|p| p.is_dir())
    };
    if let (Some(cpu), Some(memory)) = (folder("cpuacct"), folder("memory")) {
        return Some(Cgroup { cpu, memory });
    }
    let unified = lines.iter().find(|l| l.len() == 3 && l[1].is_empty())?;
    let path = mounts.join(unified[2].trim_start_matches('/'));
    path.is_dir().then(|| Cgroup { cpu: path.clone(), memory: path })
}

/// Counters at one moment, milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    machine: f64,
    containers: f64,
    daemons: f64,
    own: f64,
}

impl Clock {
    /// Now. Without `containers` their share is counted among everything else's.
    pub fn read(containers: Option<&Cgroup>) -> Self {
        Self {
            machine: machine().unwrap_or(0.0),
            containers: containers.and_then(Cgroup::cpu_ms).unwrap_or(0.0),
            daemons: daemons(),
            own: own().as_secs_f64() * 1e3,
        }
    }

    /// What was spent since then, for each of `count` things.
    pub fn since(&self, before: &Self, count: usize) -> Spent {
        #[allow(clippy::cast_precision_loss, reason = "a count of submissions")]
        let each = |now: f64, then: f64| (now - then) / count.max(1) as f64;
        let containers = each(self.containers, before.containers);
        let daemons = each(self.daemons, before.daemons);
        let own = each(self.own, before.own);
        let other = (each(self.machine, before.machine) - containers - daemons - own).max(0.0);
        Spent {
            programs_ms: 0.0,
            containers_ms: short(containers),
            daemons_ms: short(daemons),
            own_ms: short(own),
            other_ms: short(other),
        }
    }
}

/// CPU time of this process.
pub fn own() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU time of the whole machine.
fn machine() -> Option<f64> {
    Some(machine_ticks()?.0 * tick_ms())
}

/// Ticks of all CPUs since the machine came up: those in which something ran, and all.
pub fn machine_ticks() -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> = stat.lines().next()?.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    let of = |fields: &[usize]| fields.iter().map(|&i| ticks.get(i).copied().unwrap_or(0.0)).sum::<f64>();
    // user, nice, system, irq, softirq; then idle, iowait, and steal, which was nobody's here.
    let used = of(&[0, 1, 2, 5, 6]);
    Some((used, used + of(&[3, 4, 7])))
}

/// CPU time of dockerd and containerd, on this machine.
fn daemons() -> f64 {
    let of = |pid: u64| {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        ["dockerd", "containerd"].contains(&comm.trim()).then_some(())?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let times = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11).take(2);
        Some(times.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() * tick_ms())
    };
    processes().into_iter().filter_map(of).sum()
}

#[allow(clippy::cast_precision_loss, reason = "a hundred")]
fn tick_ms() -> f64 {
    1e3 / rustix::param::clock_ticks_per_second().max(1) as f64
}

/// Every process of the machine.
pub fn processes() -> Vec<u64> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|e| e.file_name().to_str().and_then(|n| n.parse().ok())).collect()
}

/// MiB of the shim of each of these containers, as far as it shares them with nobody.
pub fn shims(containers: &[String]) -> HashMap<String, f64> {
    let of = |(line, mb): (String, f64)| Some((containers.iter().find(|id| line.contains(id.as_str()))?.clone(), mb));
    all_shims().filter_map(of).collect()
}

/// MiB of all shims of the machine, as far as they share them with nobody.
pub fn all_shims_mb() -> f64 {
    all_shims().map(|(_, mb)| mb).sum()
}

/// The command line of each shim, and its MiB.
fn all_shims() -> impl Iterator<Item = (String, f64)> {
    processes().into_iter().filter_map(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("containerd-shim").then_some(())?;
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let pss = rollup.lines().find_map(|l| l.strip_prefix("Pss:"));
        let kb = pss.and_then(|l| l.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
        Some((line, kb.unwrap_or(0.0) / 1024.0))
    })
}

fn number(path: &Path) -> Option<f64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts(folders: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for folder in folders {
            std::fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        root
    }

    #[test]
    fn a_container_is_found_in_either_hierarchy() {
        let list = "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/docker/abc\n";
        let root = mounts(&["cpu,cpuacct/docker/abc", "memory/docker/abc"]);
        let found = find(list, root.path()).expect("version 1");
        assert!(found.cpu.ends_with("cpu,cpuacct/docker/abc") && found.memory.ends_with("memory/docker/abc"));
        std::fs::write(found.cpu.join("cpuacct.usage"), "5000000\n").expect("written");
        assert_eq!(found.cpu_ms(), Some(5.0));
        assert!(found.of_all_containers().is_some_and(|c| c.cpu.ends_with("docker")));

        let root = mounts(&["system.slice/docker-abc.scope"]);
        let found = find("0::/system.slice/docker-abc.scope\n", root.path()).expect("version 2");
        std::fs::write(found.cpu.join("cpu.stat"), "usage_usec 7000\nuser_usec 1\n").expect("written");
        std::fs::write(found.memory.join("memory.current"), "4096\n").expect("written");
        assert_eq!((found.cpu_ms(), found.memory_bytes()), (Some(7.0), Some(4096.0)));
        assert_eq!(found.of_all_containers(), None, "a slice holds more than containers");
        assert_eq!(find("0::/elsewhere\n", root.path()), None);
    }

    #[test]
    fn own_work_is_seen_on_every_clock() {
        let before = Clock::read(None);
        let began = own();
        let mut sum = 0u64;
        while own().saturating_sub(began) < Duration::from_millis(60) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let spent = Clock::read(None).since(&before, 1);
        assert!(spent.own_ms >= 60.0, "{spent:?}");
        // The machine's clock ticks each 10 ms.
        assert!(spent.own_ms + spent.other_ms >= 40.0, "{spent:?}");
    }
}
