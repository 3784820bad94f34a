//! What `/readyz` of a runner goes by.
//!
//! Tasks: [`watch_sandbox`], which asks Docker now and then; it ends with the soft stop.

use std::time::Duration;

use iteratione_common::{lifecycle::Lifecycle, runs::Runs};
use iteratione_sandbox::{Sandbox, fitness::Observation};
pub use iteratione_serving::health::check;
use iteratione_serving::health::{self as private, Report};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// How often the sandbox is asked whether jails can be made.
const PROBE: Duration = Duration::from_secs(5);
/// A probe that takes longer counts as failed.
const DEADLINE: Duration = Duration::from_secs(3);

/// What `/readyz` goes by: each part is `Ok`, or says why not.
#[derive(Debug, Clone)]
pub struct Health {
    /// Whether jails can be made.
    pub sandbox: watch::Sender<Result<(), String>>,
    /// What the machine is like; nothing in it makes the runner less ready.
    pub fitness: watch::Sender<Vec<Observation>>,
}

impl Default for Health {
    fn default() -> Self {
        Self { sandbox: watch::Sender::new(Err("starting".to_owned())), fitness: watch::Sender::default() }
    }
}

/// Serves until the service's hard stop: it answers while the service drains.
pub fn serve(
    listener: TcpListener,
    health: Health,
    runs: Runs,
    metrics: Option<PrometheusHandle>,
    lifecycle: &Lifecycle,
) {
    let soft = lifecycle.soft.clone();
    private::serve(listener, metrics, lifecycle, move || report(health.clone(), runs.clone(), soft.clone()));
}

/// Without Redis no session can begin, so the runner is not ready; those that run go on.
async fn report(health: Health, runs: Runs, soft: CancellationToken) -> Report {
    let redis = match tokio::time::timeout(DEADLINE, runs.ping()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err("does not answer".to_owned()),
    };
    let sandbox = health.sandbox.borrow().clone();
    let stopping = if soft.is_cancelled() { Err("stopping".to_owned()) } else { Ok(()) };
    let ready = redis.is_ok() && sandbox.is_ok() && stopping.is_ok();
    let say = |part: Result<(), String>| part.err().unwrap_or_else(|| "ok".to_owned());
    let body = json!({
        "ready": ready,
        "redis": say(redis),
        "sandbox": say(sandbox),
        "lifecycle": say(stopping),
        "fitness": *health.fitness.borrow(),
    });
    Report { ready, body }
}

/// Asks the sandbox every few seconds, at once for the first time.
pub fn watch_sandbox(sandbox: Sandbox, health: Health, lifecycle: &Lifecycle) {
    let soft = lifecycle.soft.clone();
    lifecycle.spawn(async move {
        let asking = async {
            loop {
                let now = sandbox.usable().await;
                health.sandbox.send_if_modified(|before| {
                    let changed = *before != now;
                    if changed {
                        match &now {
                            Ok(()) => tracing::info!("jails can be made"),
                            Err(why) => tracing::warn!(why, "no jail can be made"),
                        }
                        *before = now;
                    }
                    changed
                });
                tokio::time::sleep(PROBE).await;
            }
        };
        soft.run_until_cancelled(asking).await;
    });
}
