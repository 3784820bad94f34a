//! Relative paths that may be written below a folder of ours.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use crate::SandboxError;

const LONGEST_PART: usize = 255;
const LONGEST_PATH: usize = 1024;
const DEEPEST: usize = 32;

/// Relative, `/`-separated, without empty parts, `.`, `..` or control characters, and not too long or deep.
pub(crate) fn check_path(path: &str) -> Result<(), SandboxError> {
    let refuse = |why: &str| Err(SandboxError::BadPath(format!("the path {path:?} {why}")));
    if path.is_empty() || path.len() > LONGEST_PATH {
        return refuse("is empty or too long");
    }
    if path.chars().any(char::is_control) {
        return refuse("has control characters");
    }
    if path.split('/').count() > DEEPEST {
        return refuse("is too deep");
    }
    for part in path.split('/') {
        if part.is_empty() || part == "." || part == ".." || part.len() > LONGEST_PART {
            return refuse("has an empty, dotted or too long part");
        }
    }
    Ok(())
}

/// Writes new files below `folder`, to which nobody else can write. A path that is there already is an error.
pub(crate) fn write_files(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), SandboxError> {
    for (path, content) in files {
        check_path(path)?;
        let failed = |e: std::io::Error| SandboxError::workspace(format_args!("cannot write {path:?}"), &e);
        let mut at = folder.to_path_buf();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            at.push(part);
            if parts.peek().is_none() {
                break;
            }
            match fs::DirBuilder::new().mode(0o755).create(&at) {
                Ok(()) => fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).map_err(failed)?,
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && at.is_dir() => {}
                Err(e) => return Err(failed(e)),
            }
        }
        // create_new is O_EXCL: neither an older file nor a link is followed.
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&at).map_err(failed)?;
        file.set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
        file.write_all(content).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_that_could_leave_the_folder_or_confuse_anybody_are_refused() {
        let long = "x".repeat(256);
        let deep = vec!["d"; 40].join("/");
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "./a", "a/.", "a\0b", "a\nb", "a/", &long, &deep] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
        for path in ["Main.java", "de/uni/lab/Main.java", "-o", "a b", "ä.py", "..."] {
            assert!(check_path(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn files_are_world_readable_whatever_the_umask_and_never_overwritten() {
        let dir = tempfile::tempdir().expect("folder");
        let files = [("a/b/X.java".to_owned(), b"x".to_vec()), ("a/Y.java".to_owned(), Vec::new())];
        write_files(dir.path(), &files).expect("written");
        let mode = |p: &str| fs::metadata(dir.path().join(p)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("a"), mode("a/b/X.java"), mode("a/Y.java")), (0o755, 0o644, 0o644));
        assert!(write_files(dir.path(), &files).is_err(), "a second time");
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let dir = tempfile::tempdir().expect("folder");
        let victim = dir.path().join("victim");
        std::os::unix::fs::symlink(&victim, dir.path().join("link")).expect("symlink");
        assert!(write_files(dir.path(), &[("link".to_owned(), b"x".to_vec())]).is_err());
        assert!(!victim.exists());
    }

    proptest! {
        #[test]
        fn a_path_that_passes_stays_below_its_folder(path in "[a./\\\\\0 -]{0,24}") {
            if check_path(&path).is_ok() {
                let joined = Path::new("/folder").join(&path);
                prop_assert!(joined.starts_with("/folder"));
                prop_assert!(joined.components().all(|c| c != std::path::Component::ParentDir));
            }
        }
    }
}
