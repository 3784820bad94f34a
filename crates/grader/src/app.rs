//! The service: everything that it is made of, from start to end.

use std::time::Duration;

use anyhow::Context as _;
use iteratione_common::{
    language::Languages,
    lifecycle::Lifecycle,
    queue::{Dispatcher, Queue},
    store, telemetry,
};
use iteratione_sandbox::Sandbox;
use tokio::net::TcpListener;

use crate::{
    Config,
    health::{self, Health},
    jailed::Jailed,
    worker::{Settings, Worker},
};

/// How often the worker asks the sandbox whether jails can be made.
const PROBE: Duration = Duration::from_secs(5);
/// For what is left after jobs and jails are gone: closing sockets.
const GOODBYE: Duration = Duration::from_secs(5);

/// A grader that is about to work.
pub struct App {
    config: Config,
    lifecycle: Lifecycle,
    sandbox: Sandbox,
    worker: Worker<Jailed>,
}

impl App {
    /// Starts all but the work. PostgreSQL and Redis may be down; Docker may not: a grader that cannot prove its
    /// workspace must not start.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let lifecycle = Lifecycle::new();
        let slots = config.slots(std::thread::available_parallelism().map_or(1, usize::from));
        let languages = Languages::chosen(&config.languages_dir, &config.languages)?;
        let pg = store::connect(&config.database_url, config.connections(slots)).context("database_url")?;
        let queue = Queue::connect(&config.redis_url, &config.instance)?;

        let listen = config.grader.metrics_listen;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen at {listen}"))?;
        let health = Health::default();
        let metrics = telemetry::init_metrics()?;
        health::serve(listener, health.clone(), pg.clone(), Some(metrics), &lifecycle);

        let sandbox =
            Sandbox::start(config.sandbox.clone(), config.instance.clone(), languages, lifecycle.clone()).await?;
        health.fitness.send_replace(sandbox.fitness().to_vec());
        let dispatch = Dispatcher::spawn(pg.clone(), queue.clone(), &lifecycle);
        let settings = Settings {
            host: hostname(),
            slots,
            lease: Duration::from_secs(config.grader.lease_seconds),
            max_attempts: config.grader.max_attempts,
            per_account: config.grader.per_account_live,
            retry: Duration::from_secs(config.grader.retry_seconds),
            job_deadline: Duration::from_secs(config.grader.job_seconds),
            probe: PROBE,
        };
        let grading = Jailed::new(sandbox.clone());
        let worker = Worker::new(pg, queue, dispatch, grading, settings, health, lifecycle.clone());
        Ok(Self { config, lifecycle, sandbox, worker })
    }

    /// Works until a signal. Running jobs may finish within the drain time, then they are handed back; then the jails
    /// go, and last the health endpoint.
    pub async fn run(self) -> anyhow::Result<()> {
        self.lifecycle.listen_for_signals(self.config.drain())?;
        self.worker.run().await;
        self.sandbox.shutdown().await;
        self.lifecycle.hard.cancel();
        if !self.lifecycle.finished(GOODBYE).await {
            tracing::warn!("some tasks did not end");
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// The container's or machine's name, for people.
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "?".to_owned(), |name| name.trim().to_owned())
}
