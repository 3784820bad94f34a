//! Files from the host: input in the scratch folder as the program's uid, classes in the build folder as the compiler's.

use std::{fs::File, io::Write, os::fd::OwnedFd};

use iteratione_harness::protocol::{BUILD_DIR, COMPILER_UID, FileHeader, PROGRAM_UID, SCRATCH_DIR};
use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat},
    io::Errno,
};

use crate::identity::as_user;

/// The most bytes of a path, and the most parts: packages may be deeper than anybody's input.
const PATH_MOST: usize = 1024;
const PARTS_MOST: usize = 16;
const BUILD_PARTS_MOST: usize = 64;

/// Where a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Below the scratch folder.
    Scratch,
    /// Below the build folder.
    Build,
}

impl Place {
    /// Whose its files are, where they are, how deep they may be, and their mode.
    fn folder(self) -> (u32, &'static str, usize, u32) {
        match self {
            Self::Scratch => (PROGRAM_UID, SCRATCH_DIR, PARTS_MOST, 0o644),
            Self::Build => (COMPILER_UID, BUILD_DIR, BUILD_PARTS_MOST, 0o755),
        }
    }
}

/// A file on its way in. It takes all its bytes, also if they cannot be written.
#[derive(Debug)]
pub struct Put {
    /// Where it goes.
    pub place: Place,
    header: FileHeader,
    left: u64,
    file: Result<File, String>,
}

/// A file has arrived, or not.
pub type Arrived = Result<(), String>;

impl Put {
    /// Makes the file. Only an identity that cannot be switched is an error: what is wrong with the file is told when
    /// all its bytes were taken.
    pub fn begin(place: Place, header: FileHeader) -> Result<Self, String> {
        let (uid, folder, parts, mode) = place.folder();
        let file = match check(&header.path, parts) {
            Err(why) => Err(why.to_owned()),
            Ok(()) => as_user(uid, || create(folder, &header.path, mode))
                .map_err(|e| format!("cannot act as uid {uid}: {e}"))?
                .map_err(|e| e.to_string()),
        };
        Ok(Self { place, left: header.len, file, header })
    }

    /// Takes contents. More than were announced is the host's mistake.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| format!("more bytes for {:?} than announced", self.header.path))?;
        if let Ok(file) = &mut self.file
            && let Err(error) = file.write_all(bytes)
        {
            self.file = Err(error.to_string());
        }
        Ok(())
    }

    /// Whether the file arrived, once all its bytes were taken.
    pub fn arrived(&self) -> Option<Arrived> {
        let why = |why: &String| format!("the file {:?} could not be written: {why}", self.header.path);
        (self.left == 0).then(|| self.file.as_ref().map(drop).map_err(why))
    }
}

/// Relative, without `..`, `.` or empty parts.
fn check(path: &str, parts_most: usize) -> Result<(), &'static str> {
    if path.len() > PATH_MOST || path.split('/').count() > parts_most {
        return Err("its path is too long");
    }
    if path.contains('\0') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("its path is not a plain relative one");
    }
    Ok(())
}

/// A new file, and the folders that lead to it. Follows no links and opens nothing that exists.
fn create(root: &str, path: &str, mode: u32) -> Result<File, Errno> {
    let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut at: OwnedFd = openat(CWD, root, folder, Mode::empty())?;
    let mut parts = path.split('/');
    let name = parts.next_back().ok_or(Errno::INVAL)?;
    for part in parts {
        match mkdirat(&at, part, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => at = openat(&at, part, folder, Mode::empty())?,
            Err(error) => return Err(error),
        }
    }
    Ok(openat(&at, name, new, Mode::from_raw_mode(mode))?.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_are_made_with_the_folders_above_them_and_never_twice() {
        let root = tempfile::tempdir().expect("a folder");
        let at = root.path().to_str().expect("UTF-8");
        let mut file = create(at, "a/b/c.txt", 0o644).expect("made");
        file.write_all(b"x").expect("written");
        create(at, "a/b/d.txt", 0o755).expect("beside it");
        assert_eq!(create(at, "a/b/c.txt", 0o644).map(drop), Err(Errno::EXIST));
        assert_eq!(std::fs::read(root.path().join("a/b/c.txt")).expect("there"), b"x");
    }

    #[test]
    fn no_link_is_followed() {
        let (root, outside) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        symlink(outside.path(), root.path().join("out")).expect("a link");
        symlink(outside.path().join("new"), root.path().join("file")).expect("a link");
        let at = root.path().to_str().expect("UTF-8");
        assert!(create(at, "out/x", 0o644).is_err());
        assert!(create(at, "file", 0o644).is_err());
        assert_eq!(std::fs::read_dir(outside.path()).expect("there").count(), 0);
    }

    #[test]
    fn a_bad_path_is_told_after_its_bytes_were_taken() {
        let mut put =
            Put::begin(Place::Scratch, FileHeader { path: "../x".to_owned(), len: 3 }).expect("no switch of identity");
        assert!(put.arrived().is_none());
        put.take(b"abc").expect("as announced");
        assert!(put.arrived().expect("complete").is_err_and(|why| why.contains("../x")));
        assert!(put.take(b"d").is_err(), "more than announced");
    }

    proptest! {
        #[test]
        fn a_path_that_passes_stays_below_its_root(path in "(/|\\.|\\.\\.|a|\0|é){0,12}") {
            if check(&path, BUILD_PARTS_MOST).is_ok() {
                let plain = std::path::Path::new(&path).components().all(|c| matches!(c, std::path::Component::Normal(_)));
                prop_assert!(plain && !path.is_empty());
            }
        }
    }
}
