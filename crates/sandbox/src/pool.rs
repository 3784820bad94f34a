//! The warm pool: started jails per language, each used once.
//!
//! Tasks: one that fills ([`Pool::fill`]) and, for each container being started, one more, so that nobody's dropped
//! future takes a half-made container with it. Destruction is the [`janitor`]'s.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use iteratione_common::language::{Language, Languages};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    Jail, Resources, SandboxConfig, SandboxError,
    config::mib,
    docker::{
        Docker,
        host_config::{ContainerSpec, path_of},
    },
    jail::{Ceilings, Parts},
    labels::{Identity, Kind},
    protocol::SOURCE_DIR,
    workspace::Workspace,
};

pub(crate) mod janitor;
pub(crate) mod state;

use janitor::{Janitor, Tenancy};
use state::{State, Step, Turn, Waits};

/// A warm jail has this long to say that it is alive.
const PING: Duration = Duration::from_secs(1);
/// How often images are looked at when nothing else happens.
const LOOK: Duration = Duration::from_secs(10);

type Waiter = oneshot::Sender<Result<Jail, SandboxError>>;

/// A jail that is to be started for its asker alone.
#[derive(Debug)]
struct Apart {
    language: String,
    resources: Resources,
    kind: Kind,
    answer: Waiter,
}

impl Waits for Apart {
    fn gave_up(&self) -> bool {
        self.answer.is_closed()
    }
}

impl Waits for Waiter {
    fn gave_up(&self) -> bool {
        self.is_closed()
    }
}

/// Everything that jails are made from, and those that are ready.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) config: SandboxConfig,
    pub(crate) docker: Docker,
    pub(crate) workspace: Workspace,
    pub(crate) identity: Identity,
    pub(crate) languages: Languages,
    pub(crate) janitor: Janitor,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    state: Mutex<State<Jail, Waiter, Apart>>,
    changed: Notify,
    gate: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(
        config: SandboxConfig,
        docker: Docker,
        workspace: Workspace,
        identity: Identity,
        languages: Languages,
        janitor: Janitor,
    ) -> Self {
        let floors: Vec<_> = languages.iter().map(|l| (l.id.clone(), config.floor(&l.id))).collect();
        Self {
            state: Mutex::new(State::new(floors, config.max_containers)),
            gate: Arc::new(Semaphore::new(config.start_concurrency)),
            changed: Notify::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            config,
            docker,
            workspace,
            identity,
            languages,
            janitor,
        }
    }

    /// What a jail of the shelves is started with: what a program gets by default if compiling is done elsewhere,
    /// otherwise what the compiler may use, since compiling comes first.
    pub(crate) fn start_resources(&self, language: &Language) -> Resources {
        if !compiles_elsewhere(language) {
            return self.compile_resources(language);
        }
        let defaults = self.config.default_resources();
        // The harness is one of them.
        let processes = defaults.processes.saturating_add(language.run_limits.processes_extra).saturating_add(1);
        Resources { processes: processes.min(self.config.max_processes), ..defaults }
    }

    /// What a language's compiler may use, within the operator's ceilings.
    pub(crate) fn compile_resources(&self, language: &Language) -> Resources {
        let most = self.ceilings().resources;
        Resources {
            memory_bytes: mib(language.compile_limits.memory_mb).min(most.memory_bytes),
            cpus: self.config.cpus,
            processes: language.compile_limits.processes.min(most.processes),
        }
    }

    pub(crate) fn ceilings(&self) -> Ceilings {
        let config = &self.config;
        Ceilings {
            resources: Resources {
                memory_bytes: mib(config.max_memory_mb),
                cpus: config.max_cpus,
                processes: config.max_processes,
            },
            open_files: config.open_files,
            file_bytes: mib(config.file_mb),
            answer_grace: Duration::from_millis(config.answer_grace_ms),
        }
    }

    /// A ready jail, or the next one that is.
    pub(crate) async fn take(&self, language: &str) -> Result<Jail, SandboxError> {
        let waiting = loop {
            let (ready, waiting) = oneshot::channel();
            let turn = {
                let mut state = self.state();
                if self.stop.is_cancelled() {
                    return Err(SandboxError::Stopping);
                }
                state.take_or_wait(language, ready)
            };
            match turn {
                Turn::Wait => break waiting,
                Turn::Unknown => return Err(no_such_language(language)),
                Turn::Now(mut jail) => {
                    self.changed.notify_one();
                    if jail.is_alive(PING).await {
                        count_take(language, "hit");
                        return Ok(jail);
                    }
                    tracing::warn!(container.id = jail.container_id(), language, "a warm jail had died");
                }
            }
        };
        count_take(language, "miss");
        self.changed.notify_one();
        match tokio::time::timeout(Duration::from_millis(self.config.room_ms), waiting).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SandboxError::Stopping),
            Err(_) => Err(SandboxError::Timeout("waiting for a free jail")),
        }
    }

    /// A started jail that is on no shelf: it counts and is removed as the others, but nobody else gets it. It is
    /// started when nobody waits for a jail of the shelves, and at most a quarter of all places is given away so.
    #[allow(dead_code, reason = "the resident compilers' way in")]
    pub(crate) async fn start_apart(
        self: &Arc<Self>,
        language: &Language,
        resources: Resources,
        kind: Kind,
    ) -> Result<Jail, SandboxError> {
        self.ceilings().allow(resources)?;
        let (answer, waiting) = oneshot::channel();
        {
            let mut state = self.state();
            if self.stop.is_cancelled() {
                return Err(SandboxError::Stopping);
            }
            state.ask_apart(Apart { language: language.id.clone(), resources, kind, answer });
        }
        self.changed.notify_one();
        match tokio::time::timeout(Duration::from_millis(self.config.room_ms), waiting).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SandboxError::Stopping),
            Err(_) => Err(SandboxError::Timeout("waiting for room for a jail apart")),
        }
    }

    /// Keeps the shelves filled and serves who waits, until `stop`. When `soft` comes, nothing is kept ready any more.
    pub(crate) async fn fill(self: Arc<Self>, soft: CancellationToken) {
        let mut looked = Instant::now();
        loop {
            if soft.is_cancelled() {
                self.state().stop_filling();
            }
            let wake = self.step_all();
            self.report();
            let tick = looked + LOOK;
            let wake = wake.map_or(tick, |w| w.min(tick));
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = soft.cancelled(), if !soft.is_cancelled() => {}
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                self.discard_outdated().await;
            }
        }
    }

    /// Takes every step that can be taken now; then when to look again.
    fn step_all(self: &Arc<Self>) -> Option<Instant> {
        loop {
            // Without a permit nothing is decided: a start that ends will say so.
            let permit = Arc::clone(&self.gate).try_acquire_owned().ok()?;
            let step = self.state().next(Instant::now());
            match step {
                Step::Start(language, jail) => {
                    self.tasks.spawn(Arc::clone(self).start(language, jail, permit));
                }
                Step::StartApart(asked, jail) => {
                    self.tasks.spawn(Arc::clone(self).serve_apart(asked, jail, permit));
                }
                Step::Evict(jail) => {
                    tracing::debug!(container.id = jail.container_id(), "a warm jail makes room for another language");
                    drop(jail);
                }
                Step::Rest(wake) => return wake,
            }
        }
    }

    async fn start(self: Arc<Self>, language: String, jail: Uuid, permit: OwnedSemaphorePermit) {
        let began = Instant::now();
        let resources = self.languages.get(&language).map(|l| self.start_resources(l));
        let outcome = match resources {
            Some(resources) => self.bring_up_or_stop(&language, resources, Kind::Jail, jail).await,
            None => Err(no_such_language(&language)),
        };
        drop(permit);
        match outcome {
            Ok(jail) => {
                let seconds = began.elapsed().as_secs_f64();
                metrics::histogram!("iteratione_jail_start_seconds", "language" => language.clone()).record(seconds);
                self.deliver(&language, jail);
            }
            Err(error) => self.tell_failure(&language, &error),
        }
        self.changed.notify_one();
    }

    async fn serve_apart(self: Arc<Self>, asked: Apart, jail: Uuid, permit: OwnedSemaphorePermit) {
        let Apart { language, resources, kind, answer } = asked;
        let outcome = self.bring_up_or_stop(&language, resources, kind, jail).await;
        drop(permit);
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

    /// Gives a new jail to who waits longest, or shelves it. Older ones of another image go.
    fn deliver(&self, language: &str, jail: Jail) {
        let mut state = self.state();
        let image = jail.image().to_owned();
        let outdated = state.discard(language, |j| j.image() != image);
        let mut next = state.started(language, jail);
        while let Some((jail, who)) = next {
            next = match who.send(Ok(jail)) {
                Err(Ok(jail)) => state.offer(language, jail),
                _ => None,
            };
        }
        drop(state);
        drop(outdated);
    }

    fn tell_failure(&self, language: &str, error: &SandboxError) {
        let for_good =
            matches!(error, SandboxError::ImageMissing(_) | SandboxError::ImageUnfit { .. } | SandboxError::Stopping);
        if !matches!(error, SandboxError::Stopping) {
            tracing::error!(%error, language, "a jail could not be started");
        }
        let told = self.state().failed(language, Instant::now(), for_good);
        for who in told {
            let _ = who.send(Err(error.clone()));
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
            limits: self.ceilings(),
            path: path_of(&image).to_owned(),
            image: image.id,
            tenancy,
        };
        let mut jail = Jail::new(parts, attached);
        jail.greet(Duration::from_millis(self.config.hello_ms)).await?;
        Ok(jail)
    }

    /// Ready jails of an image that is not the language's any more are replaced.
    async fn discard_outdated(&self) {
        for language in self.languages.iter() {
            // Docker's trouble shows where jails are started; here it only means that nothing is known.
            let Ok(image) = self.docker.image(&language.image).await else { continue };
            let outdated = self.state().discard(&language.id, |j| j.image() != image.id);
            if !outdated.is_empty() {
                tracing::info!(
                    language = language.id,
                    jails = outdated.len(),
                    "the image has changed: warm jails are replaced"
                );
            }
        }
    }

    /// The janitor has removed a jail.
    pub(crate) fn gone(&self, jail: Uuid) {
        self.state().gone(jail);
        self.changed.notify_one();
    }

    /// Whether a jail is one of ours that counts.
    pub(crate) fn is_live(&self, jail: Uuid) -> bool {
        self.state().is_live(jail)
    }

    /// Ready jails of a language.
    pub(crate) fn level(&self, language: &str) -> usize {
        self.state().levels().find(|(l, _)| *l == language).map_or(0, |(_, n)| n)
    }

    /// Jails in all.
    pub(crate) fn live(&self) -> usize {
        self.state().live()
    }

    /// Empties the shelves and sends away who waits. To be called until [`Pool::live`] is 0: a start may just end.
    pub(crate) fn close(&self) {
        let (ready, waiting, apart) = self.state().close();
        for who in waiting.into_iter().chain(apart.into_iter().map(|a| a.answer)) {
            let _ = who.send(Err(SandboxError::Stopping));
        }
        drop(ready);
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge of a few containers")]
    fn report(&self) {
        let state = self.state();
        for (language, level) in state.levels() {
            metrics::gauge!("iteratione_pool_level", "language" => language.to_owned()).set(level as f64);
        }
        metrics::gauge!("iteratione_live_containers").set(state.live() as f64);
    }

    fn state(&self) -> MutexGuard<'_, State<Jail, Waiter, Apart>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a language's sources are compiled in a jail of their own, see [`Pool::start_apart`].
fn compiles_elsewhere(_language: &Language) -> bool {
    false
}

fn no_such_language(id: &str) -> SandboxError {
    SandboxError::ImageUnfit { image: id.to_owned(), reason: "there is no such language".to_owned() }
}

fn count_take(language: &str, outcome: &'static str) {
    metrics::counter!("iteratione_pool_takes_total", "language" => language.to_owned(), "outcome" => outcome)
        .increment(1);
}
