//! Messages on their way.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::{PgExecutor, PgTransaction, Time},
    WebhookEvent,
};
use crate::{
    ids::{CourseId, DeliveryId, LabId, SubmissionId, UserId, WebhookId},
    verdict::Verdict,
};

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "delivery_state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will be tried, for the first time or again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up.
    Dead,
}

/// Writes a message for each webhook of the course that wants to know of this submission's grade, in the transaction
/// that records it or replaces it. Ids and numbers only: no code, no output, no name.
pub async fn graded(tx: &mut PgTransaction<'_>, submission: SubmissionId) -> sqlx::Result<()> {
    let row = sqlx::query!(
        r#"select l.course_id as "course: CourseId", s.lab_id as "lab: LabId", l.slug, r.number as revision,
                  s.account_id as "user: UserId", s.ordinal, s.language, s.verdict as "verdict!: Verdict",
                  s.score as "score!", s.max_score as "max_score!", s.late_factor, s.created_at,
                  s.finished_at as "finished_at!", s.regraded_at,
                  array(select w.webhook_id from webhook w
                         where w.course_id = l.course_id and w.active and 'submission.graded' = any(w.events)
                           for key share)
                    as "webhooks!: Vec<Uuid>"
           from submission s join lab l on l.lab_id = s.lab_id join lab_revision r on r.revision_id = s.revision_id
           where s.submission_id = $1"#,
        submission as SubmissionId
    )
    .fetch_one(&mut **tx)
    .await?;
    if row.webhooks.is_empty() {
        return Ok(());
    }
    let data = json!({
        "submission": submission, "course": row.course, "lab": row.lab, "lab_slug": row.slug,
        "revision": row.revision, "user": row.user, "attempt": row.ordinal, "language": row.language,
        "verdict": row.verdict, "score": (row.score * row.late_factor * 1e6).round() / 1e6, "raw_score": row.score,
        "max_score": row.max_score, "created_at": row.created_at.to_jiff(), "finished_at": row.finished_at.to_jiff(),
        "regraded_at": row.regraded_at.as_ref().map(|at| at.to_jiff()),
    });
    let at = row.regraded_at.as_ref().unwrap_or(&row.finished_at);
    let payload = payload(WebhookEvent::SubmissionGraded, at, &data);
    let deliveries: Vec<Uuid> = row.webhooks.iter().map(|_| DeliveryId::new().uuid()).collect();
    sqlx::query!(
        "insert into webhook_delivery (delivery_id, webhook_id, message_id, event, payload)
         select delivery_id, webhook_id, $3, 'submission.graded', $4
         from unnest($1::uuid[], $2::uuid[]) as row (delivery_id, webhook_id)",
        &deliveries,
        &row.webhooks,
        Uuid::now_v7(),
        payload
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn payload(event: WebhookEvent, at: &Time, data: &Value) -> String {
    json!({"type": event, "timestamp": at.to_jiff(), "data": data}).to_string()
}

/// Writes one message to one webhook.
pub async fn message(
    db: impl PgExecutor<'_>,
    webhook: WebhookId,
    event: WebhookEvent,
    now: Time,
    data: &Value,
) -> sqlx::Result<DeliveryRow> {
    sqlx::query_as!(
        DeliveryRow,
        "insert into webhook_delivery (delivery_id, webhook_id, message_id, event, payload) values ($1, $2, $3, $4, $5)
         returning delivery_id, message_id, event, payload, state, attempt, next_attempt_at, status, error, response,
                   created_at, ended_at",
        DeliveryId::new() as DeliveryId,
        webhook as WebhookId,
        Uuid::now_v7(),
        event as WebhookEvent,
        payload(event, &now, data)
    )
    .fetch_one(db)
    .await
}

/// Sends a message that has ended once more, as a delivery of its own; `None`: there is no such message, or it has not
/// ended.
pub async fn redeliver(
    db: impl PgExecutor<'_>,
    webhook: WebhookId,
    delivery: DeliveryId,
) -> sqlx::Result<Option<DeliveryRow>> {
    sqlx::query_as!(
        DeliveryRow,
        "insert into webhook_delivery (delivery_id, webhook_id, message_id, event, payload)
         select $3, webhook_id, message_id, event, payload from webhook_delivery
          where webhook_id = $1 and delivery_id = $2 and state <> 'pending'
         returning delivery_id, message_id, event, payload, state, attempt, next_attempt_at, status, error, response,
                   created_at, ended_at",
        webhook as WebhookId,
        delivery as DeliveryId,
        DeliveryId::new() as DeliveryId
    )
    .fetch_optional(db)
    .await
}

/// A message and what became of it.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Id.
    pub delivery_id: DeliveryId,
    /// What receivers tell repetitions by.
    pub message_id: Uuid,
    /// Of what it tells.
    pub event: WebhookEvent,
    /// What is sent.
    pub payload: String,
    /// Where it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempt: i32,
    /// While pending: when it is tried next.
    pub next_attempt_at: Time,
    /// HTTP status of the last answer.
    pub status: Option<i16>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// The beginning of the last answer.
    pub response: Option<String>,
    /// When it was written.
    pub created_at: Time,
    /// When it was taken or given up.
    pub ended_at: Option<Time>,
}

/// A webhook's messages, newest first, from before `after` on.
pub async fn deliveries(
    db: impl PgExecutor<'_>,
    webhook: WebhookId,
    after: Option<DeliveryId>,
    limit: i64,
) -> sqlx::Result<Vec<DeliveryRow>> {
    sqlx::query_as!(
        DeliveryRow,
        "select delivery_id, message_id, event, payload, state, attempt, next_attempt_at, status, error, response,
                created_at, ended_at
         from webhook_delivery where webhook_id = $1 and ($2::uuid is null or delivery_id < $2)
         order by delivery_id desc limit $3",
        webhook as WebhookId,
        after as Option<DeliveryId>,
        limit
    )
    .fetch_all(db)
    .await
}

/// A message to be sent now.
#[derive(Debug, Clone)]
pub struct Due {
    /// The delivery.
    pub delivery: DeliveryId,
    /// What receivers tell repetitions by.
    pub message: Uuid,
    /// Whose.
    pub webhook: WebhookId,
    /// How often it was tried, this time included.
    pub attempt: i32,
    /// Where it goes.
    pub url: String,
    /// What signs it.
    pub secret: Vec<u8>,
    /// What is sent.
    pub payload: String,
}

/// Takes messages that are due, a few of each webhook so that a slow one does not hold up the others. They are this
/// sender's for `lease`; whoever dies meanwhile lets them be sent again.
pub async fn claim(db: impl PgExecutor<'_>, per_webhook: i64, most: i64, lease: Duration) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"update webhook_delivery d
              set attempt = d.attempt + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $3)
             from webhook w
            where w.webhook_id = d.webhook_id
              and d.delivery_id in (
                select due.delivery_id from webhook hook
                  cross join lateral (
                    select delivery_id from webhook_delivery
                     where webhook_id = hook.webhook_id and state = 'pending' and next_attempt_at <= clock_timestamp()
                     order by next_attempt_at limit $1 for update skip locked) due
                 where hook.active limit $2)
           returning d.delivery_id as "delivery: DeliveryId", d.message_id as message,
                     d.webhook_id as "webhook: WebhookId", d.attempt, w.url, w.secret, d.payload"#,
        per_webhook,
        most,
        lease.as_secs_f64()
    )
    .fetch_all(db)
    .await
}

/// How an attempt went.
#[derive(Debug, Clone, Default)]
pub struct Attempted {
    /// HTTP status, if there was an answer.
    pub status: Option<i16>,
    /// Why it failed; none: the receiver took it.
    pub error: Option<String>,
    /// The beginning of the answer.
    pub response: Option<String>,
    /// When to try again; none: never.
    pub again_in: Option<Duration>,
    /// The receiver wants no more at all: the webhook is switched off, with this reason.
    pub disable: Option<String>,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Noted.
    Noted(DeliveryState),
    /// Noted, and the webhook was switched off.
    Disabled,
    /// It was another sender's by then.
    Late,
}

/// Notes how an attempt went. A webhook that has failed for `patience` when a message is given up is switched off.
pub async fn settle(
    tx: &mut PgTransaction<'_>,
    due: &Due,
    attempted: &Attempted,
    patience: Duration,
) -> sqlx::Result<Settled> {
    let state = match (&attempted.error, attempted.again_in) {
        (None, _) => DeliveryState::Delivered,
        (Some(_), Some(_)) => DeliveryState::Pending,
        (Some(_), None) => DeliveryState::Dead,
    };
    let noted = sqlx::query!(
        "update webhook_delivery
            set state = $3, status = $4, error = $5, response = $6,
                next_attempt_at = clock_timestamp() + make_interval(secs => $7),
                ended_at = case when $3 = 'pending'::delivery_state then null else clock_timestamp() end
          where delivery_id = $1 and attempt = $2 and state = 'pending'",
        due.delivery as DeliveryId,
        due.attempt,
        state as DeliveryState,
        attempted.status,
        attempted.error,
        attempted.response,
        attempted.again_in.unwrap_or_default().as_secs_f64()
    )
    .execute(&mut **tx)
    .await?;
    if noted.rows_affected() == 0 {
        return Ok(Settled::Late);
    }
    let failed = attempted.error.is_some();
    let webhook = sqlx::query!(
        r#"update webhook
              set failing_since = case when $2 then coalesce(failing_since, clock_timestamp()) end
            where webhook_id = $1
           returning failing_since is not null and failing_since < clock_timestamp() - make_interval(secs => $3)
                  as "patience_ends!""#,
        due.webhook as WebhookId,
        failed,
        patience.as_secs_f64()
    )
    .fetch_optional(&mut **tx)
    .await?;
    let exhausted = state == DeliveryState::Dead && webhook.is_some_and(|w| w.patience_ends);
    let reason = match (&attempted.disable, exhausted) {
        (Some(reason), _) => reason.clone(),
        (None, true) => "No message could be delivered for too long.".to_owned(),
        (None, false) => return Ok(Settled::Noted(state)),
    };
    sqlx::query!(
        "update webhook set active = false, disabled_reason = $2 where webhook_id = $1 and active",
        due.webhook as WebhookId,
        reason
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update webhook_delivery set state = 'dead', ended_at = clock_timestamp()
          where webhook_id = $1 and state = 'pending'",
        due.webhook as WebhookId
    )
    .execute(&mut **tx)
    .await?;
    Ok(Settled::Disabled)
}

/// Forgets messages that ended, or that wait for a webhook that is switched off, for longer than `days`; how many.
pub async fn sweep(db: impl PgExecutor<'_>, days: i32) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from webhook_delivery d using webhook w
          where w.webhook_id = d.webhook_id and coalesce(d.ended_at, d.created_at) < now() - make_interval(days => $1)
            and (d.state <> 'pending' or not w.active)",
        days
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
