//! The service: everything that it is made of, from start to end.
//!
//! Tasks: those of [`Runs`], of [`Admission`], of [`health`], and one per connection and per session.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::Router;
use iteratione_common::{
    language::Languages,
    lifecycle::Lifecycle,
    runs::{Runs, Terms},
    telemetry,
};
use iteratione_sandbox::Sandbox;
use iteratione_serving::{self as serving, Bounds};
use tokio::net::TcpListener;

use crate::{
    Config, RunnerConfig, Services,
    admission::{self, Admission},
    health::{self, Health},
    registry::Registry,
    router::router,
};

/// A request's head must have come within this time.
const HEAD: Duration = Duration::from_secs(10);
/// What the kernel may hold for a client that does not read: output is to wait in the jail, where the program feels it.
const SEND_BUFFER: usize = 64 << 10;
/// After the hard stop sessions tell their clients and destroy their jails within this time.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// For what is left after sessions and jails are gone: closing sockets.
const GOODBYE: Duration = Duration::from_secs(5);
/// How often it is looked whether sessions are left.
const LOOK: Duration = Duration::from_millis(50);

/// A runner that listens, but takes nothing yet.
pub struct App {
    config: RunnerConfig,
    lifecycle: Lifecycle,
    sandbox: Sandbox,
    registry: Registry,
    router: Router,
    listener: TcpListener,
}

impl App {
    /// Starts all but the work. Redis may be down; Docker may not: a runner that cannot prove its workspace must not start.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let lifecycle = Lifecycle::new();
        // From the beginning, so that a start that is interrupted ends in order too.
        lifecycle.listen_for_signals(config.runner.drain())?;
        let key = config.ticket_key()?;
        let languages = Languages::chosen(&config.languages_dir, &config.languages)?;
        let runs = Runs::connect(&config.redis_url, &config.instance, Terms::default(), &lifecycle)?;
        let runner = config.runner;
        let listener = bind(runner.listen).await?;
        let private = bind(runner.metrics_listen).await?;
        let health = Health::default();
        let metrics = telemetry::init_metrics()?;
        health::serve(private, health.clone(), runs.clone(), Some(metrics), &lifecycle);

        let sandbox = Sandbox::start(config.sandbox(), config.instance.clone(), languages, lifecycle.clone()).await?;
        health.fitness.send_replace(sandbox.fitness().to_vec());
        health::watch_sandbox(sandbox.clone(), health, &lifecycle);

        let registry = Registry::default();
        let end_detached = {
            let registry = registry.clone();
            Box::new(move |account| registry.end_detached(account))
        };
        let probe = Box::new(admission::available);
        let admission = Admission::new(&runner, runs.clone(), end_detached, probe, &lifecycle);
        let router = router(Services {
            sandbox: sandbox.clone(),
            admission,
            runs,
            key,
            config: runner,
            lifecycle: lifecycle.clone(),
            registry: registry.clone(),
        });
        Ok(Self { config: runner, lifecycle, sandbox, registry, router, listener })
    }

    /// Serves until a signal. Then nothing new begins; running programs may go on within the drain time, then they are
    /// ended; then the jails go, and last the health endpoint.
    pub async fn run(self) -> anyhow::Result<()> {
        let Self { config, lifecycle, sandbox, registry, router, listener } = self;
        tracing::info!(listen = %listener.local_addr()?, sessions = config.sessions, "serving");
        let bounds = Bounds { connections: config.connections, head: HEAD, send_buffer: Some(SEND_BUFFER) };
        serving::serve(listener, router, bounds, &lifecycle).await;

        // Those without a socket are not among the connections.
        lifecycle.hard.run_until_cancelled(empty(&registry)).await;
        if tokio::time::timeout(LAST_WORDS, empty(&registry)).await.is_err() {
            tracing::warn!(sessions = registry.live(), "sessions did not end: their jails are destroyed under them");
        }
        sandbox.shutdown().await;
        lifecycle.hard.cancel();
        if !lifecycle.finished(GOODBYE).await {
            tracing::warn!("some tasks did not end");
        }
        tracing::info!("stopped");
        Ok(())
    }
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| format!("cannot listen at {listen}"))
}

/// Waits until there is no session.
async fn empty(registry: &Registry) {
    while registry.live() > 0 {
        tokio::time::sleep(LOOK).await;
    }
}
