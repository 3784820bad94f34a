//! `/livez`, `/readyz`, and the command that asks.

use std::{net::SocketAddr, time::Duration};

use iteratione_common::{lifecycle::Lifecycle, store::PgPool};
use iteratione_grader::health::{self, Health};
use tokio::net::TcpListener;

async fn said(address: SocketAddr) -> String {
    health::check(address).await.expect_err("not ready").to_string()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_grader_is_ready_when_database_and_sandbox_are_and_says_why_not(pg: PgPool) {
    let (lifecycle, health) = (Lifecycle::new(), Health::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    health::serve(listener, health.clone(), pg.clone(), None, &lifecycle);
    assert!(said(address).await.contains("starting"));
    let _ = health.registered.send_replace(Ok(()));
    let _ = health.sandbox.send_replace(Err("no Docker".to_owned()));
    assert!(said(address).await.contains("no Docker"));
    let _ = health.sandbox.send_replace(Ok(()));
    health::check(address).await.expect("ready");
    lifecycle.soft.cancel();
    assert!(said(address).await.contains("stopping"), "and it still answers");
    lifecycle.hard.cancel();
    assert!(lifecycle.finished(Duration::from_secs(5)).await);
    assert!(said(address).await.contains("nobody answers"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_a_database_a_grader_is_not_ready(pg: PgPool) {
    let (lifecycle, health) = (Lifecycle::new(), Health::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    health::serve(listener, health.clone(), pg.clone(), None, &lifecycle);
    let _ = health.registered.send_replace(Ok(()));
    let _ = health.sandbox.send_replace(Ok(()));
    health::check(address).await.expect("ready");
    pg.close().await;
    assert!(said(address).await.contains("\"database\":"));
    lifecycle.hard.cancel();
}
