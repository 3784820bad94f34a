//! The folder that services and the Docker host share, at the same absolute path.
//!
//! ```text
//! <root>/<deployment>/
//!   bin/harness-<sha256>       the harness, so that its path exists on the host too
//!   hosts                      /etc/hosts of every jail
//!   owners/<uuid>.lock         held (flock) for life by each process, see [`owner`]
//!   jails/<owner>.<jail>/src   sources of one jail, mounted read-only
//! ```

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::SandboxError;

pub mod owner;

/// What jails know of the network: themselves.
const HOSTS: &str = "127.0.0.1\tlocalhost jail\n::1\tlocalhost ip6-localhost ip6-loopback jail\n";

/// The deployment's part of the workspace root.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    root_for_docker: PathBuf,
    base: PathBuf,
    harness: PathBuf,
}

/// The folder of one jail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JailFolder {
    /// Removed with the jail.
    pub path: PathBuf,
    /// What the jail sees, read-only.
    pub src: PathBuf,
}

impl Workspace {
    /// Makes what is missing and copies the harness in.
    pub fn open(root: &Path, root_for_docker: Option<&Path>, deployment: &str, harness: &Path) -> anyhow::Result<Self> {
        ensure!(
            (1..=64).contains(&deployment.len())
                && deployment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "the instance name must be 1 to 64 letters, digits, '-' or '_', not {deployment:?}"
        );
        let base = root.join(deployment);
        // Searchable for the daemon, listable for us alone: names of jails are nobody's business.
        for (path, mode) in [(root.to_path_buf(), 0o755), (base.clone(), 0o711), (base.join("jails"), 0o711)] {
            make_dir(&path, mode)?;
        }
        make_dir(&base.join("owners"), 0o700)?;
        make_dir(&base.join("bin"), 0o755)?;
        let harness = install_harness(harness, &base.join("bin"))?;
        replace_file(&base.join("hosts"), HOSTS.as_bytes(), 0o644)?;
        Ok(Self {
            root: root.to_path_buf(),
            root_for_docker: root_for_docker.unwrap_or(root).to_path_buf(),
            base,
            harness,
        })
    }

    /// Workspace root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The harness' copy.
    pub fn harness(&self) -> &Path {
        &self.harness
    }

    /// `/etc/hosts` of jails.
    pub fn hosts(&self) -> PathBuf {
        self.base.join("hosts")
    }

    /// Where owners hold their locks.
    pub fn owners(&self) -> PathBuf {
        self.base.join("owners")
    }

    /// A path below the root, as the daemon is told.
    pub fn for_docker(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).map_or_else(|_| path.to_path_buf(), |below| self.root_for_docker.join(below))
    }

    /// Where the folder of a jail is, or would be.
    pub fn jail_folder(&self, owner: Uuid, jail: Uuid) -> JailFolder {
        let path = self.base.join("jails").join(format!("{owner}.{jail}"));
        JailFolder { src: path.join("src"), path }
    }

    /// Makes the folder of a jail.
    pub fn make_jail_folder(&self, folder: &JailFolder) -> Result<(), SandboxError> {
        let make = |path: &Path, mode: u32| {
            fs::DirBuilder::new().mode(mode).create(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
        };
        make(&folder.path, 0o711)
            .and_then(|()| make(&folder.src, 0o755))
            .map_err(|e| SandboxError::workspace(format_args!("cannot make {}", folder.path.display()), &e))
    }

    /// Every jail folder there is: `(owner, jail, path)`.
    pub fn jail_folders(&self) -> std::io::Result<Vec<(Uuid, Uuid, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.base.join("jails"))? {
            let entry = entry?;
            let name = entry.file_name();
            let ids = name.to_str().and_then(|n| n.split_once('.'));
            if let Some((Ok(owner), Ok(jail))) = ids.map(|(o, j)| (Uuid::parse_str(o), Uuid::parse_str(j))) {
                found.push((owner, jail, entry.path()));
            }
        }
        Ok(found)
    }

    /// MiB that are free for us on the workspace's disk.
    pub fn free_mb(&self) -> std::io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.base)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize) / (1024 * 1024))
    }
}

/// Removes a jail's folder off the runtime; one that is already gone is a success.
pub async fn remove_folder(path: PathBuf) -> Result<(), SandboxError> {
    let shown = path.clone();
    match tokio::task::spawn_blocking(move || fs::remove_dir_all(path)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(Err(e)) => Err(SandboxError::workspace(format_args!("cannot remove {}", shown.display()), &e)),
        Err(e) => Err(SandboxError::Workspace(format!("removing {}: {e}", shown.display()))),
    }
}

fn make_dir(path: &Path, mode: u32) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .with_context(|| format!("cannot make the workspace folder {}", path.display()))
}

/// Copies the harness to `<bin>/harness-<hash of its content>` unless it is there already.
fn install_harness(harness: &Path, bin: &Path) -> anyhow::Result<PathBuf> {
    let content = fs::read(harness).with_context(|| format!("cannot read the harness binary {}", harness.display()))?;
    ensure!(content.starts_with(b"\x7fELF"), "the harness {} is not a Linux program", harness.display());
    let mut name = "harness-".to_owned();
    for byte in Sha256::digest(&content).iter().take(16) {
        let _ = write!(name, "{byte:02x}");
    }
    let target = bin.join(name);
    // What is there may have been cut short by a full disk.
    if fs::read(&target).is_ok_and(|there| there == content) {
        return Ok(target);
    }
    replace_file(&target, &content, 0o555)?;
    Ok(target)
}

/// Writes a file so that a reader sees the old content or the new one.
fn replace_file(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let new = path.with_extension(format!("{}.new", Uuid::new_v4().simple()));
    let written = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new).and_then(|mut file| {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        fs::rename(&new, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harness(dir: &Path) -> PathBuf {
        let path = dir.join("harness");
        fs::write(&path, b"\x7fELF and so on").expect("write");
        path
    }

    #[test]
    fn the_harness_is_copied_once_and_a_damaged_copy_is_replaced() {
        let dir = tempfile::tempdir().expect("folder");
        let root = dir.path().join("root");
        let open = || Workspace::open(&root, None, "t", &harness(dir.path())).expect("opens");
        let copy = open().harness().to_path_buf();
        assert_eq!(fs::metadata(&copy).expect("there").permissions().mode() & 0o777, 0o555);
        fs::remove_file(&copy).expect("remove");
        fs::write(&copy, b"\x7fELF and").expect("write");
        assert_eq!(fs::read(open().harness()).expect("read"), b"\x7fELF and so on");
        assert_eq!(fs::read_dir(copy.parent().expect("bin")).expect("list").count(), 1, "no half-written file is left");
    }

    #[test]
    fn a_jail_folder_is_found_by_its_name_and_anything_else_is_left_alone() {
        let dir = tempfile::tempdir().expect("folder");
        let workspace = Workspace::open(dir.path(), None, "t", &harness(dir.path())).expect("opens");
        let (owner, jail) = (Uuid::new_v4(), Uuid::new_v4());
        let folder = workspace.jail_folder(owner, jail);
        workspace.make_jail_folder(&folder).expect("made");
        fs::create_dir(dir.path().join("t/jails/notes")).expect("mkdir");
        assert_eq!(workspace.jail_folders().expect("listed"), [(owner, jail, folder.path.clone())]);
        assert_eq!(fs::metadata(&folder.src).expect("there").permissions().mode() & 0o777, 0o755);
        assert!(workspace.make_jail_folder(&folder).is_err(), "a folder is never used twice");
    }

    #[test]
    fn deployments_cannot_name_their_way_out_of_the_root() {
        let dir = tempfile::tempdir().expect("folder");
        for name in ["", "..", "a/b", "a b", "x\n"] {
            assert!(Workspace::open(dir.path(), None, name, &harness(dir.path())).is_err(), "{name:?}");
        }
    }
}
