//! Live events of a submission, from the graders to whoever watches.
//!
//! Each submission has a Redis stream, which is the history; a channel only says "there is something new". A watcher
//! reads the stream from where it stands, waits for a notice, and reads on. So it can neither miss an event between
//! history and live, nor see one twice, nor pile up what it is too slow for. What Redis loses is not repaired: the
//! truth is the row in PostgreSQL, which the API reads first and last.
//!
//! Tasks: one per [`EventBus`], `listen`, which ends with the service's hard stop.

mod publisher;
mod subscription;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use self::publisher::Publisher;
use self::subscription::Subscription;
use crate::{ids::SubmissionId, lifecycle::Lifecycle, queue::Redis, submission::Event};

/// Place of an event in a submission's history: the id of its entry in the Redis stream. Sorts by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId {
    ms: u64,
    seq: u64,
}

impl EventId {
    /// Before all events.
    pub const ZERO: Self = Self { ms: 0, seq: 0 };
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

/// A text that is not an event's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an event")]
pub struct BadEventId;

impl std::str::FromStr for EventId {
    type Err = BadEventId;
    fn from_str(text: &str) -> Result<Self, BadEventId> {
        let number = |digits: &str| {
            // `parse` alone would take a plus sign.
            if digits.bytes().all(|b| b.is_ascii_digit()) {
                digits.parse().map_err(|_| BadEventId)
            } else {
                Err(BadEventId)
            }
        };
        let (ms, seq) = text.split_once('-').ok_or(BadEventId)?;
        Ok(Self { ms: number(ms)?, seq: number(seq)? })
    }
}

impl TryFrom<String> for EventId {
    type Error = BadEventId;
    fn try_from(text: String) -> Result<Self, BadEventId> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

/// Publishes and watches. Cheap to clone.
#[derive(Clone)]
pub struct EventBus {
    publisher: Publisher,
    watchers: Watchers,
}

impl EventBus {
    /// Starts listening for notices; Redis may be down.
    pub fn connect(redis_url: &str, namespace: &str, lifecycle: &Lifecycle) -> anyhow::Result<Self> {
        let redis = Redis::new(redis_url, namespace)?;
        let watchers = Watchers::default();
        let hard = lifecycle.hard.clone();
        let listener = listen(redis.clone(), watchers.clone());
        lifecycle.spawn(async move { hard.run_until_cancelled(listener).await });
        Ok(Self { publisher: Publisher::new(redis), watchers })
    }

    /// Adds an event to the submission's history and tells the watchers. Best effort: a failure is logged and counted.
    pub async fn publish(&self, id: SubmissionId, event: &Event) {
        self.publisher.publish(id, event).await;
    }

    /// All events after `after` (`None`: from the beginning), then those to come, each once and in order.
    ///
    /// Never ends by itself; yields nothing while Redis is away. The history is bounded and lives for an hour after the
    /// last event, for a minute after `Done`.
    #[allow(clippy::unused_async, reason = "subscribing may have to wait one day; callers need not change then")]
    pub async fn subscribe(&self, id: SubmissionId, after: Option<EventId>) -> BoxStream<'static, (EventId, Event)> {
        let subscription =
            Subscription::new(self.publisher.clone(), self.watchers.watch(id), after.unwrap_or(EventId::ZERO));
        stream::unfold(subscription, |mut subscription| async {
            let next = subscription.next().await;
            Some((next, subscription))
        })
        .boxed()
    }

    /// The newest event's id; `None` if there is no event, or Redis is away.
    pub async fn last_id(&self, id: SubmissionId) -> Option<EventId> {
        self.publisher.last_id(id).await.unwrap_or_else(|error| {
            tracing::debug!(submission.id = %id, error = %format!("{error:#}"), "no event id");
            None
        })
    }
}

/// Who watches what in this process.
#[derive(Clone, Default)]
struct Watchers(Arc<Mutex<HashMap<SubmissionId, watch::Sender<()>>>>);

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, HashMap<SubmissionId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, id: SubmissionId) -> Watch {
        let notices = self.lock().entry(id).or_insert_with(|| watch::Sender::new(())).subscribe();
        Watch { id, notices: Some(notices), watchers: self.clone() }
    }

    fn notify(&self, id: SubmissionId) {
        if let Some(sender) = self.lock().get(&id) {
            sender.send_replace(());
        }
    }

    fn notify_all(&self) {
        for sender in self.lock().values() {
            sender.send_replace(());
        }
    }
}

/// One watcher's place in [`Watchers`]; the last one of a submission removes it.
struct Watch {
    id: SubmissionId,
    notices: Option<watch::Receiver<()>>,
    watchers: Watchers,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut all = self.watchers.lock();
        self.notices = None;
        if all.get(&self.id).is_some_and(|sender| sender.receiver_count() == 0) {
            all.remove(&self.id);
        }
    }
}

/// Passes notices on for ever. After each interruption all watchers look for themselves.
async fn listen(redis: Redis, watchers: Watchers) {
    let channel = redis.key("events");
    let mut failing = false;
    loop {
        let error = match hear(&redis, &channel, &watchers, &mut failing).await {
            Ok(()) => anyhow::anyhow!("Redis closed the connection"),
            Err(error) => error,
        };
        if !failing {
            tracing::warn!(error = %format!("{error:#}"), "live events are late until Redis is back");
        }
        failing = true;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn hear(redis: &Redis, channel: &str, watchers: &Watchers, failing: &mut bool) -> anyhow::Result<()> {
    let mut subscriber = redis.subscriber().await?;
    tokio::time::timeout(Duration::from_secs(2), subscriber.subscribe(channel))
        .await
        .context("Redis does not answer")??;
    if std::mem::take(failing) {
        tracing::info!("live events again");
    }
    watchers.notify_all();
    let mut notices = subscriber.into_on_message();
    while let Some(notice) = notices.next().await {
        if let Ok(text) = notice.get_payload::<String>()
            && let Ok(id) = text.parse()
        {
            watchers.notify(id);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_not_as_text() {
        let id = |text: &str| text.parse::<EventId>().expect("an id");
        assert!(id("999-10") < id("1000-2") && id("1000-2") < id("1000-10"));
        assert_eq!(id("1000-10").to_string(), "1000-10");
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in ["", "-", "1", "1-", "-1", "+1-1", "1-1-1", "1-18446744073709551616", "1 -1", "a-b"] {
            assert_eq!(text.parse::<EventId>(), Err(BadEventId), "{text:?}");
        }
    }

    #[test]
    fn the_last_watcher_of_a_submission_leaves_nothing_behind() {
        let watchers = Watchers::default();
        let id = SubmissionId::new();
        let (one, two) = (watchers.watch(id), watchers.watch(id));
        drop(one);
        assert_eq!(watchers.lock().len(), 1);
        drop(two);
        assert_eq!(watchers.lock().len(), 0);
    }
}
