//! `/livez`, `/readyz` and `/metrics`, on a port that is not for the public.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use iteratione_common::{
    lifecycle::Lifecycle,
    store::{self, PgPool},
};
use iteratione_sandbox::fitness::Observation;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};
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

#[derive(Clone)]
struct Served {
    health: Health,
    pg: PgPool,
    soft: CancellationToken,
    metrics: Option<Arc<PrometheusHandle>>,
}

/// Serves until the service's hard stop: it answers while the service drains.
pub fn serve(
    listener: TcpListener,
    health: Health,
    pg: PgPool,
    metrics: Option<PrometheusHandle>,
    lifecycle: &Lifecycle,
) {
    let served = Served { health, pg, soft: lifecycle.soft.clone(), metrics: metrics.map(Arc::new) };
    if let Some(metrics) = served.metrics.clone() {
        let hard = lifecycle.hard.clone();
        lifecycle.spawn(async move {
            // Histograms grow until somebody reads or drains them.
            while hard.run_until_cancelled(tokio::time::sleep(Duration::from_secs(5))).await.is_some() {
                metrics.run_upkeep();
            }
        });
    }
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(served);
    let hard = lifecycle.hard.clone();
    lifecycle.spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(hard.clone().cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(%error, "health and metrics are not served any more");
        }
    });
}

async fn readyz(State(served): State<Served>) -> impl IntoResponse {
    let database = match tokio::time::timeout(DEADLINE, store::ping(&served.pg)).await {
        Ok(Ok(())) => served.health.registered.borrow().clone(),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("does not answer".to_owned()),
    };
    let sandbox = served.health.sandbox.borrow().clone();
    let stopping = if served.soft.is_cancelled() { Err("stopping".to_owned()) } else { Ok(()) };
    let ready = database.is_ok() && sandbox.is_ok() && stopping.is_ok();
    let say = |part: Result<(), String>| part.err().unwrap_or_else(|| "ok".to_owned());
    let body = json!({
        "ready": ready,
        "database": say(database),
        "sandbox": say(sandbox),
        "lifecycle": say(stopping),
        "fitness": *served.health.fitness.borrow(),
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

async fn render(State(served): State<Served>) -> impl IntoResponse {
    served.metrics.map(|metrics| metrics.render()).ok_or(StatusCode::NOT_FOUND)
}

/// Asks a grader that runs on this machine whether it is ready.
pub async fn check(listen: SocketAddr) -> anyhow::Result<()> {
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).await?;
        anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(DEADLINE * 2, ask)
        .await
        .context("no answer in time")?
        .with_context(|| format!("nobody answers at {address}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    ensure!(head.lines().next().is_some_and(|line| line.contains(" 200 ")), "not ready: {}", body.trim());
    Ok(())
}
