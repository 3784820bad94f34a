//! Making the jail what it was before the last program, and proving it: processes, files, System V IPC, sockets.
//!
//! What cannot be proven is said, and the host throws the jail away. Nothing here waits for long.

mod ipc;
mod sockets;
mod wipe;

use std::{
    fs::File,
    io::{self, Read as _},
    time::{Duration, Instant},
};

use iteratione_harness::protocol::{COMPILER_UID, Cleaned, PROGRAM_UID, WRITABLE_DIRS};

use crate::sys::{self, Reap};

/// For all of it. An honest program leaves a handful of files, which takes well under a millisecond.
const TIME_MOST: Duration = Duration::from_secs(3);
/// Between two looks at what the kernel is still tidying up.
const A_MOMENT: Duration = Duration::from_millis(1);
/// Also writable for anybody where it is not masked: a queue there outlives its maker.
const QUEUES: &str = "/dev/mqueue";

/// What the kernel says to who kills everybody and is alone.
const NOBODY: i32 = rustix::io::Errno::SRCH.raw_os_error();

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
        let nobody = sys::kill_everything().is_err_and(|e| e.raw_os_error() == Some(NOBODY));
        loop {
            match sys::reap() {
                Reap::Process(_) => {}
                Reap::NotYet => break,
                // The kernel has looked at every process, and found none but this.
                Reap::Nobody if nobody => return Ok(None),
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

/// A file of `/proc`, most of which are shorter than this takes at once. Names in it are the jail's choice of bytes.
fn read(path: &str) -> io::Result<String> {
    let mut buffer = [0; 4096];
    let mut file = File::open(path)?;
    let mut text = Vec::new();
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(String::from_utf8_lossy(&text).into_owned()),
            Ok(n) => text.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_utf_8_hides_no_line_of_a_list() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("unix");
        let mut list = b"Num RefCount\n".to_vec();
        list.extend((0..300).flat_map(|_| b"0: 2 @\xff\xfe name\n".to_vec()));
        std::fs::write(&path, &list).expect("written");
        let text = read(path.to_str().expect("UTF-8")).expect("readable");
        assert_eq!(text.lines().count(), 301);
        assert!(read("/proc/there/is/none").is_err());
    }
}
