//! `GET /submissions/{submission}/events`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{KeepAlive, Sse},
    },
};
use iteratione_common::ids::SubmissionId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    access::SubmissionViewer,
    error::ApiError,
    extract::Params,
    live::{self, Seen, Sources},
    problem::Problem,
    state::AppState,
};

/// A quiet stream says that it lives this often: proxies cut what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When to come back with too many streams open: one has to end first.
const FULL: Duration = Duration::from_secs(5);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ResumeQuery {
    /// As the header `Last-Event-ID`, for clients that cannot set it.
    last_event_id: Option<String>,
}

/// An event of the stream.
#[derive(utoipa::ToSchema)]
#[schema(as = SubmissionEvent)]
#[allow(dead_code, reason = "only named in the OpenAPI document")]
pub(crate) struct EventView {
    /// What it tells.
    event: EventName,
    /// For `Last-Event-ID`.
    id: String,
    /// JSON: of `snapshot` and `done` a `SubmissionView`, of the others a `StatusEvent`, `CompileEvent` or `TestEvent`.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// What an event of the stream tells.
#[derive(utoipa::ToSchema)]
#[schema(as = SubmissionEventName, rename_all = "snake_case")]
#[allow(dead_code, reason = "only named in the OpenAPI document")]
enum EventName {
    /// The result so far.
    Snapshot,
    /// It is queued, or a grader has it.
    Status,
    /// It was compiled.
    Compile,
    /// A test has ended.
    Test,
    /// The result; nothing comes after it.
    Done,
}

/// Follow a submission.
///
/// Server-sent events: `snapshot` (a result so far, as `GET /submissions/{submission}`), `status`, `compile`, `test`
/// and at last `done` (the result); then the stream ends. All carry an id: with the last one as `Last-Event-ID` the
/// stream goes on where it broke off, without another snapshot. Who comes back after `done` gets 204, which tells an
/// `EventSource` to stop. When `grading_attempt` grows, the grading was begun again and earlier events are void.
#[utoipa::path(
    get, path = "/submissions/{submission}/events", tag = "submissions",
    params(("submission" = SubmissionId, Path), ResumeQuery, ("Last-Event-ID" = Option<String>, Header)),
    responses(
        (status = 200, body = EventView, content_type = "text/event-stream", description = "Events, one after the other"),
        (status = 204, description = "The client has seen the end"),
        (status = 404, body = Problem),
        (status = 429, body = Problem, description = "`too_many_followers`: the account holds too many streams open"),
    )
)]
pub(super) async fn follow(
    who: SubmissionViewer,
    Params(query): Params<ResumeQuery>,
    headers: HeaderMap,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let header = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).filter(|id| !id.is_empty());
    let seen = Seen::parse(header.or(query.last_event_id.as_deref()));
    let place = state
        .followers
        .enter(who.user, state.config.api.limits.followers_per_account)
        .ok_or(ApiError::TooMany { code: "too_many_followers", retry_after: FULL })?;
    let cut = who.cut(&state.pg).await?;
    let id = who.submission.id;
    let sources = Sources { pg: state.pg, events: state.events, soft: state.lifecycle.soft, place };
    let Some(events) = live::follow(sources, id, cut, seen).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let sse = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive"));
    // Proxies of the nginx family would hold events back otherwise.
    Ok(([(BUFFERING, HeaderValue::from_static("no"))], sse).into_response())
}
