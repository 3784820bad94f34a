//! Making the jail as it was: every process dead, every writable place empty, and proof of both.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use iteratione_harness::protocol::{COMPILER_UID, Cleaned, PROGRAM_UID, WRITABLE_DIRS};

use crate::sys::{self, Fork, Reaped, Wait};

/// How long killing may take before the jail is given up. A fork bomb at its process limit dies within milliseconds.
const KILL_TIME: Duration = Duration::from_secs(3);
/// How long wiping may take, for each uid. The folders' inode limits keep it far below that.
const WIPE_TIME: Duration = Duration::from_secs(4);
const SYSVIPC: [&str; 3] = ["shm", "sem", "msg"];

/// Kills every process but this one and collects them all; `seen` is told of each. False if some would not die.
pub fn kill_all(mut seen: impl FnMut(&Reaped)) -> bool {
    let deadline = Instant::now() + KILL_TIME;
    loop {
        sys::kill_everything();
        loop {
            match sys::reap() {
                Ok(Wait::Ended(reaped)) => seen(&reaped),
                // Each process of the namespace descends from a child of PID 1: no child, no process.
                Ok(Wait::Nobody) => return true,
                Ok(Wait::Alive) => break,
                Err(_) => return false,
            }
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
}

/// Kills, wipes, proves.
pub fn clean() -> Cleaned {
    match try_clean() {
        Ok(()) => Cleaned { clean: true, detail: None },
        Err(detail) => Cleaned { clean: false, detail: Some(detail) },
    }
}

fn try_clean() -> Result<(), String> {
    if !kill_all(|_| ()) {
        return Err("a process could not be killed".to_owned());
    }
    if dirty().is_some() {
        // What a compiler left can hold what a program left in it, and the other way round: hence the third.
        for uid in [PROGRAM_UID, COMPILER_UID, PROGRAM_UID] {
            wipe_as(uid)?;
        }
    }
    dirty().map_or(Ok(()), Err)
}

/// What is left, for the log; `None` when the jail is clean.
fn dirty() -> Option<String> {
    let others = fs::read_dir("/proc").ok()?.flatten();
    let mut others = others.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    if let Some(pid) = others.find(|pid| *pid != sys::pid()) {
        return Some(format!("process {pid} is alive"));
    }
    for dir in WRITABLE_DIRS.into_iter().chain(["/dev/mqueue"]) {
        match fs::read_dir(dir).map(|mut entries| entries.next()) {
            Ok(None) => {}
            Ok(Some(entry)) => {
                return Some(format!("{dir} holds {}", entry.map(|e| e.file_name()).unwrap_or_default().display()));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Some(format!("{dir} cannot be read: {e}")),
        }
    }
    SYSVIPC.into_iter().find_map(|kind| ipc_ids(kind).first().map(|id| format!("System V {kind} {id} exists")))
}

/// Wipes in a child that has a student's rights and no more: whatever a name resolves to, it can harm nothing else.
fn wipe_as(uid: u32) -> Result<(), String> {
    let pid = match sys::fork().map_err(|e| format!("no process to wipe with: {e}"))? {
        Fork::Parent(pid) => pid,
        Fork::Child => {
            let done = sys::become_user(uid).is_ok();
            if done {
                for kind in SYSVIPC {
                    for id in ipc_ids(kind) {
                        sys::remove_ipc(kind, id);
                    }
                }
                for dir in WRITABLE_DIRS.into_iter().chain(["/dev/mqueue"]) {
                    wipe(Path::new(dir));
                }
            }
            sys::exit_now(i32::from(!done))
        }
    };
    let deadline = Instant::now() + WIPE_TIME;
    while Instant::now() < deadline {
        match sys::reap() {
            Ok(Wait::Ended(reaped)) if reaped.pid == pid => {
                return if reaped.exit_code == Some(0) { Ok(()) } else { Err(format!("wiping as {uid} failed")) };
            }
            Ok(Wait::Ended(_)) => {}
            Ok(Wait::Alive) => std::thread::sleep(Duration::from_micros(100)),
            Ok(Wait::Nobody) | Err(_) => return Err("the wiping process is lost".to_owned()),
        }
    }
    kill_all(|_| ());
    Err(format!("wiping as {uid} took too long"))
}

/// Removes what this uid can below `root`. Sub-folders are first moved up to `root`, so that neither depth nor the
/// length of a path matters.
fn wipe(root: &Path) {
    let mut moved = 0_u64;
    let mut folders: Vec<PathBuf> = Vec::new();
    let remove = |folder: &Path, folders: &mut Vec<PathBuf>, moved: &mut u64| {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|t| t.is_dir()) {
                fs::remove_file(&path).ok(/* another uid's: its own turn comes */);
                continue;
            }
            // A folder can be moved and emptied only if its owner may write to it.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).ok(/* another uid's */);
            if folder == root {
                folders.push(path);
                continue;
            }
            *moved += 1;
            let up = root.join(format!(".wipe-{moved}"));
            if fs::rename(&path, &up).is_ok() {
                folders.push(up);
            }
        }
    };
    remove(root, &mut folders, &mut moved);
    while let Some(folder) = folders.pop() {
        remove(&folder, &mut folders, &mut moved);
        fs::remove_dir(&folder).ok(/* not empty: what is left in it is another uid's */);
    }
}

/// Ids in `/proc/sysvipc/<kind>`: second column of every line but the heading.
fn ipc_ids(kind: &str) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
    text.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_deep_folder_is_wiped_without_recursion() {
        let root = tempfile::tempdir().expect("folder");
        let mut at = root.path().to_path_buf();
        for n in 0..300 {
            at.push("deeper-and-deeper");
            fs::create_dir(&at).expect("folder");
            fs::write(at.join(format!("file{n}")), "x").expect("file");
        }
        fs::set_permissions(root.path().join("deeper-and-deeper"), fs::Permissions::from_mode(0o000)).expect("mode");
        wipe(root.path());
        assert_eq!(fs::read_dir(root.path()).expect("readable").count(), 0);
    }

    #[test]
    fn a_link_is_removed_and_not_followed() {
        let (root, other) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        fs::write(other.path().join("kept"), "x").expect("file");
        std::os::unix::fs::symlink(other.path(), root.path().join("link")).expect("link");
        fs::create_dir(root.path().join("sub")).expect("folder");
        std::os::unix::fs::symlink(other.path(), root.path().join("sub/link")).expect("link");
        wipe(root.path());
        assert_eq!(fs::read_dir(root.path()).expect("readable").count(), 0);
        assert!(other.path().join("kept").exists());
    }
}
