//! Who is alive: each process holds a lock on a file of its own, and the kernel lets go of it when the process ends,
//! however it ends.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use uuid::Uuid;

/// This process, as the reapers of others see it. The lock is let go when this is dropped.
#[derive(Debug)]
pub struct Owner {
    id: Uuid,
    path: PathBuf,
    _lock: File,
}

/// What a lock file says about a process.
#[derive(Debug)]
pub enum Liveness {
    /// Somebody holds the lock.
    Alive,
    /// Nobody did; we do now, until this is dropped, so that only one reaper works on it.
    Dead(DeadOwner),
    /// There is no such file.
    Missing,
}

/// The lock of a process that has ended.
#[derive(Debug)]
pub struct DeadOwner {
    path: PathBuf,
    _lock: File,
}

impl Owner {
    /// Makes a lock file in `dir`, locked before it can be seen under its name.
    pub fn register(dir: &Path) -> io::Result<Self> {
        let mut last = io::Error::other("no try was made");
        // Another process' reaper may take the lock in the moment before we do; then this try is lost.
        for _ in 0..5 {
            let id = Uuid::new_v4();
            let (new, path) = (dir.join(format!("{id}.new")), dir.join(format!("{id}.lock")));
            let file = File::create_new(&new)?;
            let held = flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from);
            match held.and_then(|()| fs::rename(&new, &path)) {
                Ok(()) => return Ok(Self { id, path, _lock: file }),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    /// The id on our containers and folders.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Takes the file away when nothing of ours is left.
    pub fn retire(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, path = %self.path.display(), "owner file was not there any more");
        }
    }
}

impl DeadOwner {
    /// Takes the file away when nothing of that process is left.
    pub fn bury(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "cannot remove a dead owner's file");
        }
    }
}

/// Whether the process `owner` lives.
pub fn liveness(dir: &Path, owner: Uuid) -> io::Result<Liveness> {
    let path = dir.join(format!("{owner}.lock"));
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Liveness::Missing),
        Err(e) => return Err(e),
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Liveness::Dead(DeadOwner { path, _lock: file })),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(Liveness::Alive),
        Err(e) => Err(e.into()),
    }
}

/// Every process that has, or had, a lock file. Files of processes that died while making one are removed.
pub fn owners(dir: &Path) -> io::Result<BTreeSet<Uuid>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((stem, ending)) = name.to_str().and_then(|n| n.rsplit_once('.')) else { continue };
        let Ok(id) = Uuid::parse_str(stem) else { continue };
        match ending {
            "lock" => drop(found.insert(id)),
            "new" => {
                if let Ok(file) = File::open(entry.path())
                    && flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
                {
                    let _ = fs::remove_file(entry.path());
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_alive_until_it_is_dropped_and_then_dead_to_one_reaper_only() {
        let dir = tempfile::tempdir().expect("folder");
        let owner = Owner::register(dir.path()).expect("registers");
        let id = owner.id();
        assert!(matches!(liveness(dir.path(), id), Ok(Liveness::Alive)));
        drop(owner);
        let Ok(Liveness::Dead(dead)) = liveness(dir.path(), id) else { panic!("must be dead") };
        assert!(matches!(liveness(dir.path(), id), Ok(Liveness::Alive)), "the other reaper keeps off");
        dead.bury();
        assert!(matches!(liveness(dir.path(), id), Ok(Liveness::Missing)));
    }

    #[test]
    fn a_file_left_by_a_process_that_died_while_registering_is_removed() {
        let dir = tempfile::tempdir().expect("folder");
        let left = dir.path().join(format!("{}.new", Uuid::new_v4()));
        fs::write(&left, "").expect("write");
        let owner = Owner::register(dir.path()).expect("registers");
        assert_eq!(owners(dir.path()).expect("lists"), BTreeSet::from([owner.id()]));
        assert!(!left.exists());
    }
}
