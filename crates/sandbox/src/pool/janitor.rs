//! The only one who destroys containers.
//!
//! Whoever holds a jail holds a [`Tenancy`]; when that ends, by whatever way, the janitor is told and does the work: a
//! dropped future cannot wait for Docker. Its queue is not bounded, because dropping must never wait; it is as long as
//! there are jails, and those are bounded by `max_containers`.
//!
//! Tasks: one (`run`), which removes up to [`AT_ONCE`] containers at the same time.

use std::{path::PathBuf, time::Duration};

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{SandboxError, docker::Docker, labels::Identity, workspace::remove_folder};

const AT_ONCE: usize = 4;
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What is known of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Container {
    /// Docker was not asked for one yet.
    None,
    /// Docker was asked and did not answer: it may exist.
    Unknown,
    /// It exists.
    Known(String),
}

/// A jail to be destroyed.
#[derive(Debug)]
pub(crate) struct Doomed {
    jail: Uuid,
    container: Container,
    folder: PathBuf,
    done: Option<oneshot::Sender<()>>,
}

/// The right to a jail's container and folder; its end is theirs.
#[derive(Debug)]
pub(crate) struct Tenancy {
    jail: Uuid,
    doomed: Option<Doomed>,
    janitor: mpsc::UnboundedSender<Doomed>,
}

/// How the janitor is told.
#[derive(Debug, Clone)]
pub(crate) struct Janitor(mpsc::UnboundedSender<Doomed>);

impl Janitor {
    /// The janitor's ear and his own end of it.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Doomed>) {
        let (tell, told) = mpsc::unbounded_channel();
        (Self(tell), told)
    }

    /// A tenancy before anything exists.
    pub(crate) fn tenancy(&self, jail: Uuid, folder: PathBuf) -> Tenancy {
        let doomed = Doomed { jail, container: Container::None, folder, done: None };
        Tenancy { jail, doomed: Some(doomed), janitor: self.0.clone() }
    }
}

impl Tenancy {
    /// The jail's own id.
    pub(crate) fn id(&self) -> Uuid {
        self.jail
    }

    /// To be called before Docker is asked for a container.
    pub(crate) fn creating(&mut self) {
        self.set(Container::Unknown);
    }

    /// To be called when it has answered.
    pub(crate) fn created(&mut self, container: &str) {
        self.set(Container::Known(container.to_owned()));
    }

    fn set(&mut self, container: Container) {
        if let Some(doomed) = &mut self.doomed {
            doomed.container = container;
        }
    }

    /// Ends it and waits until container and folder are gone, or the janitor has given up.
    pub(crate) async fn end_and_wait(mut self) {
        let (done, waiting) = oneshot::channel();
        if let Some(mut doomed) = self.doomed.take() {
            doomed.done = Some(done);
            if self.janitor.send(doomed).is_ok() {
                // An error means that the janitor has ended, after which nothing is removed any more.
                let _ = waiting.await;
            }
        }
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        if let Some(doomed) = self.doomed.take() {
            // The janitor outlives the pool; if he is gone too, the next reaper finds what is left by its labels.
            let _ = self.janitor.send(doomed);
        }
    }
}

/// Destroys what he is told of, until nobody can tell him anything any more. `gone` is called for each.
pub(crate) async fn run(
    told: mpsc::UnboundedReceiver<Doomed>,
    docker: Docker,
    identity: Identity,
    gone: impl Fn(Uuid) + Send + Sync,
) {
    let (docker, identity, gone) = (&docker, &identity, &gone);
    futures_util::stream::unfold(told, |mut told| async { told.recv().await.map(|doomed| (doomed, told)) })
        .for_each_concurrent(AT_ONCE, |doomed| async move {
            let mut pause = FIRST_PAUSE;
            for attempt in 1..=TRIES {
                match destroy(docker, identity, &doomed).await {
                    Ok(()) => break,
                    // The reaper, which knows which jails live, goes on trying.
                    Err(error) if attempt == TRIES => {
                        tracing::error!(%error, jail.id = %doomed.jail, "a jail cannot be removed; left to the reaper");
                    }
                    Err(error) => {
                        tracing::warn!(%error, jail.id = %doomed.jail, attempt, "removing a jail failed");
                        tokio::time::sleep(pause).await;
                        pause *= 3;
                    }
                }
            }
            gone(doomed.jail);
            if let Some(done) = doomed.done {
                let _ = done.send(());
            }
        })
        .await;
}

async fn destroy(docker: &Docker, identity: &Identity, doomed: &Doomed) -> Result<(), SandboxError> {
    match &doomed.container {
        Container::None => {}
        Container::Known(id) => docker.remove(id).await?,
        Container::Unknown => {
            for found in docker.list(&identity.of_jail(doomed.jail)).await? {
                docker.remove(&found.id).await?;
            }
        }
    }
    remove_folder(doomed.folder.clone()).await
}
