//! What the machine has left.

use std::time::{Duration, Instant};

/// The kernel is asked no more often than this.
const LOOK: Duration = Duration::from_millis(200);
/// Who was let in within this time has not taken yet what it will take.
const SETTLING: Duration = Duration::from_secs(3);
/// What it is reckoned to take: a small Java program.
const RECKONED: u64 = 64 << 20;

/// Asks for the bytes that are available; `None` if that is not known.
pub type Probe = Box<dyn Fn() -> Option<u64> + Send>;

/// Says whether there is memory for one more.
pub struct Memory {
    /// Bytes that must be left; `None` never looks.
    least: Option<u64>,
    probe: Probe,
    seen: Option<(Instant, Option<u64>)>,
    /// When the last ones were let in, oldest first.
    settling: std::collections::VecDeque<Instant>,
}

impl Memory {
    /// With a way to ask for the available bytes.
    pub fn new(least: Option<u64>, probe: Probe) -> Self {
        Self { least, probe, seen: None, settling: std::collections::VecDeque::new() }
    }

    /// Whether one more may be let in.
    pub fn has_room(&mut self, now: Instant) -> bool {
        let Some(least) = self.least else { return true };
        while self.settling.front().is_some_and(|then| now.saturating_duration_since(*then) >= SETTLING) {
            self.settling.pop_front();
        }
        if self.seen.is_none_or(|(at, _)| now.saturating_duration_since(at) >= LOOK) {
            self.seen = Some((now, (self.probe)()));
        }
        let Some((_, Some(available))) = self.seen else { return true };
        let settling = u64::try_from(self.settling.len()).unwrap_or(u64::MAX).saturating_mul(RECKONED);
        available.saturating_sub(settling) >= least
    }

    /// One was let in.
    pub fn taken(&mut self, now: Instant) {
        if self.least.is_some() {
            self.settling.push_back(now);
        }
    }
}

/// `MemAvailable` of this machine, in bytes: what can be had without swapping. In a container it is the host's.
pub fn available() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn parse(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;

    const MIB: u64 = 1 << 20;

    fn memory(least: Option<u64>, mib: u64) -> (Memory, Arc<AtomicU64>) {
        let available = Arc::new(AtomicU64::new(mib * MIB));
        let seen = Arc::clone(&available);
        (Memory::new(least, Box::new(move || Some(seen.load(Ordering::Relaxed)))), available)
    }

    #[test]
    fn nobody_is_let_in_while_memory_is_short_and_the_kernel_is_not_asked_too_often() {
        let (mut memory, available) = memory(Some(512 * MIB), 511);
        let now = Instant::now();
        assert!(!memory.has_room(now));
        available.store(512 * MIB, Ordering::Relaxed);
        assert!(!memory.has_room(now + LOOK / 2), "it has not looked again");
        assert!(memory.has_room(now + LOOK));
    }

    #[test]
    fn those_just_let_in_are_reckoned_with_before_they_take_their_memory() {
        let (mut memory, _available) = memory(Some(512 * MIB), 512 + 128);
        let now = Instant::now();
        for _ in 0..2 {
            assert!(memory.has_room(now));
            memory.taken(now);
        }
        assert!(memory.has_room(now), "exactly what must be left is left");
        memory.taken(now);
        assert!(!memory.has_room(now));
        assert!(memory.has_room(now + SETTLING), "by then the kernel knows");
    }

    #[test]
    fn who_does_not_want_to_know_or_cannot_lets_all_in() {
        let (mut never, _available) = memory(None, 0);
        assert!(never.has_room(Instant::now()));
        let mut blind = Memory::new(Some(MIB), Box::new(|| None));
        assert!(blind.has_room(Instant::now()));
    }

    #[test]
    fn this_machine_tells_what_it_has() {
        assert!(available().expect("Linux tells") > MIB);
        let text = "MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:     42 kB\n";
        assert_eq!(parse(text), Some(42 * 1024));
        assert_eq!(parse("MemTotal: 100 kB\n"), None);
        assert_eq!(parse("MemAvailable: many kB\n"), None);
    }
}
