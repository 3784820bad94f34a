//! The warm pool: started jails per language, each used once.
//!
//! Tasks: one that fills ([`Pool::fill`]) and, for each container being started, one more ([`starts`]). What is done
//! when, [`state`] decides. Destruction is the [`janitor`]'s.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use iteratione_common::language::{Language, Languages};
use tokio::sync::{Notify, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    Jail, Resources, SandboxConfig, SandboxError,
    config::mib,
    docker::Docker,
    jail::Ceilings,
    labels::{Identity, Kind},
    workspace::Workspace,
};

mod demand;
pub(crate) mod janitor;
mod measures;
mod starts;
mod state;
pub(crate) mod terms;

use janitor::Janitor;
use state::State;
use terms::{Bounds, Shelf, Step, Turn, Waits};

/// A warm jail has this long to say that it is alive.
const PING: Duration = Duration::from_secs(1);
/// Nothing is started for this long after a jail was taken, unless somebody waits.
const CALM: Duration = Duration::from_millis(50);
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
    /// `sha256:…` of each language's image when it was last looked at.
    images: Mutex<BTreeMap<String, String>>,
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
        let shelf =
            |l: &Language| Shelf { language: l.id.clone(), floor: config.floor(&l.id), most: config.ceiling(&l.id) };
        let shelves: Vec<Shelf> = languages.iter().map(|l| shelf(l)).collect();
        let bounds = Bounds {
            places: config.max_containers,
            starts: config.start_concurrency,
            memory_mb: config.pool_memory_mb,
            ready_mb: config.idle_jail_mb,
            apart_mb: config.compiler_jail_mb,
            refill_share: config.refill_share,
            calm: CALM,
        };
        Self {
            state: Mutex::new(State::new(shelves, bounds)),
            images: Mutex::new(BTreeMap::new()),
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
        if !self.compiles_elsewhere(language) {
            return self.compile_resources(language);
        }
        self.program_resources(language)
    }

    /// What a program of a language gets by default, within the operator's ceilings.
    pub(crate) fn program_resources(&self, language: &Language) -> Resources {
        let defaults = self.config.default_resources();
        // The harness is one of them.
        let processes = defaults.processes.saturating_add(language.run_limits.processes_extra).saturating_add(1);
        Resources { processes: processes.min(self.config.max_processes), ..defaults }
    }

    /// Whether a language's sources are compiled in a jail of their own, see [`Pool::start_apart`].
    fn compiles_elsewhere(&self, language: &Language) -> bool {
        self.config.compilers > 0 && language.warm.is_some()
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
        let began = Instant::now();
        let waiting = loop {
            let (ready, waiting) = oneshot::channel();
            let turn = {
                let mut state = self.state();
                if self.stop.is_cancelled() {
                    return Err(SandboxError::Stopping);
                }
                state.take_or_wait(language, ready, Instant::now())
            };
            match turn {
                Turn::Wait => break waiting,
                Turn::Unknown => return Err(no_such_language(language)),
                Turn::Now(mut jail) => {
                    self.changed.notify_one();
                    if jail.is_alive(PING).await {
                        measures::hit(language);
                        return Ok(jail);
                    }
                    tracing::warn!(container.id = jail.container_id(), language, "a warm jail had died");
                }
            }
        };
        self.changed.notify_one();
        let answer = match tokio::time::timeout(Duration::from_millis(self.config.room_ms), waiting).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(SandboxError::Stopping),
            Err(_) => Err(SandboxError::Timeout("waiting for a free jail")),
        };
        measures::miss(language, began.elapsed(), answer.is_ok());
        answer
    }

    /// A started jail that is on no shelf: it counts and is removed as the others, but nobody else gets it. It is
    /// started when nobody waits for a jail of the shelves, and at most a quarter of all places is given away so.
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
            if !state.ask_apart(Apart { language: language.id.clone(), resources, kind, answer }) {
                let why = "there is no room for a jail apart (see max_containers and pool_memory_mb in [sandbox])";
                return Err(SandboxError::Ceiling(why.to_owned()));
            }
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
            let step = self.state().next(Instant::now());
            match step {
                Step::Start(start) => {
                    self.tasks.spawn(Arc::clone(self).start(start));
                }
                Step::StartApart(asked, jail) => {
                    self.tasks.spawn(Arc::clone(self).serve_apart(asked, jail));
                }
                Step::Evict(jail) => {
                    tracing::debug!(container.id = jail.container_id(), "a warm jail makes room");
                    measures::given_up("evicted", 1);
                    drop(jail);
                }
                Step::Shrink(jail) => {
                    tracing::debug!(container.id = jail.container_id(), "a warm jail is not wanted any more");
                    measures::given_up("unwanted", 1);
                    drop(jail);
                }
                Step::Rest(wake) => return wake,
            }
        }
    }

    /// Ready jails of an image that is not the language's any more are replaced.
    async fn discard_outdated(&self) {
        for language in self.languages.iter() {
            // Docker's trouble shows where jails are started; here it only means that nothing is known.
            let Ok(image) = self.docker.image(&language.image).await else { continue };
            self.images().insert(language.id.clone(), image.id.clone());
            let outdated = self.state().discard(&language.id, |j| j.image() != image.id);
            if !outdated.is_empty() {
                measures::given_up("outdated", outdated.len());
                tracing::info!(
                    language = language.id,
                    jails = outdated.len(),
                    "the image has changed: warm jails are replaced"
                );
            }
        }
    }

    /// Whether a jail is of an image that is not its language's any more, as far as is known: images are looked at
    /// whenever a jail is started, and every ten seconds. Jails of the shelves are replaced by the pool itself.
    pub(crate) fn is_outdated(&self, language: &str, jail: &Jail) -> bool {
        self.images().get(language).is_some_and(|image| image != jail.image())
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
        self.state().levels().find(|l| l.language == language).map_or(0, |l| l.ready)
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

    fn report(&self) {
        let state = self.state();
        measures::report(state.levels(), state.live(), state.in_use(), state.memory_mb());
    }

    fn images(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State<Jail, Waiter, Apart>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_such_language(id: &str) -> SandboxError {
    SandboxError::ImageUnfit { image: id.to_owned(), reason: "there is no such language".to_owned() }
}
