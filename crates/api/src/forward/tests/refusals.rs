//! What is no terminal.

use iteratione_common::{ids::UserId, store::PgPool};
use jiff::ToSpan as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Judge, listener, taken, upgrade, within};

/// Wants the answer as plain text, and the connection's end after it.
fn once(request: &str) -> String {
    request.replace("keep-alive, Upgrade", "close, Upgrade").replace("accept-encoding: gzip, br\r\n", "")
}

/// Status, head in lower case, body.
fn parts(answer: &str) -> (u16, String, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, head.to_ascii_lowercase(), body)
}

#[track_caller]
fn problem(answer: &str, status: u16, code: &str) -> String {
    let (said, head, body) = parts(answer);
    assert_eq!(said, status, "{answer}");
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(body["code"], code);
    head
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_asks_for_no_websocket_is_told_to(pg: PgPool) {
    let (_runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    let good = once(&upgrade("/ws/run?ticket=t"));
    for (what, request) in [
        ("plain", "GET /ws/run HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned()),
        ("another protocol", good.replace("WebSocket", "h2c")),
        ("no key", good.replace("sec-websocket-key", "x-key")),
        ("not by Connection", good.replace(", Upgrade", "")),
        ("an old HTTP", good.replace("HTTP/1.1", "HTTP/1.0")),
    ] {
        let head = problem(&judge.talk(&request).await, 426, "upgrade_required");
        assert!(head.contains("\r\nupgrade: websocket"), "{what}: {head}");
    }
    problem(&judge.talk(&good.replacen("GET", "POST", 1)).await, 405, "method_not_allowed");
    problem(&judge.talk(&good.replace("/ws/run", "/ws/")).await, 404, "no_such_route");
    let (status, ..) = parts(&judge.talk(&good.replacen("GET", "HEAD", 1)).await);
    assert_eq!(status, 426);
    let foreign = good.replace("cookie:", "origin: https://evil.test\r\ncookie:");
    problem(&judge.talk(&foreign).await, 403, "cross_site_request");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_runner_that_is_away_or_silent_or_talks_no_http_is_503_and_soon_again(pg: PgPool) {
    // Port 9 of the loopback: nobody listens there.
    let nobody = "127.0.0.1:9".parse().expect("address");
    let judge = Judge::before(nobody, pg.clone(), &[]).await;
    let head = problem(&judge.talk(&once(&upgrade("/ws/run"))).await, 503, "unavailable");
    assert!(head.contains("\r\nretry-after: 2"), "{head}");

    let (runner, address) = listener().await;
    let hasty = Judge::before(address, pg.clone(), &[("ITERATIONE_API__RUNNER_TIMEOUT_MS", "300")]).await;
    let request = once(&upgrade("/ws/run"));
    let (answer, ()) = tokio::join!(hasty.talk(&request), async {
        let (mut silent, _) = within("the API at the runner", runner.accept()).await.expect("accepts");
        let mut question = Vec::new();
        within("the API to give up", silent.read_to_end(&mut question)).await.expect("reads");
    });
    problem(&answer, 503, "unavailable");
    assert_eq!(hasty.state.tunnels.open(), 0);

    let judge = Judge::before(address, pg, &[]).await;
    let (answer, ()) = tokio::join!(judge.talk(&request), async {
        let (mut stream, _) = taken(&runner).await;
        stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n").await.expect("sends");
    });
    problem(&answer, 503, "unavailable");
    assert_eq!(judge.state.tunnels.open(), 0);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn what_the_runner_refuses_is_passed_on_as_it_is(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    let refused = async |answer: &[u8]| {
        let request = once(&upgrade("/ws/nope"));
        let (answer, head) = tokio::join!(judge.talk(&request), async {
            let (mut stream, head) = taken(&runner).await;
            // The API may have had enough before the end.
            let _ = stream.write_all(answer).await;
            let _ = within("the API's end", stream.read(&mut [0; 8])).await;
            head
        });
        assert!(head.starts_with("GET /ws/nope HTTP/1.1\r\n"), "{head}");
        answer
    };
    let answer = refused(
        b"HTTP/1.1 426 Upgrade Required\r\nsec-websocket-version: 13\r\nretry-after: 7\r\nkeep-alive: timeout=5\r\n\
          transfer-encoding: chunked\r\ncontent-type: text/plain\r\n\r\n6\r\nplease\r\n0\r\n\r\n",
    )
    .await;
    let (status, head, body) = parts(&answer);
    assert_eq!((status, body), (426, "please"));
    for header in ["sec-websocket-version: 13", "retry-after: 7", "content-type: text/plain", "content-length: 6"] {
        assert!(head.contains(&format!("\r\n{header}")), "{head}");
    }
    assert!(!head.contains("keep-alive:") && !head.contains("transfer-encoding"), "{head}");

    let mut endless = b"HTTP/1.1 500 No\r\n\r\n".to_vec();
    endless.resize(1 << 20, b'x');
    problem(&refused(&endless).await, 503, "unavailable");
    assert_eq!(judge.state.tunnels.open(), 0);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn there_are_only_so_many_terminals_and_one_that_ends_makes_room(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[("ITERATIONE_API__LIMITS__TERMINALS", "2")]).await;
    let first = judge.join(&runner).await;
    let _second = judge.join(&runner).await;
    let head = problem(&judge.talk(&once(&upgrade("/ws/run"))).await, 503, "unavailable");
    assert!(head.contains("\r\nretry-after: 10"), "{head}");
    drop(first);
    judge.until_open(1).await;
    judge.join(&runner).await;
    // That one's ends were dropped at once.
    judge.until_open(1).await;
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn one_account_has_only_so_many_of_them_and_others_have_theirs(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[("ITERATIONE_API__LIMITS__TERMINALS_PER_ACCOUNT", "1")]).await;
    let path = |account| {
        let (_, ticket) = judge.state.tickets.issue(account, judge.state.clock.now() + 10.minutes());
        format!("/ws/run?ticket={ticket}")
    };
    let (ada, bob) = (UserId::new(), UserId::new());
    let first = judge.join_at(&path(ada), &runner).await;
    let head = problem(&judge.talk(&once(&upgrade(&path(ada)))).await, 429, "too_many_terminals");
    assert!(head.contains("\r\nretry-after: 10"), "{head}");
    let _of_bob = judge.join_at(&path(bob), &runner).await;
    let _of_nobody = judge.join(&runner).await;
    drop(first);
    judge.until_open(2).await;
    judge.join_at(&path(ada), &runner).await;
}
