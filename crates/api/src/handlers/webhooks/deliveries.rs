//! `GET …/webhooks/{webhook}/deliveries`, `POST …/deliveries/{delivery}/redeliver`, `POST …/webhooks/{webhook}/ping`

use axum::{Json, extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    ids::{DeliveryId, WebhookId},
    store::{
        Time,
        webhook::{self, DeliveryRow, DeliveryState, WebhookEvent},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::CourseWebhook;
use crate::{
    error::ApiError,
    extract::{Begun, IdempotencyKey, List, Page, PathOf},
    problem::Problem,
    state::AppState,
};

/// A message and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Id.
    id: DeliveryId,
    /// The `webhook-id` that it is sent with.
    message: String,
    /// Of what it tells.
    event: WebhookEvent,
    /// What is sent.
    payload: Value,
    /// Where it is.
    state: DeliveryState,
    /// How often it was tried.
    attempts: i32,
    /// While pending: when it is tried next.
    next_attempt_at: Option<Timestamp>,
    /// HTTP status of the last answer.
    status: Option<i16>,
    /// Why the last attempt failed.
    error: Option<String>,
    /// The first 1024 bytes of the last answer.
    response: Option<String>,
    /// When it was written.
    created_at: Timestamp,
    /// When it was taken or given up.
    ended_at: Option<Timestamp>,
}

impl From<DeliveryRow> for DeliveryView {
    fn from(row: DeliveryRow) -> Self {
        let pending = row.state == DeliveryState::Pending;
        Self {
            id: row.delivery_id,
            message: format!("msg_{}", row.message_id.simple()),
            event: row.event,
            payload: serde_json::from_str(&row.payload).unwrap_or(Value::Null),
            state: row.state,
            attempts: row.attempt,
            next_attempt_at: pending.then(|| row.next_attempt_at.to_jiff()),
            status: row.status,
            error: row.error,
            response: row.response,
            created_at: row.created_at.to_jiff(),
            ended_at: row.ended_at.map(Time::to_jiff),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct DeliveryPath {
    delivery: DeliveryId,
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(redeliver)).routes(routes!(ping))
}

/// What a webhook was told, newest first; kept for 30 days. For instructors.
#[utoipa::path(get, path = "/courses/{course}/webhooks/{webhook}/deliveries", tag = "webhooks",
    params(("course" = String, Path, description = "Id or slug"), ("webhook" = WebhookId, Path), Page),
    responses((status = 200, body = List<DeliveryView>), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    found: CourseWebhook,
    page: Page,
) -> Result<Json<List<DeliveryView>>, ApiError> {
    let rows = webhook::deliveries(&state.pg, found.webhook.webhook_id, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.delivery_id, DeliveryView::from)))
}

/// Send a message once more that was taken or given up: a new delivery under the same `webhook-id`.
#[utoipa::path(post, path = "/courses/{course}/webhooks/{webhook}/deliveries/{delivery}/redeliver", tag = "webhooks",
    params(("course" = String, Path, description = "Id or slug"), ("webhook" = WebhookId, Path),
        ("delivery" = DeliveryId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    responses((status = 202, body = DeliveryView), (status = 403, body = Problem),
        (status = 404, body = Problem, description = "There is no such message, or it is still being tried"),
        (status = 409, body = Problem, description = "`webhook_inactive`")))]
#[tracing::instrument(name = "api.webhook.redeliver", skip_all, fields(webhook.id = %found.webhook.webhook_id))]
async fn redeliver(
    State(state): State<AppState>,
    found: CourseWebhook,
    PathOf(DeliveryPath { delivery }): PathOf<DeliveryPath>,
    key: IdempotencyKey,
) -> Result<Response, ApiError> {
    require_active(&found)?;
    let mut work = match key.begin(&state.pg, found.user, b"").await? {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let row = webhook::redeliver(&mut **work.tx(), found.webhook.webhook_id, delivery).await?;
    let view = DeliveryView::from(row.ok_or(ApiError::NotFound("ended delivery"))?);
    work.commit(StatusCode::ACCEPTED, None, &view).await
}

/// Try a webhook: a message of type `ping` is sent to it. What became of it stands among its deliveries.
#[utoipa::path(post, path = "/courses/{course}/webhooks/{webhook}/ping", tag = "webhooks",
    params(("course" = String, Path, description = "Id or slug"), ("webhook" = WebhookId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    responses((status = 202, body = DeliveryView), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`webhook_inactive`")))]
#[tracing::instrument(name = "api.webhook.ping", skip_all, fields(webhook.id = %found.webhook.webhook_id))]
async fn ping(State(state): State<AppState>, found: CourseWebhook, key: IdempotencyKey) -> Result<Response, ApiError> {
    require_active(&found)?;
    let mut work = match key.begin(&state.pg, found.user, b"").await? {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let data = json!({"course": found.course, "webhook": found.webhook.webhook_id});
    let now = state.clock.now().into();
    let row = webhook::message(&mut **work.tx(), found.webhook.webhook_id, WebhookEvent::Ping, now, &data).await?;
    work.commit(StatusCode::ACCEPTED, None, &DeliveryView::from(row)).await
}

fn require_active(found: &CourseWebhook) -> Result<(), ApiError> {
    if found.webhook.active {
        return Ok(());
    }
    Err(ApiError::conflict("webhook_inactive", "The webhook is switched off: set `active` first."))
}
