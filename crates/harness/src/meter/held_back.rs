//! How long the jail's threads were ready to run and were not let: by the CPU quota, or by others on the machine.

use std::{fs, path::Path, time::Duration};

/// The most that any living thread has waited for a CPU since it began. Nothing older than the running program lives in
/// a jail but the harness. Zero where the kernel does not tell.
pub fn held_back() -> Duration {
    below(Path::new("/proc"))
}

fn below(proc: &Path) -> Duration {
    let numbers = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok()).collect::<Vec<_>>()
    };
    let mut most = Duration::ZERO;
    for process in numbers(proc).into_iter().filter(|&pid| pid != 1) {
        let tasks = proc.join(process.to_string()).join("task");
        for thread in numbers(&tasks) {
            // One that has just gone is no loss: who waits for it was not ready to run.
            let told = fs::read_to_string(tasks.join(thread.to_string()).join("schedstat"));
            most = most.max(told.ok().and_then(|t| waited(&t)).unwrap_or_default());
        }
    }
    most
}

/// `run wait slices`, the first two in nanoseconds.
fn waited(schedstat: &str) -> Option<Duration> {
    schedstat.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_that_waited_most_counts_and_the_harness_does_not() {
        let proc = tempfile::tempdir().expect("a folder");
        for (thread, text) in [
            ("1/task/1", "5 9000000000 1\n"),
            ("7/task/7", "5 3000000 1\n"),
            ("7/task/8", "5 4000000 1\n"),
            ("9/task/9", "0 0 0\n"),
            ("self/task/7", "5 8000000000 1\n"),
        ] {
            let folder = proc.path().join(thread);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("schedstat"), text).expect("a file");
        }
        assert_eq!(below(proc.path()), Duration::from_millis(4));
        assert_eq!(below(&proc.path().join("nothing")), Duration::ZERO);
        assert_eq!(waited("nonsense"), None);
    }
}
