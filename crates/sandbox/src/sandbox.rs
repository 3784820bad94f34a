//! The whole: connection, languages, pool, janitor and reaper.
//!
//! Tasks, all on the sandbox's own tracker: the pool's filler and its starts, the janitor, the reaper's loop.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use iteratione_common::{
    language::{Language, Languages},
    lifecycle::Lifecycle,
};
use tokio_util::sync::DropGuard;

use crate::{
    Jail, Resources, SandboxConfig, SandboxError,
    compilers::Compilers,
    docker::Docker,
    fitness::{self, Observation},
    labels::Identity,
    pool::{
        Pool,
        janitor::{self, Janitor},
    },
    probe::prove_workspace,
    readiness,
    reaper::{self, Reaper},
    workspace::{Workspace, owner::Owner, remove_folder},
};

/// Jails of one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Arc<Pool>,
    compilers: Compilers,
    reaper: Arc<tokio::sync::Mutex<Reaper>>,
    /// Held for life.
    owner: Mutex<Option<Owner>>,
    /// Of the machine, seen at the start.
    fitness: Vec<Observation>,
    /// Ends the tasks when the last clone is gone, shut down or not.
    _stop: DropGuard,
}

impl Sandbox {
    /// Connects, proves the workspace, takes the owner lock, reaps what dead owners left, starts the pool. `instance`
    /// is the deployment's name. When `lifecycle.soft` is cancelled nothing is kept warm any more; the end itself is
    /// [`Sandbox::shutdown`].
    pub async fn start(
        config: SandboxConfig,
        instance: String,
        languages: Languages,
        lifecycle: Lifecycle,
    ) -> anyhow::Result<Self> {
        config.check()?;
        let docker = Docker::connect(&config.docker_host, config.docker_deadline()).await?;
        let engine = docker.engine().await?;
        let unfit = readiness::engine_problems(&engine, &config.runtime);
        if !unfit.is_empty() {
            bail!("this Docker daemon cannot hold jails: {}", unfit.join("; "));
        }
        let fitness = fitness::observe(Path::new("/"), &engine, &config.runtime);
        fitness::report(&fitness);
        if engine.missing_limits.contains(&"swap") {
            tracing::warn!("the kernel does not account for swap: jails may use it beyond their memory limit");
        }
        let workspace = {
            let (config, instance) = (config.clone(), instance.clone());
            tokio::task::spawn_blocking(move || {
                let for_docker = config.workspace_root_for_docker.as_deref();
                Workspace::open(&config.workspace_root, for_docker, &instance, &config.harness)
            })
            .await??
        };
        let owner = Owner::register(&workspace.owners()).context("cannot take the owner lock in the workspace")?;
        let identity = Identity::new(&instance, workspace.root(), owner.id());
        let (janitor, told) = Janitor::new();
        let pool = Arc::new(Pool::new(config, docker.clone(), workspace.clone(), identity.clone(), languages, janitor));
        let reaper = Reaper::new(docker.clone(), workspace, identity.clone());
        let reaper = Arc::new(tokio::sync::Mutex::new(reaper));
        let this = Self(Arc::new(Inner {
            reaper: Arc::clone(&reaper),
            owner: Mutex::new(Some(owner)),
            fitness,
            _stop: pool.stop.clone().drop_guard(),
            compilers: Compilers::new(Arc::clone(&pool)),
            pool: Arc::clone(&pool),
        }));

        // Weak: the janitor ends when nobody can tell him anything any more, and the pool's warm jails can.
        let weak = Arc::downgrade(&pool);
        pool.tasks.spawn(janitor::run(told, docker, identity, move |jail| {
            if let Some(pool) = weak.upgrade() {
                pool.gone(jail);
            }
        }));
        prove_workspace(&pool).await?;
        this.reap(Instant::now()).await;
        pool.tasks.spawn(Arc::clone(&pool).fill(lifecycle.soft.clone()));
        this.0.compilers.keep(&lifecycle.soft);
        pool.tasks.spawn({
            let pool = Arc::clone(&pool);
            async move {
                loop {
                    tokio::select! {
                        () = pool.stop.cancelled() => return,
                        () = tokio::time::sleep(reaper::INTERVAL) => reap(&reaper, &pool, Instant::now()).await,
                    }
                }
            }
        });
        Ok(this)
    }

    /// The languages it was started with.
    pub fn languages(&self) -> &Languages {
        &self.0.pool.languages
    }

    /// A started jail, warm if there is one, with these resources. `job` names it in logs.
    ///
    /// Warm jails are started with [`Sandbox::start_resources`]; asking for those spares a request to Docker.
    pub async fn take(&self, language: &Language, resources: Resources, job: &str) -> Result<Jail, SandboxError> {
        let pool = &self.0.pool;
        pool.ceilings().allow(resources)?;
        let began = Instant::now();
        let mut jail = pool.take(&language.id).await?;
        jail.set_resources(resources).await?;
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(job, container.id = jail.container_id(), language = language.id, duration_ms, "jail taken");
        Ok(jail)
    }

    /// What jails of a language are started with: what a program gets by default if there is a resident compiler for
    /// it, else the limits of its compile step, within the operator's ceilings.
    pub fn start_resources(&self, language: &Language) -> Resources {
        self.0.pool.start_resources(language)
    }

    /// What a program of a language gets by default, within the operator's ceilings.
    pub fn program_resources(&self, language: &Language) -> Resources {
        self.0.pool.program_resources(language)
    }

    /// The limits of a language's compile step, within the operator's ceilings.
    pub fn compile_resources(&self, language: &Language) -> Resources {
        self.0.pool.compile_resources(language)
    }

    /// What a jail gets by default, from the configuration.
    pub fn default_resources(&self) -> Resources {
        self.0.pool.config.default_resources()
    }

    /// Bytes of memory that the operator allows a jail at most.
    pub fn most_memory(&self) -> u64 {
        self.0.pool.ceilings().resources.memory_bytes
    }

    /// Resident compilers of a language that are ready right now.
    pub fn compilers(&self, language: &str) -> usize {
        self.0.compilers.ready(language)
    }

    pub(crate) fn residents(&self) -> &Compilers {
        &self.0.compilers
    }

    /// What the machine was like at the start; see [`crate::fitness`].
    pub fn fitness(&self) -> &[Observation] {
        &self.0.fitness
    }

    /// Warm jails of a language right now.
    pub fn warm(&self, language: &str) -> usize {
        self.0.pool.level(language)
    }

    /// Containers of this process right now: warm, in use, being made, being removed.
    pub fn live(&self) -> usize {
        self.0.pool.live()
    }

    /// Everything that Docker says of a jail's container, as JSON of its API.
    pub async fn inspect(&self, jail: &Jail) -> Result<serde_json::Value, SandboxError> {
        self.0.pool.docker.inspect(jail.container_id()).await
    }

    /// One pass of the reaper, as at start and each minute.
    pub async fn reap(&self, now: Instant) {
        reap(&self.0.reaper, &self.0.pool, now).await;
    }

    /// Whether jails can be made; if not, why, for people.
    pub async fn readiness(&self) -> Result<(), String> {
        let problems = readiness::problems(&self.0.pool).await;
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }

    /// Whether jails of any language can be made; if not, why, for people. Unlike [`Sandbox::readiness`] it does not
    /// mind that an image is missing.
    pub async fn usable(&self) -> Result<(), String> {
        let obstacles = readiness::obstacles(&self.0.pool).await;
        if obstacles.is_empty() { Ok(()) } else { Err(obstacles.join("; ")) }
    }

    /// Destroys the pool and waits until every container and folder of this process is gone, or the time for it is
    /// over. Jails still in use are destroyed under their users.
    pub async fn shutdown(self) {
        let pool = &self.0.pool;
        pool.stop.cancel();
        let within = Duration::from_millis(pool.config.shutdown_ms);
        let orderly = tokio::time::timeout(within / 2, async {
            loop {
                self.0.compilers.close();
                pool.close();
                if pool.live() == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        if orderly.await.is_err() {
            tracing::warn!(jails = pool.live(), "jails are still in use at the end");
        }
        let swept = tokio::time::timeout(within / 2, self.sweep()).await;
        match swept {
            Ok(Ok(())) => {
                let owner = self.0.owner.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(owner) = owner {
                    owner.retire();
                }
            }
            // The lock goes with the process, and the next reaper does the rest.
            Ok(Err(error)) => tracing::warn!(%error, "something of ours is left for the next reaper"),
            Err(_) => tracing::warn!("something of ours is left for the next reaper: Docker did not answer in time"),
        }
    }

    /// Whatever carries our owner id.
    async fn sweep(&self) -> Result<(), SandboxError> {
        let pool = &self.0.pool;
        for found in pool.docker.list(&pool.identity.of_owner()).await? {
            pool.docker.remove(&found.id).await?;
        }
        let folders = pool.workspace.jail_folders().map_err(|e| SandboxError::workspace("cannot list folders", &e))?;
        for (_, _, path) in folders.into_iter().filter(|(owner, _, _)| *owner == pool.identity.owner) {
            remove_folder(path).await?;
        }
        Ok(())
    }
}

async fn reap(reaper: &tokio::sync::Mutex<Reaper>, pool: &Pool, now: Instant) {
    match reaper.lock().await.pass(now, |jail| pool.is_live(jail)).await {
        Ok(0) => {}
        Ok(removed) => tracing::warn!(removed, "reaped what was left behind"),
        Err(error) => tracing::warn!(%error, "reaping failed; it is tried again in a minute"),
    }
}
