//! `POST /run-tickets`

use axum::{Json, extract::State, http::StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{auth::CurrentUser, error::ApiError, extract::Body, state::AppState};

/// Long enough to open a socket over a bad line, too short to be worth stealing.
const LIFETIME: SignedDuration = SignedDuration::from_secs(30);

/// A ticket to be made: nothing needs to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(try_from = "Map<String, Value>")]
pub struct RunTicketRequest {}

/// By hand, because serde would take an empty list for a struct without fields.
impl TryFrom<Map<String, Value>> for RunTicketRequest {
    type Error = String;

    fn try_from(fields: Map<String, Value>) -> Result<Self, String> {
        fields.keys().next().map_or(Ok(Self {}), |name| Err(format!("unknown field `{name}`, there are no fields")))
    }
}

/// Leave to open one terminal, once.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunTicket {
    /// What the runner checks. A secret: whoever has it can open a terminal in the account's name.
    ticket: String,
    /// Where to open the WebSocket: a path on this origin.
    #[schema(example = "/ws/run?ticket=…")]
    url: String,
    /// After this it is worth nothing.
    expires_at: Timestamp,
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Get a ticket for a terminal. It is good for one WebSocket and for 30 seconds: get one for each socket, also to
/// resume a run. Every answer is another ticket, so there is no `Idempotency-Key`. Who asks too often gets 429.
#[utoipa::path(post, path = "/run-tickets", tag = "terminals", request_body = RunTicketRequest,
    responses((status = 201, body = RunTicket)))]
#[tracing::instrument(name = "api.run_ticket.create", skip_all, fields(user.id = %user.id, ticket.id))]
async fn create(
    State(state): State<AppState>,
    user: CurrentUser,
    Body(RunTicketRequest {}): Body<RunTicketRequest>,
) -> Result<(StatusCode, Json<RunTicket>), ApiError> {
    // Dropped at once: it is spent.
    drop(state.limits.run_ticket.take(user.id).await?);
    let (ticket, text) = state.tickets.issue(user.id, state.clock.now() + LIFETIME);
    // The id alone is no leave: the log may have it.
    tracing::Span::current().record("ticket.id", tracing::field::display(ticket.id));
    let url = format!("/ws/run?ticket={text}");
    Ok((StatusCode::CREATED, Json(RunTicket { ticket: text, url, expires_at: ticket.expires_at })))
}

#[cfg(test)]
mod tests;
