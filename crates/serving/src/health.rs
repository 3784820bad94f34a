//! `/livez`, `/readyz` and `/metrics`, on a port that is not for the public.
//!
//! Tasks: the server and the upkeep of the metrics. Both end with the hard stop: they answer while the service drains.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use iteratione_common::lifecycle::Lifecycle;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The longest that [`check`] waits: twice what a report may take.
const DEADLINE: Duration = Duration::from_secs(6);
/// A status line and a line of JSON.
const LONGEST_ANSWER: u64 = 64 * 1024;
/// Histograms grow until somebody reads or drains them.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What `/readyz` says.
#[derive(Debug, Clone)]
pub struct Report {
    /// Whether the service can do its work: 200, else 503.
    pub ready: bool,
    /// Why (not), for people.
    pub body: Value,
}

/// Serves until the service's hard stop. `report` is asked for each `/readyz` and has its own deadlines, of 3 s at most.
pub fn serve<F, R>(listener: TcpListener, metrics: Option<PrometheusHandle>, lifecycle: &Lifecycle, report: F)
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Report> + Send + 'static,
{
    let metrics = metrics.map(Arc::new);
    if let Some(metrics) = metrics.clone() {
        let hard = lifecycle.hard.clone();
        lifecycle.spawn(async move {
            while hard.run_until_cancelled(tokio::time::sleep(UPKEEP_EVERY)).await.is_some() {
                metrics.run_upkeep();
            }
        });
    }
    let readyz = move || {
        let report = report();
        async move { answer(report.await) }
    };
    let render = move || {
        let text = metrics.as_ref().map(|metrics| metrics.render()).ok_or(StatusCode::NOT_FOUND);
        async move { text }
    };
    let router = Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render));
    let hard = lifecycle.hard.clone();
    lifecycle.spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(hard.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(%error, "health and metrics are not served any more");
        }
    });
}

fn answer(report: Report) -> Response {
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report.body)).into_response()
}

/// Asks a service that runs on this machine whether it is ready: for a container's health check, which has no curl.
/// Fails unless `/readyz` there says 200.
pub async fn check(listen: SocketAddr) -> anyhow::Result<()> {
    let address = reachable(listen);
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET /readyz HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
        anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(DEADLINE, ask)
        .await
        .context("no answer in time")?
        .with_context(|| format!("nobody answers at {address}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    ensure!(head.lines().next().is_some_and(|line| line.contains(" 200 ")), "not ready: {}", body.trim());
    Ok(())
}

/// A service that listens everywhere is asked on the loopback.
fn reachable(mut listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(a) if a.ip().is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        SocketAddr::V6(a) if a.ip().is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    listen
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_service_is_as_ready_as_it_reports_and_silent_after_the_hard_stop() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let lifecycle = Lifecycle::new();
        let soft = lifecycle.soft.clone();
        serve(listener, None, &lifecycle, move || {
            let ready = !soft.is_cancelled();
            async move { Report { ready, body: json!({ "lifecycle": if ready { "ok" } else { "stopping" } }) } }
        });
        check(address).await.expect("ready");
        lifecycle.soft.cancel();
        assert!(check(address).await.expect_err("stops").to_string().contains("stopping"));
        lifecycle.hard.cancel();
        assert!(lifecycle.finished(Duration::from_secs(60)).await);
        assert!(check(address).await.expect_err("gone").to_string().contains("nobody answers"));
    }

    #[test]
    fn who_listens_everywhere_is_reached_on_the_loopback() {
        for (listen, reached) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.7:1", "10.0.0.7:1"), ("[::1]:2", "[::1]:2")]
        {
            assert_eq!(reachable(listen.parse().expect("address")).to_string(), reached);
        }
    }
}
