//! `/livez`, `/readyz`, and the command that asks.

use std::{net::SocketAddr, time::Duration};

use iteratione_common::lifecycle::Lifecycle;
use iteratione_runner::health::{self, Health};
use tokio::net::TcpListener;

use crate::support::{DEADLINE, namespace, no_redis, redis_url, runs};

async fn served(url: &str, health: &Health, lifecycle: &Lifecycle) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    health::serve(listener, health.clone(), runs(url, &namespace(), lifecycle), None, lifecycle);
    address
}

async fn said(address: SocketAddr) -> String {
    health::check(address).await.expect_err("not ready").to_string()
}

#[tokio::test]
async fn a_runner_is_ready_when_redis_and_sandbox_are_and_says_why_not() {
    let (lifecycle, health) = (Lifecycle::new(), Health::default());
    let address = served(&redis_url(), &health, &lifecycle).await;
    assert!(said(address).await.contains("starting"));
    let _ = health.sandbox.send_replace(Err("no Docker".to_owned()));
    assert!(said(address).await.contains("no Docker"));
    let _ = health.sandbox.send_replace(Ok(()));
    let ready = async {
        // Redis may be slow for a moment.
        while health::check(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(DEADLINE, ready).await.expect("ready");
    lifecycle.soft.cancel();
    assert!(said(address).await.contains("stopping"), "and it still answers");
    lifecycle.hard.cancel();
    assert!(lifecycle.finished(Duration::from_secs(60)).await);
    assert!(said(address).await.contains("nobody answers"));
}

#[tokio::test]
async fn without_redis_a_runner_is_not_ready() {
    let (lifecycle, health) = (Lifecycle::new(), Health::default());
    let _ = health.sandbox.send_replace(Ok(()));
    let address = served(&no_redis(), &health, &lifecycle).await;
    let said = said(address).await;
    assert!(said.contains("\"sandbox\":\"ok\"") && !said.contains("\"redis\":\"ok\""), "{said}");
    lifecycle.hard.cancel();
}
