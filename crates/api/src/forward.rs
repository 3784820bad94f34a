//! `GET /ws/…`: terminals, forwarded to a runner, so that a browser needs one origin and one port.
//!
//! The runner decides everything: of a ticket only the account is read here, to find its runner, and of frames nothing. After the runner's 101 both sockets are spliced
//! byte by byte. A proxy before this service may as well send `/ws` to the runner itself; the paths are the same there.
//!
//! What is under way in between is bounded: [`tunnel`] keeps one piece in each direction, and the kernel is told to keep
//! little, so a browser that does not read makes the runner's writes wait.
//!
//! Tasks: for each terminal the HTTP conversation with the runner, which ends with the runner's answer, and the tunnel,
//! which ends when both sides have ended, when one is broken or stuck, or with the hard stop.

mod address;
mod places;
mod runner;
mod tunnel;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version, header},
    response::Response,
    routing::get,
};
use hyper::upgrade::OnUpgrade;
use iteratione_common::ids::UserId;
use iteratione_serving::Place;
use tracing::Instrument as _;

pub use self::{
    address::{RunnerUrl, RunnerUrls},
    places::Tunnels,
};
use self::{
    places::{Full, Tunnel},
    runner::Answer,
    tunnel::{Patience, Side},
};
use crate::{auth::origin, error::ApiError, extract::peer, request_id, state::AppState};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What the runner is told of the browser's request. Not among them: its cookie and its token, which are not for the
/// runner.
const PASSED: [HeaderName; 6] = [
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::ORIGIN,
    header::USER_AGENT,
];

/// What the browser is told of the runner's consent.
const AGREED: [HeaderName; 3] =
    [header::SEC_WEBSOCKET_ACCEPT, header::SEC_WEBSOCKET_PROTOCOL, header::SEC_WEBSOCKET_EXTENSIONS];

/// When to come back if the runner is away: about as long as it takes to restart.
const RUNNER_AWAY: Duration = Duration::from_secs(2);
/// When to come back if there are too many terminals.
const FULL: Duration = Duration::from_secs(10);

/// All paths of the runner.
pub fn routes() -> Router<AppState> {
    Router::new().route("/ws/{*rest}", get(forward))
}

async fn forward(State(state): State<AppState>, mut request: Request) -> Result<Response, ApiError> {
    let browser = asks_for_websocket(&mut request).ok_or(ApiError::UpgradeRequired)?;
    let config = &state.config.api;
    // A ticket is leave enough, and another site's page cannot get one: this is the second lock.
    if !origin::from_here(request.headers(), request.uri().authority(), &config.public_url) {
        return Err(ApiError::CrossSite);
    }
    if state.lifecycle.soft.is_cancelled() {
        return Err(ApiError::Unavailable { retry_after: RUNNER_AWAY, cause: None });
    }
    let account = account(&state, request.uri());
    let tunnel = state.tunnels.begin(account).map_err(|full| match full {
        Full::OfOne => ApiError::TooMany { code: "too_many_terminals", retry_after: FULL },
        Full::OfAll => {
            let cause = anyhow::anyhow!("{} terminals are open (api.limits.terminals)", config.limits.terminals);
            ApiError::Unavailable { retry_after: FULL, cause: Some(cause) }
        }
    })?;
    let deadline = Duration::from_millis(config.runner_timeout_ms);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let runners = config.runner_url.of(account);
    let asked = runner::ask(&runners, deadline, path, told(&request, &state), &state.lifecycle);
    let answer = tokio::time::timeout(deadline, asked)
        .await
        .unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {deadline:?}")))
        .map_err(|e| ApiError::Unavailable { retry_after: RUNNER_AWAY, cause: Some(e.context("runner")) })?;
    match answer {
        Answer::Refused(response) => Ok(response),
        Answer::Agreed { headers, runner } => {
            let place = request.extensions().get::<Place>().cloned();
            splice(&state, browser, runner, (tunnel, place));
            Ok(agreement(&headers))
        }
    }
}

/// Where the browser's end of the connection will be had; `None` if the request is no WebSocket's.
fn asks_for_websocket(request: &mut Request) -> Option<OnUpgrade> {
    let names = |name: HeaderName, wanted: &str| {
        let values = request.headers().get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|token| token.trim().eq_ignore_ascii_case(wanted))
    };
    let asks = request.version() == Version::HTTP_11
        && request.method() == axum::http::Method::GET
        && names(header::CONNECTION, "upgrade")
        && names(header::UPGRADE, "websocket")
        && request.headers().contains_key(header::SEC_WEBSOCKET_KEY);
    if asks { request.extensions_mut().remove::<OnUpgrade>() } else { None }
}

/// Whose ticket it is. What is none, or too old, the runner will refuse: so that the refusal is the same everywhere.
fn account(state: &AppState, uri: &Uri) -> Option<UserId> {
    let ticket = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("ticket="))?;
    Some(state.tickets.verify(ticket, state.clock.now()).ok()?.account)
}

/// The headers of our request to the runner.
fn told(request: &Request, state: &AppState) -> HeaderMap {
    let from = request.headers();
    let mut headers = HeaderMap::new();
    for name in PASSED {
        for value in from.get_all(&name) {
            headers.append(name.clone(), value.clone());
        }
    }
    let config = &state.config.api;
    let client = peer::address(request.extensions(), from, config.trusted_proxies);
    // What a proxy of ours said; else what we know.
    let said = from.get(FORWARDED_PROTO).filter(|_| config.trusted_proxies > 0).cloned();
    let known = if config.public_url.starts_with("https://") { "https" } else { "http" };
    headers.insert(FORWARDED_PROTO, said.unwrap_or(HeaderValue::from_static(known)));
    let others = [
        (FORWARDED_FOR, HeaderValue::from_str(&client.to_string()).ok()),
        (request_id::HEADER, request_id::current().and_then(|id| HeaderValue::from_str(&id).ok())),
    ];
    headers.extend(others.into_iter().filter_map(|(name, value)| Some((name, value?))));
    headers
}

/// The 101 for the browser.
fn agreement(headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let to = response.headers_mut();
    to.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    to.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    for name in AGREED {
        for value in headers.get_all(&name) {
            to.append(name.clone(), value.clone());
        }
    }
    response
}

/// Joins both ends once the browser has our answer. `held` is kept until the end.
fn splice(state: &AppState, browser: OnUpgrade, runner: Side, held: (Tunnel, Option<Place>)) {
    let hard = state.lifecycle.hard.clone();
    let deadline = state.config.request_timeout();
    let span = tracing::info_span!("api.terminal", request.id = request_id::current().unwrap_or_default());
    let work = async move {
        let _held = held;
        let join = async {
            let browser = match tokio::time::timeout(deadline, browser).await {
                Ok(Ok(upgraded)) => Side::of(upgraded),
                Ok(Err(e)) => Err(e.into()),
                Err(_) => Err(anyhow::anyhow!("the browser does not take the answer")),
            };
            match browser {
                Ok(browser) => tunnel::splice(browser, runner, Patience::default()).await,
                Err(e) => tracing::debug!(error = %e, "no terminal"),
            }
        };
        if hard.run_until_cancelled(join).await.is_none() {
            tracing::debug!("terminal cut: the service ends");
        }
    };
    state.lifecycle.spawn(work.instrument(span));
}

#[cfg(test)]
mod tests;
