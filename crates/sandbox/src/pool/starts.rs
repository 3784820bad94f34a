//! How the pool's jails come to be. Each start is a task of its own, so that nobody's dropped future takes a half-made
//! container with it.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::{Apart, Pool, janitor::Tenancy, measures, no_such_language, terms::Start};
use crate::{
    Jail, Resources, SandboxError,
    docker::host_config::{ContainerSpec, path_of},
    jail::Parts,
    labels::Kind,
    protocol::SOURCE_DIR,
};

impl Pool {
    pub(super) async fn start(self: Arc<Self>, start: Start) {
        let began = Instant::now();
        let resources = self.languages.get(&start.language).map(|l| self.start_resources(l));
        let outcome = match resources {
            Some(resources) => self.bring_up_or_stop(&start.language, resources, Kind::Jail, start.jail).await,
            None => Err(no_such_language(&start.language)),
        };
        match outcome {
            Ok(jail) => self.deliver(&start, jail, began.elapsed()),
            Err(error) => self.tell_failure(&start, &error),
        }
        self.changed.notify_one();
    }

    /// Gives a new jail to who waits longest, or shelves it. Older ones of another image go.
    fn deliver(&self, start: &Start, jail: Jail, took: Duration) {
        measures::started(start, took);
        let mut state = self.state();
        let image = jail.image().to_owned();
        let outdated = state.discard(&start.language, |j| j.image() != image);
        let mut next = state.started(start, jail, Instant::now(), took);
        while let Some((jail, who)) = next {
            next = match who.send(Ok(jail)) {
                Err(Ok(jail)) => state.offer(&start.language, jail),
                _ => None,
            };
        }
        drop(state);
        measures::given_up("outdated", outdated.len());
        drop(outdated);
    }

    fn tell_failure(&self, start: &Start, error: &SandboxError) {
        let for_good =
            matches!(error, SandboxError::ImageMissing(_) | SandboxError::ImageUnfit { .. } | SandboxError::Stopping);
        if !matches!(error, SandboxError::Stopping) {
            tracing::error!(%error, language = start.language, "a jail could not be started");
        }
        let told = self.state().failed(start, Instant::now(), for_good);
        for who in told {
            let _ = who.send(Err(error.clone()));
        }
    }

    pub(super) async fn serve_apart(self: Arc<Self>, asked: Apart, jail: Uuid) {
        let began = Instant::now();
        let Apart { language, resources, kind, answer } = asked;
        let outcome = self.bring_up_or_stop(&language, resources, kind, jail).await;
        self.state().apart_ended(Instant::now(), began.elapsed());
        self.changed.notify_one();
        if let Err(error) = &outcome
            && !matches!(error, SandboxError::Stopping)
        {
            tracing::error!(%error, language, kind = kind.as_str(), "a jail could not be started");
        }
        // Who has given up meanwhile leaves the jail to its tenancy.
        let _ = answer.send(outcome);
    }

    async fn bring_up_or_stop(
        &self,
        language: &str,
        resources: Resources,
        kind: Kind,
        jail: Uuid,
    ) -> Result<Jail, SandboxError> {
        let bringing_up = AssertUnwindSafe(self.bring_up(language, resources, kind, jail)).catch_unwind();
        tokio::select! {
            () = self.stop.cancelled() => Err(SandboxError::Stopping),
            outcome = bringing_up => {
                outcome.unwrap_or_else(|_| Err(SandboxError::JailLost("starting it failed badly, see the log".to_owned())))
            }
        }
    }

    /// Image → folder → create → attach → start → hello.
    async fn bring_up(
        &self,
        language: &str,
        resources: Resources,
        kind: Kind,
        jail: Uuid,
    ) -> Result<Jail, SandboxError> {
        let folder = self.workspace.jail_folder(self.identity.owner, jail);
        // From here on, whatever happens, the janitor cleans up.
        let mut tenancy: Tenancy = self.janitor.tenancy(jail, folder.path.clone());
        let language = self.languages.get(language).ok_or_else(|| no_such_language(language))?;
        let image = self.docker.image(&language.image).await?;
        self.images().insert(language.id.clone(), image.id.clone());
        if !image.volumes.is_empty() {
            let reason = format!(
                "it declares VOLUME {}, where students could write to the host's disk",
                image.volumes.join(", ")
            );
            return Err(SandboxError::ImageUnfit { image: language.image.clone(), reason });
        }
        self.workspace.make_jail_folder(&folder)?;
        let spec = ContainerSpec {
            image: &image,
            arguments: &[],
            labels: self.identity.labels(kind, &language.id, jail),
            resources,
            cpu_period: self.config.cpu_period(),
            harness: &self.workspace.for_docker(self.workspace.harness()),
            hosts: &self.workspace.for_docker(&self.workspace.hosts()),
            folder: (&self.workspace.for_docker(&folder.src), SOURCE_DIR),
            config: &self.config,
        };
        tenancy.creating();
        let container = self.docker.create(&spec).await?;
        tenancy.created(&container);
        let attached = self.docker.attach(&container).await?;
        self.docker.start(&container).await?;
        let parts = Parts {
            docker: self.docker.clone(),
            container,
            folder,
            resources,
            cpu_period: self.config.cpu_period(),
            limits: self.ceilings(),
            path: path_of(&image).to_owned(),
            image: image.id,
            tenancy,
        };
        let mut jail = Jail::new(parts, attached);
        jail.greet(Duration::from_millis(self.config.hello_ms)).await?;
        Ok(jail)
    }
}
