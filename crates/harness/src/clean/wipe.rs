//! Emptying a folder in which anybody of the jail may have left anything.
//!
//! The folder itself is root's and sticky, so each file is removed as its owner. Sub-folders are not descended into
//! more than one level: their sub-folders are first moved up to the top, so that no depth needs a stack or a path.

use std::{
    ffi::{CStr, CString},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    time::Instant,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, RenameFlags, chmodat, openat, renameat_with, unlinkat},
    io::Errno,
};

use super::USERS;
use crate::identity::as_user;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Turns of all users. One is enough unless they have put folders into each other's.
const ROUNDS: usize = 4;
/// For names in a folder. The longest entry takes 280 bytes.
const BUFFER: usize = 32 * 1024;

/// Empties the folder. Says what is left.
pub fn wipe(path: &str, deadline: Instant) -> Result<Option<String>, String> {
    let root = match openat(CWD, path, FOLDER, Mode::empty()) {
        Ok(root) => root,
        // Nobody can leave anything in a folder that is not there, or that is masked (a file, or not to be opened).
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Ok(Some(format!("{path} cannot be opened: {error}"))),
    };
    for _ in 0..ROUNDS {
        if is_empty(&root) {
            return Ok(None);
        }
        for user in USERS {
            let sweep = || Sweep { root: &root, deadline, moved: 0, waiting: Vec::new() }.run();
            as_user(user, sweep).map_err(|e| format!("cannot act as uid {user}: {e}"))?;
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    Ok((!is_empty(&root)).then(|| format!("files in {path}")))
}

fn is_empty(folder: &OwnedFd) -> bool {
    let Ok(folder) = openat(folder, c".", FOLDER, Mode::empty()) else { return false };
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut entries = RawDir::new(&folder, &mut buffer);
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if is_dots(entry.file_name()) => {}
            _ => return false,
        }
    }
    true
}

fn is_dots(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

/// One user's turn.
struct Sweep<'a> {
    root: &'a OwnedFd,
    deadline: Instant,
    /// Sub-folders moved up so far; makes their names.
    moved: u32,
    /// Those of them that are not empty.
    waiting: Vec<CString>,
}

impl Sweep<'_> {
    /// Removes what this user may. What is left is found by looking, so errors need no telling.
    fn run(mut self) {
        let Ok(top) = openat(self.root, c".", FOLDER, Mode::empty()) else { return };
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(top.as_fd(), buffer.spare_capacity_mut());
        while let Some(Ok(entry)) = entries.next() {
            if is_dots(entry.file_name()) {
                continue;
            }
            self.remove(entry.file_name(), entry.file_type());
            while let Some(folder) = self.waiting.pop() {
                self.remove(&folder, FileType::Directory);
            }
            if self.late() {
                return;
            }
        }
    }

    fn late(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Removes an entry of the root.
    fn remove(&mut self, name: &CStr, kind: FileType) {
        if gone(self.root, name, kind) || self.late() {
            return;
        }
        // For everybody, also for the next user: a folder may hold another's.
        let _ = chmodat(self.root, name, Mode::from_raw_mode(0o777), AtFlags::empty());
        if let Ok(folder) = openat(self.root, name, FOLDER, Mode::empty()) {
            self.empty(&folder);
        }
        let _ = unlinkat(self.root, name, AtFlags::REMOVEDIR);
    }

    /// Empties a folder that is an entry of the root: its files are removed, its folders moved up.
    fn empty(&mut self, folder: &OwnedFd) {
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(folder.as_fd(), buffer.spare_capacity_mut());
        while let Some(Ok(entry)) = entries.next() {
            let name = entry.file_name();
            if is_dots(name) || gone(folder, name, entry.file_type()) {
                continue;
            }
            if self.late() {
                return;
            }
            // Moving a folder to another parent writes into it too.
            let _ = chmodat(folder, name, Mode::from_raw_mode(0o777), AtFlags::empty());
            if let Some(moved) = self.move_up(folder, name) {
                self.waiting.push(moved);
            }
        }
    }

    fn move_up(&mut self, folder: &OwnedFd, name: &CStr) -> Option<CString> {
        loop {
            self.moved = self.moved.checked_add(1)?;
            let new = CString::new(format!(".wiped-{}", self.moved)).ok()?;
            match renameat_with(folder, name, self.root, &new, RenameFlags::NOREPLACE) {
                Ok(()) => return Some(new),
                // The jail has thought of this name too.
                Err(Errno::EXIST) if !self.late() => {}
                Err(_) => return None,
            }
        }
    }
}

/// Removes a file or an empty folder. `false`: it must be emptied, or is not ours. Nothing of the jail lives, so what
/// was a folder in the listing still is one.
fn gone(folder: &OwnedFd, name: &CStr, kind: FileType) -> bool {
    let is_folder = match kind {
        FileType::Directory => true,
        FileType::Unknown => return try_both(folder, name),
        _ => false,
    };
    if is_folder {
        unlinkat(folder, name, AtFlags::REMOVEDIR).is_ok()
    } else {
        // A file that stays is not ours, and no folder: nothing more is to be done about it.
        let _ = unlinkat(folder, name, AtFlags::empty());
        true
    }
}

/// For a file system that does not tell folders in its listings. A folder that is not empty is left in place: there
/// `false` would lead to following it by name.
fn try_both(folder: &OwnedFd, name: &CStr) -> bool {
    match unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR) => unlinkat(folder, name, AtFlags::REMOVEDIR).is_ok(),
        _ => true,
    }
}
