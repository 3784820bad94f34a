//! What `/readyz` of a grader goes by.

use std::time::Duration;

use iteratione_common::{
    lifecycle::Lifecycle,
    store::{self, PgPool},
};
use iteratione_sandbox::fitness::Observation;
pub use iteratione_serving::health::check;
use iteratione_serving::health::{self as private, Report};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

/// A probe that takes longer counts as failed.
const DEADLINE: Duration = Duration::from_secs(3);

/// What `/readyz` goes by: each part is `Ok`, or says why not.
#[derive(Debug, Clone)]
pub struct Health {
    /// Whether jails can be made.
    pub sandbox: watch::Sender<Result<(), String>>,
    /// Whether the database knows this grader: it answers, and its schema is there.
    pub registered: watch::Sender<Result<(), String>>,
    /// What the machine is like; nothing in it makes the grader less ready.
    pub fitness: watch::Sender<Vec<Observation>>,
}

impl Default for Health {
    fn default() -> Self {
        let starting = || watch::Sender::new(Err("starting".to_owned()));
        Self { sandbox: starting(), registered: starting(), fitness: watch::Sender::default() }
    }
}

/// Serves until the service's hard stop: it answers while the service drains.
pub fn serve(
    listener: TcpListener,
    health: Health,
    pg: PgPool,
    metrics: Option<PrometheusHandle>,
    lifecycle: &Lifecycle,
) {
    let soft = lifecycle.soft.clone();
    private::serve(listener, metrics, lifecycle, move || report(health.clone(), pg.clone(), soft.clone()));
}

async fn report(health: Health, pg: PgPool, soft: CancellationToken) -> Report {
    let database = match tokio::time::timeout(DEADLINE, store::ping(&pg)).await {
        Ok(Ok(())) => health.registered.borrow().clone(),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("does not answer".to_owned()),
    };
    let sandbox = health.sandbox.borrow().clone();
    let stopping = if soft.is_cancelled() { Err("stopping".to_owned()) } else { Ok(()) };
    let ready = database.is_ok() && sandbox.is_ok() && stopping.is_ok();
    let say = |part: Result<(), String>| part.err().unwrap_or_else(|| "ok".to_owned());
    let body = json!({
        "ready": ready,
        "database": say(database),
        "sandbox": say(sandbox),
        "lifecycle": say(stopping),
        "fitness": *health.fitness.borrow(),
    });
    Report { ready, body }
}
