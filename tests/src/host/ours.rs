//! The containers that an installation has ever had, also those that are gone: what they leave is known by their ids.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bollard::{
    Docker,
    query_parameters::{EventsOptionsBuilder, InspectContainerOptions},
};
use futures_util::StreamExt as _;
use iteratione_sandbox::labels::DEPLOYMENT;
use tokio::task::JoinSet;

use super::{DEADLINE, id_in};
use crate::leftovers::{containers, docker};

/// Before a broken stream of events is opened again.
const PAUSE: Duration = Duration::from_millis(200);

/// What containers are known by.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// Ids, of containers and of the layers that are their roots.
    ids: BTreeSet<String>,
    /// Paths of network namespaces.
    namespaces: BTreeSet<String>,
}

impl Marks {
    /// Whether a container's id, or a path in which one or the name of a namespace is, is among them.
    pub fn know(&self, what: &str) -> bool {
        id_in(what).is_some_and(|id| self.ids.contains(&id)) || self.namespaces.contains(what)
    }

    async fn add(&mut self, docker: &Docker, id: String) {
        let inspecting = docker.inspect_container(&id, None::<InspectContainerOptions>);
        // It may be gone by now.
        if let Ok(Ok(seen)) = tokio::time::timeout(DEADLINE, inspecting).await {
            let layers = seen.graph_driver.map(|d| d.data).unwrap_or_default();
            self.ids.extend(layers.iter().filter(|(name, _)| *name != "LowerDir").filter_map(|(_, path)| id_in(path)));
            let namespace = seen.network_settings.and_then(|n| n.sandbox_key);
            self.namespaces.extend(namespace.filter(|path| !path.is_empty()));
        }
        self.ids.insert(id);
    }
}

/// Follows an installation's containers as they come.
#[derive(Debug)]
pub struct Ours {
    deployment: String,
    marks: Arc<Mutex<Marks>>,
    /// Ends with this.
    _tasks: JoinSet<()>,
}

impl Ours {
    /// From now on; those that are there already are known at once.
    pub async fn follow(deployment: &str) -> Self {
        let marks = Arc::new(Mutex::new(Marks::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(deployment.to_owned(), Arc::clone(&marks)));
        let docker = docker();
        for id in containers(deployment).await {
            learn(&docker, id, &marks).await;
        }
        Self { deployment: deployment.to_owned(), marks, _tasks: tasks }
    }

    /// Of those that it has now, running or not.
    pub async fn living(&self) -> Marks {
        let docker = docker();
        let mut marks = Marks::default();
        for id in containers(&self.deployment).await {
            marks.add(&docker, id).await;
        }
        marks
    }

    /// Of all that it has had so far.
    pub fn marks(&self) -> Marks {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn learn(docker: &Docker, id: String, marks: &Mutex<Marks>) {
    let mut one = Marks::default();
    one.add(docker, id).await;
    let mut marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
    marks.ids.extend(one.ids);
    marks.namespaces.extend(one.namespaces);
}

async fn listen(deployment: String, marks: Arc<Mutex<Marks>>) {
    // A container's namespace is there when it runs.
    let filters = HashMap::from([
        ("label", vec![format!("{DEPLOYMENT}={deployment}")]),
        ("event", vec!["create".to_owned(), "start".to_owned()]),
    ]);
    loop {
        let docker = docker();
        // Those that were before too, as many as the daemon remembers: nothing is missed between two connections.
        let mut events =
            Box::pin(docker.events(Some(EventsOptionsBuilder::default().since("1").filters(&filters).build())));
        while let Some(Ok(event)) = events.next().await {
            if let Some(id) = event.actor.and_then(|actor| actor.id) {
                learn(&docker, id, &marks).await;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{host::strays, wait::until_true};

    /// Removed whatever happens.
    struct Container(String);

    impl Drop for Container {
        fn drop(&mut self) {
            let _ = Command::new("docker").args(["rm", "--force", &self.0]).output();
        }
    }

    fn run(deployment: &str) -> Container {
        let label = format!("{DEPLOYMENT}={deployment}");
        let arguments =
            ["run", "--detach", "--network", "none", "--label", &label, "debian:trixie-slim", "sleep", "600"];
        let output = Command::new("docker").args(arguments).output().expect("the docker client runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Container(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    #[tokio::test]
    async fn what_a_container_has_on_the_host_is_seen_and_counts_only_when_no_container_accounts_for_it() {
        let deployment = format!("test-{}", uuid::Uuid::new_v4().simple());
        let mut ours = Ours::follow(&deployment).await;
        let container = run(&deployment);
        let deadline = Duration::from_secs(60);
        until_true("the container is known by its events", deadline, async || ours.marks().know(&container.0)).await;
        let of_it = async |ours: &Ours| {
            let marks = ours.marks();
            strays(ours).await.into_iter().filter(|s| s.split(' ').any(|word| marks.know(word))).collect::<Vec<_>>()
        };
        assert_eq!(of_it(&ours).await, Vec::<String>::new(), "it lives");
        // Nobody accounts for it: everything of it that is on this host is a stray.
        let its_own = std::mem::replace(&mut ours.deployment, "nobody".to_owned());
        let seen = of_it(&ours).await;
        assert!(seen.iter().any(|s| s.starts_with("cgroup ")), "{seen:?}");
        ours.deployment = its_own;
        drop(container);
        until_true("nothing of it is left", deadline, async || of_it(&ours).await.is_empty()).await;
    }
}
