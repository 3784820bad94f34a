//! What jails can leave on a host: everything of theirs that no container accounts for any more.
//!
//! Others may use the machine meanwhile, so nothing here counts what there is: each thing found is traced to a container
//! of ours that is gone.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bollard::query_parameters::ListVolumesOptions;
use iteratione_sandbox::protocol::{COMPILER_UID, PROGRAM_UID};

use crate::leftovers::docker;

mod ours;

pub use ours::Ours;

const DEADLINE: Duration = Duration::from_secs(30);
/// Longer than anything of ours should take to go.
const SLOW: Duration = Duration::from_secs(5);
/// Programs and compilers.
const JAIL_UIDS: [u32; 2] = [PROGRAM_UID, COMPILER_UID];
/// Entries of one tree that are looked at.
const ENTRIES: usize = 200_000;

/// A process as `/proc` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Real user id.
    pub uid: u32,
    /// Docker's id of its container.
    pub container: Option<String>,
    /// Name, and command line.
    pub what: String,
}

impl Process {
    /// Whether it runs a student's program, not a compiler.
    pub fn is_program(&self) -> bool {
        self.uid == PROGRAM_UID
    }
}

/// Every process of the machine whose uid is a jail's.
pub fn jail_processes() -> Vec<Process> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        // A process may end while it is looked at.
        let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let status = read("status");
        let field = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
        let uid = field("Uid:").and_then(|v| v.split_whitespace().next()).and_then(|v| v.parse().ok());
        let Some(uid) = uid.filter(|uid| JAIL_UIDS.contains(uid)) else { continue };
        let container = read("cgroup").split(['/', '-', '.', '\n']).find(|part| is_id(part)).map(str::to_owned);
        let what = format!("{} {}", field("Name:").unwrap_or_default(), read("cmdline").replace('\0', " "));
        found.push(Process { pid, uid, container, what: what.trim().to_owned() });
    }
    found
}

/// Everything on this machine that containers of ours, of which none accounts for it any more, have left; and
/// whatever belongs to a jail's uid and to no container at all. Each in words.
pub async fn strays(ours: &Ours) -> BTreeSet<String> {
    let before = ours.living().await;
    let mut found = BTreeSet::new();
    for cgroup in cgroups() {
        found.insert((cgroup.display().to_string(), "cgroup"));
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    for point in mounts.lines().filter_map(|line| line.split(' ').nth(4)) {
        found.insert((point.to_owned(), "mount"));
    }
    let processes = jail_processes();
    let mut files = BTreeSet::new();
    for folder in [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into(), "/dev/shm".into()] {
        owned_by_jails(&folder, &mut files);
    }
    let after = ours.living().await;
    let all = ours.marks();
    let is_stray = |what: &str| all.know(what) && !before.know(what) && !after.know(what);
    let mut strays: BTreeSet<String> =
        found.into_iter().filter(|(path, _)| is_stray(path)).map(|(path, what)| format!("{what} {path}")).collect();
    let homeless = processes.iter().filter(|p| p.container.as_deref().is_none_or(is_stray));
    strays.extend(homeless.map(|p| format!("process {}: {}", p.pid, p.what)));
    strays.extend(files.iter().map(|path| format!("file {}", path.display())));
    strays.extend(volumes().await.into_iter().map(|name| format!("volume {name}")));
    strays
}

/// Waits until there are no strays but those that were there before.
pub async fn no_strays_but(before: &BTreeSet<String>, ours: &Ours, within: Duration) {
    let begin = Instant::now();
    let mut told = false;
    loop {
        let left: Vec<String> = strays(ours).await.difference(before).cloned().collect();
        if left.is_empty() {
            return;
        }
        assert!(begin.elapsed() < within, "left on the host: {left:#?}");
        if begin.elapsed() > SLOW && !std::mem::replace(&mut told, true) {
            println!("still on the host after {} s: {left:?}", SLOW.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Docker's ids of containers and layers.
fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The id in a path: of a container, or of the layer that is its root.
fn id_in(path: &str) -> Option<String> {
    path.split(['/', '-', '.', ':']).find(|part| is_id(part)).map(str::to_owned)
}

/// Control groups named after a container, in every hierarchy.
fn cgroups() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                let path = entry.path();
                if id_in(&entry.file_name().to_string_lossy()).is_some() {
                    found.push(path);
                } else {
                    left.push(path);
                }
            }
        }
    }
    found
}

/// Files of the host that a jail's uid owns: nothing outside a jail is theirs.
fn owned_by_jails(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    let mut left = vec![folder.to_path_buf()];
    let mut looked = 0;
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            looked += 1;
            let Ok(data) = entry.metadata() else { continue };
            if JAIL_UIDS.contains(&data.uid()) {
                found.insert(entry.path());
            } else if data.is_dir() && looked < ENTRIES {
                left.push(entry.path());
            }
        }
    }
}

async fn volumes() -> Vec<String> {
    let docker = docker();
    let listed = tokio::time::timeout(DEADLINE, docker.list_volumes(None::<ListVolumesOptions>)).await;
    let listed = listed.expect("Docker answers").expect("Docker lists");
    listed.volumes.unwrap_or_default().into_iter().map(|v| v.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_paths_of_either_hierarchy_and_of_layers() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("/sys/fs/cgroup/memory/docker/{id}"),
            format!("/sys/fs/cgroup/system.slice/docker-{id}.scope"),
            format!("/var/lib/docker/overlay2/{id}-init/merged"),
            format!("/var/lib/docker/overlay2/{id}/merged"),
        ] {
            assert_eq!(id_in(&path), Some(id.clone()), "{path}");
        }
        assert_eq!(id_in("/var/lib/docker/overlay2/l/ABC"), None);
    }
}
