//! Files into the scratch folder, files out of the build folder.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use iteratione_harness::protocol::{BUILD_DIR, FetchEnd, FetchRequest, FileHeader, PROGRAM_UID, SCRATCH_DIR};

use crate::sys::{self, Fork, Wait};

/// The most bytes that one `Put` may bring.
pub const MAX_PUT: u64 = 16 * 1024 * 1024;
const WRITE_TIME: Duration = Duration::from_secs(10);
const MAX_DEPTH: usize = 64;

/// Whether a path is relative and plain: no `..`, no `.`, nothing empty.
pub fn is_plain(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 1024
        && !path.contains('\0')
        && !path.ends_with('/')
        && Path::new(path).components().all(|c| matches!(c, Component::Normal(_)))
        && !path.contains("//")
        && !path.split('/').any(|part| part == ".")
}

/// Writes a file below the scratch folder with the program's rights; the error is for people.
pub fn put(path: &str, content: &[u8]) -> Result<(), String> {
    if !is_plain(path) {
        return Err(format!("{path:?} is not a plain relative path"));
    }
    let pid = match sys::fork().map_err(|e| format!("no process to write {path} with: {e}"))? {
        Fork::Parent(pid) => pid,
        Fork::Child => {
            let written = sys::become_user(PROGRAM_UID).and_then(|()| write(Path::new(SCRATCH_DIR), path, content));
            sys::exit_now(
                written.err().map_or(0, |e| e.raw_os_error().filter(|n| (1..=255).contains(n)).unwrap_or(255)),
            )
        }
    };
    let deadline = Instant::now() + WRITE_TIME;
    while Instant::now() < deadline {
        match sys::reap() {
            Ok(Wait::Ended(reaped)) if reaped.pid == pid => {
                return match reaped.exit_code {
                    Some(0) => Ok(()),
                    Some(code) => Err(format!("cannot write {path}: {}", io::Error::from_raw_os_error(code))),
                    None => Err(format!("cannot write {path}: the writing process was killed")),
                };
            }
            Ok(Wait::Ended(_)) => {}
            Ok(Wait::Alive) => std::thread::sleep(Duration::from_micros(100)),
            Ok(Wait::Nobody) | Err(_) => return Err(format!("cannot write {path}: the writing process is lost")),
        }
    }
    Err(format!("cannot write {path}: it took too long"))
}

fn write(root: &Path, path: &str, content: &[u8]) -> io::Result<()> {
    let path = root.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).custom_flags(libc::O_NOFOLLOW).mode(0o644).open(path)?;
    file.write_all(content)
}

/// Gives each wanted file of the build folder to `send`: its header, then its content.
pub fn fetch(
    request: &FetchRequest,
    mut send: impl FnMut(FileHeader, Vec<u8>) -> io::Result<()>,
) -> io::Result<FetchEnd> {
    let root = Path::new(BUILD_DIR);
    let mut end = FetchEnd { files: 0, truncated: false };
    let mut bytes = 0;
    let mut paths = Vec::new();
    collect(root, MAX_DEPTH, &mut paths);
    paths.sort();
    for path in paths {
        let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str).filter(|n| n.ends_with(&request.suffix))
        else {
            continue;
        };
        let left = request.max_bytes - bytes;
        let Some(content) = read(&path, left) else { continue };
        let len = content.len() as u64;
        if end.files == request.max_files || len > left {
            end.truncated = true;
            break;
        }
        (end.files, bytes) = (end.files + 1, bytes + len);
        send(FileHeader { path: name.to_owned(), len }, content)?;
    }
    Ok(end)
}

/// A regular file's content, or one byte more than `room` of it; `None` for whatever else stands there.
fn read(path: &Path, room: u64) -> Option<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut content = Vec::new();
    file.take(room.saturating_add(1)).read_to_end(&mut content).ok()?;
    Some(content)
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => collect(&entry.path(), depth - 1, paths),
            Ok(kind) if kind.is_file() => paths.push(entry.path()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_are_taken() {
        for good in ["a.txt", "data/words.txt", "été.txt", "..a"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a/./b", "a\0b", "."] {
            assert!(!is_plain(bad), "{bad}");
        }
    }

    #[test]
    fn a_file_is_never_written_over_another_or_through_a_link() {
        let root = tempfile::tempdir().expect("folder");
        write(root.path(), "sub/a.txt", b"one").expect("written");
        assert!(write(root.path(), "sub/a.txt", b"two").is_err());
        std::os::unix::fs::symlink("/tmp/elsewhere", root.path().join("link")).expect("link");
        assert!(write(root.path(), "link", b"x").is_err());
        assert_eq!(fs::read(root.path().join("sub/a.txt")).expect("readable"), b"one");
    }

    #[test]
    fn links_and_pipes_are_not_read() {
        let root = tempfile::tempdir().expect("folder");
        std::os::unix::fs::symlink("/etc/passwd", root.path().join("link")).expect("link");
        fs::write(root.path().join("real"), "12345").expect("file");
        assert_eq!(read(&root.path().join("link"), 10), None);
        assert_eq!(read(root.path(), 10), None);
        assert_eq!(read(&root.path().join("real"), 3).map(|c| c.len()), Some(4));
    }
}
