//! `GET /livez`, `GET /readyz`: for orchestrators, outside `/api/v1`.

use std::time::Duration;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use iteratione_common::store;
use serde::{Deserialize, Serialize};

use crate::state::AppState;

const DEADLINE: Duration = Duration::from_secs(2);

/// What this service needs, and how it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Readiness {
    /// `ready`; `degraded` without Redis: submissions are accepted, live events and grading wait; `unready`;
    /// `stopping`.
    pub status: String,
    /// `ok` or `away`.
    pub postgres: String,
    /// `ok` or `away`.
    pub redis: String,
}

/// Both endpoints.
pub fn routes() -> Router<AppState> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz))
}

/// The process answers; nothing else is looked at.
async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let (postgres, redis) = tokio::join!(
        async { tokio::time::timeout(DEADLINE, store::ping(&state.pg)).await.is_ok_and(|r| r.is_ok()) },
        async { tokio::time::timeout(DEADLINE, state.queue.ping()).await.is_ok_and(|r| r.is_ok()) },
    );
    let (code, status) = match (state.lifecycle.soft.is_cancelled(), postgres, redis) {
        (true, ..) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (_, false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unready"),
        (_, true, false) => (StatusCode::OK, "degraded"),
        (_, true, true) => (StatusCode::OK, "ready"),
    };
    let word = |up| if up { "ok" } else { "away" }.to_owned();
    (code, Json(Readiness { status: status.to_owned(), postgres: word(postgres), redis: word(redis) }))
}
