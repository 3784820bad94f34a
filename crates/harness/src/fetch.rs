//! Files of the build folder, or of one that a program has filled, sent back to the host.

use std::{
    collections::VecDeque,
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
};

use iteratione_harness::protocol::{
    BUILD_DIR, COMPILER_UID, FetchEnd, FetchRequest, FileHeader, FromHarness, PROGRAM_UID, SCRATCH_DIR,
};
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, fstat, openat, statat},
    io::Errno,
};

use crate::{
    identity::as_user,
    wire::{Output, PIECE},
};

/// Folders in folders, entries and bytes of paths that are looked at: a compiler's output may be hostile too.
const DEPTH_MOST: usize = 64;
const ENTRIES_MOST: usize = 100_000;
const PATH_MOST: usize = 1024;
const PATHS_MOST: usize = 4 * 1024 * 1024;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// A FIFO that has taken the file's place would otherwise wait for a writer.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// An answer on its way out.
#[derive(Debug)]
pub struct Fetch {
    /// Whose the files are.
    uid: u32,
    /// `None`: there is no such folder.
    root: Option<OwnedFd>,
    files: VecDeque<FileHeader>,
    current: Option<(File, FileHeader, u64)>,
    end: FetchEnd,
}

impl Fetch {
    /// Finds what to send. Nothing of the jail runs meanwhile.
    pub fn begin(request: &FetchRequest) -> Result<Self, String> {
        match &request.scratch {
            None => Self::of(BUILD_DIR, COMPILER_UID, request),
            Some(step) if matches!(step.as_str(), "" | "." | "..") || step.contains(['/', '\0']) => {
                Err(format!("{step:?} is not one step below the scratch folder"))
            }
            Some(step) => Self::of(&format!("{SCRATCH_DIR}/{step}"), PROGRAM_UID, request),
        }
    }

    fn of(root: &str, uid: u32, request: &FetchRequest) -> Result<Self, String> {
        let (root, found) = acting(uid, || {
            let mut found = Found { request, files: Vec::new(), entries: 0, bytes: 0, truncated: false };
            let root = match openat(CWD, root, FOLDER, Mode::empty()) {
                Ok(root) => root,
                // A program may have done to its own folder what it liked.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) if request.scratch.is_some() => {
                    return Ok((None, found));
                }
                Err(error) => return Err(error),
            };
            found.walk(&root, "", 0)?;
            Ok((Some(root), found))
        })
        .map_err(|e| format!("cannot read {root}: {e}"))?;
        let Found { mut files, mut truncated, .. } = found;
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let mut left = request.max_bytes;
        let mut fits = 0;
        for file in files.iter().take(usize::try_from(request.max_files).unwrap_or(usize::MAX)) {
            let Some(rest) = left.checked_sub(file.len) else { break };
            (left, fits) = (rest, fits + 1);
        }
        truncated |= fits < files.len();
        files.truncate(fits);
        let end = FetchEnd { files: u32::try_from(fits).unwrap_or(u32::MAX), truncated };
        Ok(Self { uid, root, files: files.into(), current: None, end })
    }

    /// Sends while there is room. `true`: that was all.
    pub fn advance(&mut self, out: &mut Output) -> Result<bool, String> {
        while out.has_room() {
            let Some((file, header, left)) = &mut self.current else {
                let Some(header) = self.files.pop_front() else {
                    send(out, &FromHarness::FetchEnd(self.end.clone()))?;
                    return Ok(true);
                };
                let root = self.root.as_ref().ok_or("there is no folder to read")?;
                let file = acting(self.uid, || openat(root, header.path.as_str(), FILE, Mode::empty()));
                let file = file.map_err(|e| format!("cannot open {:?}: {e}", header.path))?;
                send(out, &FromHarness::File(header.clone()))?;
                self.current = Some((file.into(), header.clone(), header.len));
                continue;
            };
            if *left == 0 {
                self.current = None;
                continue;
            }
            let mut piece = vec![0; usize::try_from(*left).unwrap_or(PIECE).min(PIECE)];
            let read = file.read(&mut piece).map_err(|e| format!("cannot read {:?}: {e}", header.path))?;
            if read == 0 {
                return Err(format!("{:?} became shorter while it was sent", header.path));
            }
            piece.truncate(read);
            *left -= read as u64;
            send(out, &FromHarness::FileData(piece))?;
        }
        Ok(false)
    }
}

fn send(out: &mut Output, message: &FromHarness) -> Result<(), String> {
    out.send(message).map_err(|e| e.to_string())
}

/// As root where there is no compiler to be: in unit tests.
fn acting<T>(uid: u32, act: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
    if !crate::sys::is_init() {
        return act();
    }
    as_user(uid, act).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::PERM))?
}

struct Found<'a> {
    request: &'a FetchRequest,
    files: Vec<FileHeader>,
    entries: usize,
    /// Of paths.
    bytes: usize,
    truncated: bool,
}

impl Found<'_> {
    fn walk(&mut self, folder: &OwnedFd, above: &str, depth: usize) -> Result<(), Errno> {
        let mut buffer = Vec::with_capacity(16 * 1024);
        let mut folders = Vec::new();
        let mut entries = RawDir::new(folder.as_fd(), buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            // A name that is not UTF-8 cannot be said in a frame, and no compiler of ours makes one.
            let Ok(name) = entry.file_name().to_str() else { continue };
            if matches!(name, "." | "..") {
                continue;
            }
            let path = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
            (self.entries, self.bytes) = (self.entries + 1, self.bytes + path.len());
            if self.entries > ENTRIES_MOST || self.bytes > PATHS_MOST || path.len() > PATH_MOST {
                self.truncated = true;
                continue;
            }
            let stat = statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile if name.ends_with(&self.request.suffix) => {
                    self.files.push(FileHeader { path, len: u64::try_from(stat.st_size).unwrap_or(0) });
                }
                FileType::Directory if depth < DEPTH_MOST => folders.push((name.to_owned(), path)),
                FileType::Directory => self.truncated = true,
                _ => {}
            }
        }
        drop(buffer);
        for (name, path) in folders {
            match openat(folder, name, FOLDER, Mode::empty()) {
                Ok(inner) if fstat(&inner).is_ok() => self.walk(&inner, &path, depth + 1)?,
                // Not ours to read.
                _ => self.truncated = true,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use iteratione_harness::frame::Decoder;

    use super::*;

    fn request(suffix: &str, max_bytes: u64, max_files: u32) -> FetchRequest {
        FetchRequest { suffix: suffix.to_owned(), max_bytes, max_files, scratch: None }
    }

    fn found(root: &Path, request: &FetchRequest) -> (Vec<(String, u64)>, bool) {
        let fetch = Fetch::of(root.to_str().expect("UTF-8"), COMPILER_UID, request).expect("readable");
        (fetch.files.into_iter().map(|f| (f.path, f.len)).collect(), fetch.end.truncated)
    }

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("a/b")).expect("folders");
        for (path, text) in [("z.class", "zz"), ("a/b/M.class", "mmm"), ("a/x.txt", "x")] {
            fs::write(root.path().join(path), text).expect("a file");
        }
        symlink("/etc/passwd", root.path().join("l.class")).expect("a link");
        symlink("/etc", root.path().join("etc")).expect("a link");
        root
    }

    #[test]
    fn regular_files_with_the_suffix_are_found_in_order_and_no_link_is_followed() {
        let tree = tree();
        let classes = [("a/b/M.class".to_owned(), 3), ("z.class".to_owned(), 2)];
        assert_eq!(found(tree.path(), &request(".class", 100, 100)), (classes.to_vec(), false));
        assert_eq!(found(tree.path(), &request("", 100, 100)).0.len(), 3);
    }

    #[test]
    fn the_request_s_bounds_cut_the_answer_and_say_so() {
        let tree = tree();
        let first = vec![("a/b/M.class".to_owned(), 3)];
        assert_eq!(found(tree.path(), &request(".class", 4, 100)), (first.clone(), true));
        assert_eq!(found(tree.path(), &request(".class", 100, 1)), (first, true));
    }

    #[test]
    fn folders_deeper_than_any_compiler_makes_are_left_out() {
        let root = tempfile::tempdir().expect("a folder");
        let deep = root.path().join("d/".repeat(DEPTH_MOST + 3));
        fs::create_dir_all(&deep).expect("folders");
        fs::write(deep.join("x"), "x").expect("a file");
        assert_eq!(found(root.path(), &request("", 10, 10)), (Vec::new(), true));
    }

    #[test]
    fn what_is_sent_is_what_is_in_the_files() {
        let tree = tree();
        let big: Vec<u8> = (0..300_000u32).map(|n| (n % 253) as u8).collect();
        fs::write(tree.path().join("big.class"), &big).expect("a file");
        let mut fetch = Fetch::of(tree.path().to_str().expect("UTF-8"), COMPILER_UID, &request(".class", 1 << 20, 9))
            .expect("readable");
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let writer = std::thread::spawn(move || {
            let mut out = Output::default();
            while !fetch.advance(&mut out).expect("readable") {}
            out.write_to(&writer).expect("a pipe takes it");
        });
        let (mut decoder, mut wire) = (Decoder::<FromHarness>::new(), Vec::new());
        File::from(reader).read_to_end(&mut wire).expect("readable");
        writer.join().expect("no panic");
        decoder.push(&wire);
        let (mut files, mut end) = (Vec::<(String, Vec<u8>)>::new(), None);
        while let Some(message) = decoder.next().expect("well-formed") {
            match message {
                FromHarness::File(header) => files.push((header.path, Vec::new())),
                FromHarness::FileData(bytes) => files.last_mut().expect("a header first").1.extend(bytes),
                FromHarness::FetchEnd(it) => end = Some(it),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(end, Some(FetchEnd { files: 3, truncated: false }));
        assert_eq!(files[1], ("big.class".to_owned(), big));
    }
}
