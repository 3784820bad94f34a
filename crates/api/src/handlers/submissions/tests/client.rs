//! A client of server-sent events, with a deadline on every wait.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, StatusCode, header},
};
use futures_util::StreamExt as _;
use iteratione_common::ids::SubmissionId;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{
    testing::{TestUser, request},
    world::World,
};

const DEADLINE: Duration = Duration::from_secs(20);

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub(super) event: String,
    pub(super) id: String,
    pub(super) data: Value,
    pub(super) retry: Option<u64>,
}

/// An open stream.
pub(super) struct Client {
    pub(super) status: StatusCode,
    body: BodyDataStream,
    text: String,
}

impl Client {
    pub(super) async fn open(world: &World, user: &TestUser, id: SubmissionId, last: Option<&str>) -> Self {
        let mut request = request(Method::GET, &format!("/submissions/{id}/events"))
            .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
            // As browsers do; a compressor would hold events back.
            .header(header::ACCEPT_ENCODING, "gzip, br");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let (router, _) = crate::app::router(world.app.state.clone()).expect("router");
        let response = tokio::time::timeout(DEADLINE, router.oneshot(request.body(Body::empty()).expect("request")))
            .await
            .expect("the head comes in time")
            .expect("the router never fails");
        if response.status() == StatusCode::OK {
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            assert_eq!(response.headers().get("content-encoding"), None);
        }
        Self { status: response.status(), body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<Seen> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let seen = parse(block);
                self.text = rest.to_owned();
                match seen {
                    Some(seen) => return Some(seen),
                    None => continue,
                }
            }
            let chunk = self.chunk().await?;
            self.text.push_str(&chunk);
        }
    }

    /// The next bytes, whatever they are.
    pub(super) async fn chunk(&mut self) -> Option<String> {
        let chunk = tokio::time::timeout(DEADLINE, self.body.next()).await.expect("something comes in time")?;
        Some(String::from_utf8(chunk.expect("body").to_vec()).expect("UTF-8"))
    }

    /// The next event, which must have this name.
    #[track_caller]
    pub(super) fn expect(&mut self, event: &str) -> impl Future<Output = Seen> {
        let at = std::panic::Location::caller();
        async move {
            let seen = self.next().await.unwrap_or_else(|| panic!("{at}: the stream ended instead of {event}"));
            assert_eq!(seen.event, event, "{at}: {seen:?}");
            seen
        }
    }

    /// All events to the end of the stream.
    pub(super) async fn rest(&mut self) -> Vec<Seen> {
        let mut all = Vec::new();
        while let Some(seen) = self.next().await {
            all.push(seen);
        }
        all
    }
}

/// `None` for a bare comment.
fn parse(block: &str) -> Option<Seen> {
    let mut seen = Seen { event: String::new(), id: String::new(), data: Value::Null, retry: None };
    let mut data = String::new();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut seen.event),
            "id" => value.clone_into(&mut seen.id),
            "data" => data.push_str(value),
            "retry" => seen.retry = value.parse().ok(),
            _ => {}
        }
    }
    if !data.is_empty() {
        seen.data = serde_json::from_str(&data).expect("JSON");
    }
    (!seen.event.is_empty() || seen.retry.is_some()).then_some(seen)
}
