//! Sends what the outbox holds. One task, `send`, which takes what is due and sends it, a bounded number at once; with
//! several API processes each takes its own. At least once: who dies between sending and noting sends again, under the
//! same `webhook-id`.

mod sign;

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use iteratione_common::store::webhook::{self, Attempted, DeliveryState, Due, Settled};
use jiff::Timestamp;

pub use self::sign::{Secret, signature};
use crate::{
    outbound::{Answer, Failed, Guard, Question},
    state::AppState,
};

/// How long the outbox is left alone when nothing is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Messages at once, and of one webhook: one that is slow holds up itself alone.
const AT_ONCE: i64 = 16;
const OF_ONE: i64 = 2;
/// A receiver may take so long.
const DEADLINE: Duration = Duration::from_secs(15);
/// Who took a message and has not noted how it went by then is dead.
const LEASE: Duration = Duration::from_secs(120);
/// Bytes of an answer that are kept, for whoever looks for the mistake.
const ANSWER_MOST: usize = 1024;
/// Waits before each further attempt: a day in all.
const WAITS: [Duration; 10] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
    Duration::from_hours(8),
];
/// A webhook that has taken nothing for so long when a message is given up is switched off.
const PATIENCE: Duration = Duration::from_hours(72);
/// Messages that have ended are kept so long.
pub const KEPT_DAYS: i32 = 30;

/// Where webhooks may lead, by the settings.
pub fn guard(state: &AppState) -> Guard {
    let settings = &state.config.api.webhooks;
    Guard {
        http: settings.allow_http || state.config.is_dev(),
        ports: settings.ports(),
        allow: settings.networks(),
        open: false,
    }
}

/// Sends until the service stops.
pub fn spawn(state: &AppState) {
    let (state, soft) = (state.clone(), state.lifecycle.soft.clone());
    let lifecycle = state.lifecycle.clone();
    lifecycle.spawn(async move {
        let mut wait = LOOK_EVERY;
        while tokio::time::timeout(wait, soft.cancelled()).await.is_err() {
            wait = match send_due(&state).await {
                Ok(0) => LOOK_EVERY,
                Ok(_) => Duration::ZERO,
                Err(e) => {
                    tracing::warn!(error = %e, "the outbox of webhooks could not be read");
                    LOOK_EVERY
                }
            };
        }
    });
}

/// Sends what is due now; how many attempts that were.
pub async fn send_due(state: &AppState) -> iteratione_common::store::Result<usize> {
    let due = webhook::claim(&state.pg, OF_ONE, AT_ONCE, LEASE).await?;
    let attempts = due.iter().map(|due| async move {
        if let Err(e) = attempt(state, due).await {
            // Its lease ends, and it is sent again.
            tracing::warn!(webhook.id = %due.webhook, error = %e, "an attempt could not be noted");
        }
    });
    futures_util::future::join_all(attempts).await;
    Ok(due.len())
}

async fn attempt(state: &AppState, due: &Due) -> iteratione_common::store::Result<()> {
    let answer = state.outbound.ask(&due.url, &guard(state), question(due, state.clock.now())).await;
    let attempted = judged(answer, due.attempt);
    let mut tx = state.pg.begin().await?;
    let settled = webhook::settle(&mut tx, due, &attempted, PATIENCE).await?;
    tx.commit().await?;
    let outcome = match settled {
        Settled::Noted(DeliveryState::Delivered) => "delivered",
        Settled::Noted(DeliveryState::Pending) => "retried",
        Settled::Noted(DeliveryState::Dead) => "dead",
        Settled::Disabled => "disabled",
        Settled::Late => "late",
    };
    metrics::counter!("iteratione_webhook_attempts_total", "outcome" => outcome).increment(1);
    tracing::info!(webhook.id = %due.webhook, delivery.id = %due.delivery, delivery.attempt = due.attempt, outcome, "sent");
    Ok(())
}

fn question(due: &Due, now: Timestamp) -> Question {
    let id = format!("msg_{}", due.message.simple());
    let at = now.as_second();
    let signed = signature(&due.secret, &id, at, due.payload.as_bytes());
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &str| {
        // Ids, numbers and base64: always valid in a header.
        headers.insert(name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
    };
    add("content-type", "application/json");
    add("webhook-id", &id);
    add("webhook-timestamp", &at.to_string());
    add("webhook-signature", &signed);
    Question {
        method: Method::POST,
        headers,
        body: due.payload.clone().into(),
        deadline: DEADLINE,
        answer_most: ANSWER_MOST,
    }
}

/// What an answer means: 2xx is thanks, 410 is never again, all else is later.
fn judged(answer: Result<Answer, Failed>, attempt: i32) -> Attempted {
    let failures = usize::try_from(attempt).unwrap_or(1).saturating_sub(1);
    let again_in = WAITS.get(failures).map(|wait| wait.mul_f64(rand::random_range(1.0..1.1)));
    match answer {
        Ok(answer) => {
            let status = i16::try_from(answer.status.as_u16()).ok();
            let response = (!answer.body.is_empty()).then(|| printable(&answer.body));
            let noted = Attempted { status, response, ..Attempted::default() };
            match answer.status {
                StatusCode::GONE => Attempted {
                    error: Some("The receiver is gone (410).".to_owned()),
                    disable: Some("The receiver answered 410 Gone.".to_owned()),
                    ..noted
                },
                status if status.is_success() => noted,
                status if status.is_redirection() => Attempted {
                    error: Some(format!("The receiver redirects ({}); redirects are not followed.", status.as_u16())),
                    again_in,
                    ..noted
                },
                status => Attempted {
                    error: Some(format!("The receiver answered {}.", status.as_u16())),
                    again_in: wanted(&answer.headers).map_or(again_in, |wanted| again_in.map(|own| own.max(wanted))),
                    ..noted
                },
            }
        }
        Err(e) => Attempted { error: Some(e.to_string()), again_in, ..Attempted::default() },
    }
}

/// `Retry-After` in seconds, as far as an hour.
fn wanted(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}

/// As text that PostgreSQL can hold.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| *c != '\0').collect()
}

#[cfg(test)]
mod tests;
