//! Removes what dead processes of this deployment left behind, and what this process lost track of.
//!
//! Whether another process lives, its lock file tells ([`crate::workspace::owner`]). Nothing of another deployment is
//! ever looked at.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::{
    SandboxError,
    docker::Docker,
    labels::{self, Identity},
    workspace::{
        Workspace,
        owner::{Liveness, liveness, owners},
        remove_folder,
    },
};

/// How often.
pub(crate) const INTERVAL: Duration = Duration::from_mins(1);
/// Before something without a lock file, or unknown to ourselves, is taken for lost: it may be just being made.
const DOUBT: Duration = Duration::from_secs(55);

/// One loop's memory between its passes.
#[derive(Debug)]
pub(crate) struct Reaper {
    docker: Docker,
    workspace: Workspace,
    identity: Identity,
    doubted: HashMap<Uuid, Instant>,
}

/// What belongs to one owner.
#[derive(Debug, Default)]
struct Estate {
    containers: Vec<(Uuid, String)>,
    folders: Vec<(Uuid, PathBuf)>,
}

impl Reaper {
    pub(crate) fn new(docker: Docker, workspace: Workspace, identity: Identity) -> Self {
        Self { docker, workspace, identity, doubted: HashMap::new() }
    }

    /// One pass; how many containers and folders were removed. `is_live` knows this process' own jails.
    pub(crate) async fn pass(&mut self, now: Instant, is_live: impl Fn(Uuid) -> bool) -> Result<usize, SandboxError> {
        let io = |e: std::io::Error| SandboxError::workspace("cannot look for what dead owners left", &e);
        let dir = self.workspace.owners();
        let mut estates = self.estates().await?;
        for owner in owners(&dir).map_err(io)? {
            estates.entry(owner).or_default();
        }
        let mut doubted = BTreeSet::new();
        let mut removed = 0;
        for (owner, mut estate) in estates {
            if owner == self.identity.owner {
                let mut lost = |jail: Uuid| {
                    if is_live(jail) {
                        return false;
                    }
                    doubted.insert(jail);
                    self.doubted.get(&jail).is_some_and(|since| now.duration_since(*since) >= DOUBT)
                };
                estate.containers.retain(|(jail, _)| lost(*jail));
                estate.folders.retain(|(jail, _)| lost(*jail));
                removed += self.remove(estate, "lost").await?;
                continue;
            }
            match liveness(&dir, owner).map_err(io)? {
                Liveness::Alive => {}
                Liveness::Dead(dead) => {
                    // On an error the lock is let go and its file stays: the next pass tries again.
                    removed += self.remove(estate, "dead owner").await?;
                    dead.bury();
                }
                Liveness::Missing => {
                    doubted.insert(owner);
                    if self.doubted.get(&owner).is_some_and(|since| now.duration_since(*since) >= DOUBT) {
                        removed += self.remove(estate, "no owner").await?;
                    }
                }
            }
        }
        self.doubted.retain(|id, _| doubted.contains(id));
        for id in doubted {
            self.doubted.entry(id).or_insert(now);
        }
        Ok(removed)
    }

    async fn estates(&self) -> Result<BTreeMap<Uuid, Estate>, SandboxError> {
        let mut estates: BTreeMap<Uuid, Estate> = BTreeMap::new();
        let folders = self.workspace.jail_folders();
        let folders = folders.map_err(|e| SandboxError::workspace("cannot list the jails' folders", &e))?;
        for (owner, jail, path) in folders {
            estates.entry(owner).or_default().folders.push((jail, path));
        }
        for found in self.docker.list(&self.identity.of_deployment()).await? {
            let id = |label: &str| found.labels.get(label).and_then(|v| Uuid::parse_str(v).ok());
            let (Some(owner), Some(jail)) = (id(labels::OWNER), id(labels::JAIL)) else { continue };
            estates.entry(owner).or_default().containers.push((jail, found.id));
        }
        Ok(estates)
    }

    async fn remove(&self, estate: Estate, why: &'static str) -> Result<usize, SandboxError> {
        let mut removed = 0;
        // Containers first: a folder is in use until then.
        for (_, container) in estate.containers {
            tracing::warn!(container.id = %container, why, "reaping a container");
            self.docker.remove(&container).await?;
            metrics::counter!("iteratione_reaped_total", "what" => "container").increment(1);
            removed += 1;
        }
        for (_, folder) in estate.folders {
            tracing::warn!(folder = %folder.display(), why, "reaping a folder");
            remove_folder(folder).await?;
            metrics::counter!("iteratione_reaped_total", "what" => "folder").increment(1);
            removed += 1;
        }
        Ok(removed)
    }
}
