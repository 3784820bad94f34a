//! What a deployment has on the host: containers, processes, folders.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use bollard::{
    Docker,
    query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder},
};
use iteratione_sandbox::labels::DEPLOYMENT;

const DEADLINE: Duration = Duration::from_secs(30);

/// The Docker engine that the services use too.
pub fn docker() -> Docker {
    Docker::connect_with_local_defaults().expect("a Docker engine")
}

/// Ids of a deployment's containers, running or not.
pub async fn containers(deployment: &str) -> Vec<String> {
    let filters = HashMap::from([("label", vec![format!("{DEPLOYMENT}={deployment}")])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let found = tokio::time::timeout(DEADLINE, docker().list_containers(Some(options))).await;
    found.expect("Docker answers").expect("Docker lists").into_iter().filter_map(|c| c.id).collect()
}

/// Removes what a failed test left.
pub async fn remove_containers(deployment: &str) {
    let docker = docker();
    for id in containers(deployment).await {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        let removing = docker.remove_container(&id, Some(options));
        // Somebody else may remove it at the same time.
        let _ = tokio::time::timeout(DEADLINE, removing).await;
    }
}

/// Processes inside a deployment's jails: its folders are mounted in each.
pub fn processes(deployment: &str) -> Vec<String> {
    let mark = format!("/{deployment}/");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|n| n.bytes().all(|b| b.is_ascii_digit())) else { continue };
        // A process may end while it is looked at.
        let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        if mounts.contains(&mark) {
            let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            found.push(format!("{pid} {}", command.replace('\0', " ").trim()));
        }
    }
    found
}

/// A deployment's jails in which a submission is, or was, with what is in their source folders: a jail that waits for
/// its only job has nothing there.
pub fn used_jails(workspace_root: &Path, deployment: &str) -> Vec<String> {
    let Ok(jails) = fs::read_dir(workspace_root.join(deployment).join("jails")) else { return Vec::new() };
    let mut found = Vec::new();
    for jail in jails.flatten() {
        let files = fs::read_dir(jail.path().join("src")).into_iter().flatten().flatten();
        let names: Vec<_> = files.map(|f| f.file_name().to_string_lossy().into_owned()).collect();
        if !names.is_empty() {
            found.push(format!("{} with {names:?}", jail.file_name().to_string_lossy()));
        }
    }
    found
}

/// Names of what is in a deployment's folders of jails and of owners' locks.
pub fn folders(workspace_root: &Path, deployment: &str) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["jails", "owners"] {
        let Ok(entries) = fs::read_dir(workspace_root.join(deployment).join(folder)) else { continue };
        found.extend(entries.flatten().map(|e| format!("{folder}/{}", e.file_name().to_string_lossy())));
    }
    found
}
