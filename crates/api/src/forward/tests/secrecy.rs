//! Tickets stand in addresses: no log may have one.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use iteratione_common::store::{AccountRole, PgPool};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tracing::level_filters::LevelFilter;

use super::{Judge, listener, taken, upgrade, within};
use crate::testing::TestApp;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn whatever_happens_to_a_ticket_no_line_of_the_log_has_it(pg: PgPool) {
    // With one subscriber alone, a line that another test's thread comes by first would be off for good.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let log = Log::default();
    let writer = log.clone();
    // Of this thread, which all tasks of the test are on.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_span_list(true)
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let app = TestApp::new(pg.clone());
    let ada = app.account("ada", AccountRole::Student).await;
    let made = app.post(&ada, "/run-tickets", &serde_json::json!({})).await.expect(201);
    let ticket = made["ticket"].as_str().expect("ticket").to_owned();
    let path = made["url"].as_str().expect("path").to_owned();

    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg.clone(), &[("ITERATIONE_API__LIMITS__TERMINALS", "1")]).await;
    let once = upgrade(&path).replace("keep-alive, Upgrade", "close, Upgrade");
    // Refused by the runner, …
    let (_, ()) = tokio::join!(judge.talk(&once), async {
        let (mut stream, head) = taken(&runner).await;
        assert!(head.contains(&ticket), "the runner alone is told");
        stream.write_all(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n").await.expect("sends");
    });
    // … no upgrade, another site's, another path, …
    judge.talk(&once.replace("WebSocket", "h2c")).await;
    judge.talk(&once.replace("cookie:", "origin: https://evil.test\r\ncookie:")).await;
    judge.talk(&once.replace("/ws/run", "/api/v1/nope")).await;
    judge.talk(&once.replacen("GET", "POST", 1)).await;
    // … a terminal, and one too many, …
    let mut browser = judge.connect().await;
    browser.write_all(upgrade(&path).as_bytes()).await.expect("asks");
    let (mut at_runner, _) = taken(&runner).await;
    at_runner.write_all(super::AGREED.as_bytes()).await.expect("agrees");
    super::head_of(&mut browser).await;
    judge.talk(&once).await;
    browser.write_all(b"typed in secret").await.expect("sends");
    drop(browser);
    let mut typed = String::new();
    within("the end", at_runner.read_to_string(&mut typed)).await.expect("reads");
    drop(at_runner);
    judge.until_open(0).await;
    // … and a runner that is away.
    drop(runner);
    judge.talk(&once).await;

    let text = String::from_utf8(log.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).expect("text");
    for secret in [ticket.as_str(), "ticket=", "typed in secret", "of-the-browser", "itr_of_the_browser"] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
    // And it was a log of all that.
    let answered: Vec<u64> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["span"]["http.route"] == "/ws/{*rest}")
        .filter_map(|line| line["fields"]["http.status"].as_u64())
        .collect();
    assert_eq!(answered, [401, 426, 403, 405, 101, 503, 503], "{text}");
    assert!(text.contains("terminal closed"), "{text}");
}
