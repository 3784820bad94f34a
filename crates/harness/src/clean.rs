//! Making the jail what it was before the last program, and proving it: processes, files, System V IPC, sockets.
//!
//! What cannot be proven is said, and the host throws the jail away. Nothing here waits for long.

mod ipc;
mod sockets;
mod wipe;

use std::time::{Duration, Instant};

use iteratione_harness::protocol::{COMPILER_UID, Cleaned, PROGRAM_UID, WRITABLE_DIRS};

use crate::sys::{self, Reap};

/// For all of it. An honest program leaves a handful of files, which takes well under a millisecond.
const TIME_MOST: Duration = Duration::from_secs(3);
/// Between two looks at what the kernel is still tidying up.
const A_MOMENT: Duration = Duration::from_millis(1);
/// Also writable for anybody where it is not masked: a queue there outlives its maker.
const QUEUES: &str = "/dev/mqueue";

/// Whose files and objects there can be.
const USERS: [u32; 2] = [PROGRAM_UID, COMPILER_UID];

/// Cleans. An error means that the harness itself can no longer be relied on.
pub fn clean() -> Result<Cleaned, String> {
    let deadline = Instant::now() + TIME_MOST;
    let mut left = Vec::new();
    left.extend(processes(deadline)?);
    for folder in WRITABLE_DIRS.into_iter().chain([QUEUES]) {
        left.extend(wipe::wipe(folder, deadline)?);
    }
    left.extend(ipc::remove()?);
    left.extend(sockets::lingering(deadline));
    let detail = (!left.is_empty()).then(|| left.join("; "));
    Ok(Cleaned { clean: detail.is_none(), detail })
}

/// Kills every process and waits until none is left.
fn processes(deadline: Instant) -> Result<Option<String>, String> {
    loop {
        let _ = sys::kill_everything();
        loop {
            match sys::reap() {
                Reap::Process(_) => {}
                Reap::NotYet => break,
                Reap::Nobody => return others(deadline),
            }
        }
        if Instant::now() >= deadline {
            return Ok(Some("processes that do not die".to_owned()));
        }
        std::thread::sleep(A_MOMENT);
    }
}

/// Processes that are not children of this one: put into the jail from outside.
fn others(deadline: Instant) -> Result<Option<String>, String> {
    let me = rustix::process::getpid().as_raw_nonzero().get();
    loop {
        let processes = std::fs::read_dir("/proc").map_err(|e| format!("cannot read /proc: {e}"))?;
        let other =
            processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok()).find(|&pid| pid != me);
        match other {
            None => return Ok(None),
            Some(pid) if Instant::now() >= deadline => return Ok(Some(format!("process {pid}"))),
            Some(_) => std::thread::sleep(A_MOMENT),
        }
        let _ = sys::kill_everything();
    }
}
