//! `/courses/{course}/webhooks/…`

mod deliveries;

use axum::{
    Json,
    extract::{FromRef, FromRequestParts, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use iteratione_common::{
    ids::{CourseId, UserId, WebhookId},
    store::{
        Time,
        audit::{self, Action, Entry},
        course,
        webhook::{self, Change, NewWebhook, WebhookEvent, WebhookRow},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::{Actor, access::CourseInstructor},
    error::{ApiError, FieldProblem},
    extract::{Begun, Body, Idempotent, List, Page, PathOf},
    problem::Problem,
    state::AppState,
    webhooks::{self, Secret},
};

/// Webhooks of one course.
const MOST: i64 = 10;

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where messages go: an `https://` address of a host that is on the public Internet.
    #[schema(example = "https://grades.example.edu/hooks/judge", max_length = 2000)]
    url: String,
    /// Of what it is told; `submission.graded` unless given.
    #[serde(default = "default_events")]
    events: Vec<WebhookEvent>,
    /// Whether it is told at all.
    #[serde(default = "yes")]
    active: bool,
}

fn default_events() -> Vec<WebhookEvent> {
    vec![WebhookEvent::SubmissionGraded]
}

const fn yes() -> bool {
    true
}

/// What changes in a webhook; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Where messages go.
    #[serde(default)]
    url: Option<String>,
    /// Of what it is told.
    #[serde(default)]
    events: Option<Vec<WebhookEvent>>,
    /// Whether it is told; `true` also forgives what has failed.
    #[serde(default)]
    active: Option<bool>,
    /// Make a new secret: messages are signed with it from now on.
    #[serde(default)]
    rotate_secret: bool,
}

/// A webhook, but not its secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookView {
    /// Id.
    id: WebhookId,
    /// Where messages go.
    url: String,
    /// Of what it is told.
    events: Vec<WebhookEvent>,
    /// Whether it is told.
    active: bool,
    /// Why the judge has switched it off.
    disabled_reason: Option<String>,
    /// Since when nothing could be delivered; null if the last message could.
    failing_since: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
}

/// A webhook with its secret, if it is new.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    view: WebhookView,
    /// What messages are signed with. Shown this once: `null` when the secret is as before or the request is repeated.
    #[schema(example = "whsec_…")]
    secret: Option<String>,
}

impl From<WebhookRow> for WebhookView {
    fn from(row: WebhookRow) -> Self {
        Self {
            id: row.webhook_id,
            url: row.url,
            events: row.events,
            active: row.active,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since.map(Time::to_jiff),
            created_at: row.created_at.to_jiff(),
        }
    }
}

impl WebhookView {
    /// For the audit log: an address's path and query may hold what is secret.
    fn audited(&self) -> Value {
        let site = url::Url::parse(&self.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        json!({"site": site, "events": self.events, "active": self.active})
    }
}

/// A webhook (`{webhook}` in the path) of a course that who asks is an instructor of.
#[derive(Debug)]
pub struct CourseWebhook {
    /// The webhook.
    webhook: WebhookRow,
    /// Of which course.
    course: CourseId,
    /// Who asks.
    user: UserId,
}

#[derive(Deserialize)]
struct WebhookPath {
    webhook: WebhookId,
}

impl<S: Send + Sync> FromRequestParts<S> for CourseWebhook
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        const NONE: ApiError = ApiError::NotFound("webhook");
        let CourseInstructor(instructor) = CourseInstructor::from_request_parts(parts, state).await?;
        let PathOf(WebhookPath { webhook }) = PathOf::from_request_parts(parts, state).await.map_err(|_| NONE)?;
        let course = instructor.course.course_id;
        let webhook = webhook::get(&AppState::from_ref(state).pg, course, webhook).await?.ok_or(NONE)?;
        Ok(Self { webhook, course, user: instructor.user.id })
    }
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, change, remove)).merge(deliveries::routes())
}

/// The course's webhooks, newest first. For instructors.
#[utoipa::path(get, path = "/courses/{course}/webhooks", tag = "webhooks",
    params(("course" = String, Path, description = "Id or slug"), Page),
    responses((status = 200, body = List<WebhookView>), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    CourseInstructor(instructor): CourseInstructor,
    page: Page,
) -> Result<Json<List<WebhookView>>, ApiError> {
    let rows = webhook::page(&state.pg, instructor.course.course_id, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.webhook_id, WebhookView::from)))
}

/// Make a webhook: an address that is told of what happens in the course.
///
/// Messages are POSTs of JSON, signed in the manner of Standard Webhooks (`webhook-id`, `webhook-timestamp`,
/// `webhook-signature`). Each is sent until the receiver answers 2xx, for a day at most, and can come more than once:
/// under the same `webhook-id`. The secret is shown once.
#[utoipa::path(post, path = "/courses/{course}/webhooks", tag = "webhooks", request_body = WebhookRequest,
    params(("course" = String, Path, description = "Id or slug"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    responses((status = 201, body = WebhookWithSecret), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`too_many_webhooks`"),
        (status = 422, body = Problem, description = "The address may not be asked")))]
#[tracing::instrument(name = "api.webhook.create", skip_all, fields(course.id = %instructor.course.course_id))]
async fn create(
    State(state): State<AppState>,
    CourseInstructor(instructor): CourseInstructor,
    Actor(actor): Actor,
    request: Idempotent<WebhookRequest>,
) -> Result<Response, ApiError> {
    // Before the transaction: names may take long to resolve.
    check(&state, Some(&request.body.url), Some(&request.body.events)).await?;
    let (begun, wanted) = request.begin(&state.pg, instructor.user.id).await?;
    let mut work = match begun {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let id = instructor.course.course_id;
    course::lock(&mut **work.tx(), id).await?;
    if webhook::count(&mut **work.tx(), id).await? >= MOST {
        let detail = format!("A course has at most {MOST} webhooks: delete some.");
        return Err(ApiError::conflict("too_many_webhooks", detail));
    }
    let secret = Secret::random();
    let new = NewWebhook {
        id: WebhookId::new(),
        course: id,
        url: &wanted.url,
        secret: secret.bytes(),
        events: &unique(wanted.events),
        active: wanted.active,
        created_by: instructor.user.id,
    };
    let view = WebhookView::from(webhook::insert(&mut **work.tx(), &new).await?);
    let entry = Entry::new(Action::WebhookCreate).course(id).object(view.id.uuid()).after(view.audited());
    audit::record(work.tx(), &actor, entry).await?;
    let location = format!("/api/v1/courses/{id}/webhooks/{}", view.id);
    let shown = WebhookWithSecret { view: view.clone(), secret: Some(secret.shown()) };
    let stored = WebhookWithSecret { view, secret: None };
    work.commit_showing(StatusCode::CREATED, Some(&location), &shown, &stored).await
}

fn unique(mut events: Vec<WebhookEvent>) -> Vec<WebhookEvent> {
    events.sort();
    events.dedup();
    events
}

async fn check(state: &AppState, url: Option<&str>, events: Option<&[WebhookEvent]>) -> Result<(), ApiError> {
    let mut problems = Vec::new();
    if let Some(url) = url
        && let Err(refused) = state.outbound.check(url, &webhooks::guard(state)).await
    {
        problems.push(FieldProblem::new("/url", refused.to_string()));
    }
    if events.is_some_and(|events| events.is_empty() || events.contains(&WebhookEvent::Ping)) {
        problems.push(FieldProblem::new("/events", "must be [\"submission.graded\"]"));
    }
    ApiError::if_any(problems)
}

/// A webhook of the course. For instructors.
#[utoipa::path(get, path = "/courses/{course}/webhooks/{webhook}", tag = "webhooks",
    params(("course" = String, Path, description = "Id or slug"), ("webhook" = WebhookId, Path)),
    responses((status = 200, body = WebhookView), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn read(CourseWebhook { webhook, .. }: CourseWebhook) -> Json<WebhookView> {
    Json(webhook.into())
}

/// Change a webhook, or give it a new secret.
#[utoipa::path(patch, path = "/courses/{course}/webhooks/{webhook}", tag = "webhooks", request_body = WebhookChange,
    params(("course" = String, Path, description = "Id or slug"), ("webhook" = WebhookId, Path)),
    responses((status = 200, body = WebhookWithSecret), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem, description = "The address may not be asked")))]
#[tracing::instrument(name = "api.webhook.change", skip_all, fields(webhook.id = %found.webhook.webhook_id))]
async fn change(
    State(state): State<AppState>,
    found: CourseWebhook,
    Actor(actor): Actor,
    Body(wanted): Body<WebhookChange>,
) -> Result<Json<WebhookWithSecret>, ApiError> {
    check(&state, wanted.url.as_deref(), wanted.events.as_deref()).await?;
    let secret = wanted.rotate_secret.then(Secret::random);
    let events = wanted.events.map(unique);
    let change = Change {
        url: wanted.url.as_deref(),
        events: events.as_deref(),
        active: wanted.active,
        secret: secret.as_ref().map(Secret::bytes),
    };
    let before = WebhookView::from(found.webhook);
    let mut tx = state.pg.begin().await?;
    let view = WebhookView::from(webhook::update(&mut *tx, before.id, change).await?);
    let mut after = view.audited();
    after["new_secret"] = secret.is_some().into();
    let entry = Entry::new(Action::WebhookChange).course(found.course).object(view.id.uuid());
    audit::record(&mut tx, &actor, entry.before(before.audited()).after(after)).await?;
    tx.commit().await?;
    Ok(Json(WebhookWithSecret { view, secret: secret.map(|secret| secret.shown()) }))
}

/// Delete a webhook, and what waits for it.
#[utoipa::path(delete, path = "/courses/{course}/webhooks/{webhook}", tag = "webhooks",
    params(("course" = String, Path, description = "Id or slug"), ("webhook" = WebhookId, Path)),
    responses((status = 204, description = "Gone"), (status = 403, body = Problem), (status = 404, body = Problem)))]
#[tracing::instrument(name = "api.webhook.delete", skip_all, fields(webhook.id = %found.webhook.webhook_id))]
async fn remove(
    State(state): State<AppState>,
    found: CourseWebhook,
    Actor(actor): Actor,
) -> Result<StatusCode, ApiError> {
    let before = WebhookView::from(found.webhook);
    let mut tx = state.pg.begin().await?;
    if !webhook::delete(&mut *tx, found.course, before.id).await? {
        return Err(ApiError::NotFound("webhook"));
    }
    let entry = Entry::new(Action::WebhookDelete).course(found.course).object(before.id.uuid());
    audit::record(&mut tx, &actor, entry.before(before.audited())).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
