//! Webhooks and their outbox. Messages are written in the transaction that records a grade, and sent by the API.

mod outbox;

use super::{PgExecutor, Time};
use crate::ids::{CourseId, UserId, WebhookId};

pub use outbox::{
    Attempted, DeliveryRow, DeliveryState, Due, Settled, claim, deliveries, graded, message, redeliver, settle, sweep,
};

/// What a webhook can be told of.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[sqlx(type_name = "webhook_event")]
pub enum WebhookEvent {
    /// A student's submission got its grade.
    #[serde(rename = "submission.graded")]
    #[sqlx(rename = "submission.graded")]
    SubmissionGraded,
    /// Somebody tries the webhook.
    #[serde(rename = "ping")]
    #[sqlx(rename = "ping")]
    Ping,
}

impl WebhookEvent {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SubmissionGraded => "submission.graded",
            Self::Ping => "ping",
        }
    }
}

/// A webhook, without its secret.
#[derive(Debug, Clone)]
pub struct WebhookRow {
    /// Id.
    pub webhook_id: WebhookId,
    /// Of which course.
    pub course_id: CourseId,
    /// Where messages go.
    pub url: String,
    /// Of what it is told.
    pub events: Vec<WebhookEvent>,
    /// Whether it is told.
    pub active: bool,
    /// Why the judge has switched it off.
    pub disabled_reason: Option<String>,
    /// Since when no delivery has succeeded.
    pub failing_since: Option<Time>,
    /// When it was made.
    pub created_at: Time,
}

/// A webhook that is not there yet.
#[derive(Debug, Clone, Copy)]
pub struct NewWebhook<'a> {
    /// Id.
    pub id: WebhookId,
    /// Of which course.
    pub course: CourseId,
    /// Where messages go.
    pub url: &'a str,
    /// What signs them.
    pub secret: &'a [u8],
    /// Of what it is told.
    pub events: &'a [WebhookEvent],
    /// Whether it is told.
    pub active: bool,
    /// Who makes it.
    pub created_by: UserId,
}

/// Adds a webhook.
pub async fn insert(db: impl PgExecutor<'_>, new: &NewWebhook<'_>) -> sqlx::Result<WebhookRow> {
    sqlx::query_as!(
        WebhookRow,
        r#"insert into webhook (webhook_id, course_id, url, secret, events, active, created_by)
           values ($1, $2, $3, $4, $5, $6, $7)
           returning webhook_id, course_id, url, events as "events: Vec<WebhookEvent>", active, disabled_reason,
                     failing_since, created_at"#,
        new.id as WebhookId,
        new.course as CourseId,
        new.url,
        new.secret,
        new.events as &[WebhookEvent],
        new.active,
        new.created_by as UserId
    )
    .fetch_one(db)
    .await
}

/// A webhook of the course.
pub async fn get(db: impl PgExecutor<'_>, course: CourseId, id: WebhookId) -> sqlx::Result<Option<WebhookRow>> {
    sqlx::query_as!(
        WebhookRow,
        r#"select webhook_id, course_id, url, events as "events: Vec<WebhookEvent>", active, disabled_reason,
                  failing_since, created_at
           from webhook where course_id = $1 and webhook_id = $2"#,
        course as CourseId,
        id as WebhookId
    )
    .fetch_optional(db)
    .await
}

/// The course's webhooks, newest first, from before `after` on.
pub async fn page(
    db: impl PgExecutor<'_>,
    course: CourseId,
    after: Option<WebhookId>,
    limit: i64,
) -> sqlx::Result<Vec<WebhookRow>> {
    sqlx::query_as!(
        WebhookRow,
        r#"select webhook_id, course_id, url, events as "events: Vec<WebhookEvent>", active, disabled_reason,
                  failing_since, created_at
           from webhook where course_id = $1 and ($2::uuid is null or webhook_id < $2)
           order by webhook_id desc limit $3"#,
        course as CourseId,
        after as Option<WebhookId>,
        limit
    )
    .fetch_all(db)
    .await
}

/// How many webhooks the course has.
pub async fn count(db: impl PgExecutor<'_>, course: CourseId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "n!" from webhook where course_id = $1"#, course as CourseId)
        .fetch_one(db)
        .await
}

/// What changes in a webhook; `None` leaves it as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    /// Where messages go.
    pub url: Option<&'a str>,
    /// Of what it is told.
    pub events: Option<&'a [WebhookEvent]>,
    /// Whether it is told; switching it on forgives its failures.
    pub active: Option<bool>,
    /// What signs messages.
    pub secret: Option<&'a [u8]>,
}

/// Changes a webhook.
pub async fn update(db: impl PgExecutor<'_>, id: WebhookId, change: Change<'_>) -> sqlx::Result<WebhookRow> {
    sqlx::query_as!(
        WebhookRow,
        r#"update webhook
              set url = coalesce($2, url), events = coalesce($3, events), active = coalesce($4, active),
                  secret = coalesce($5, secret),
                  disabled_reason = case when $4 then null else disabled_reason end,
                  failing_since = case when $4 then null else failing_since end
            where webhook_id = $1
           returning webhook_id, course_id, url, events as "events: Vec<WebhookEvent>", active, disabled_reason,
                     failing_since, created_at"#,
        id as WebhookId,
        change.url,
        change.events as Option<&[WebhookEvent]>,
        change.active,
        change.secret
    )
    .fetch_one(db)
    .await
}

/// Removes a webhook of the course, and what waits for it; whether there was one.
pub async fn delete(db: impl PgExecutor<'_>, course: CourseId, id: WebhookId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from webhook where course_id = $1 and webhook_id = $2",
        course as CourseId,
        id as WebhookId
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
