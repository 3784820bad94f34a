//! The history's writing end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use redis::streams::StreamRangeReply;
use tokio::time::Instant;

use super::EventId;
use crate::{
    ids::SubmissionId,
    queue::{Queue, Redis},
    submission::Event,
};

/// Events of one submission that are kept; a lab has fewer tests.
const HISTORY: usize = 1000;
/// How long they are kept after the last one, and after `Done`, when the row in PostgreSQL says it all.
const LIFE: Duration = Duration::from_hours(1);
const LIFE_WHEN_DONE: Duration = Duration::from_mins(1);
/// How long one publication may take, and how long none is tried after one that failed: grading does not wait for Redis.
const DEADLINE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_secs(2);

/// Publishes events. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    redis: Redis,
    quiet_until: Arc<Mutex<Option<Instant>>>,
}

impl Publisher {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis, quiet_until: Arc::default() }
    }

    /// For a service that publishes and does not watch: to the queue's Redis.
    pub fn beside(queue: &Queue) -> Self {
        Self::new(queue.redis().clone())
    }

    fn history(&self, id: SubmissionId) -> String {
        self.redis.key(format_args!("ev:{id}"))
    }

    /// Adds an event to the submission's history and tells the watchers. Best effort, within a second.
    pub async fn publish(&self, id: SubmissionId, event: &Event) {
        let now = Instant::now();
        let quiet = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| now < until);
        let result = if quiet {
            Err(anyhow::anyhow!("Redis failed a moment ago"))
        } else {
            tokio::time::timeout(DEADLINE, self.add(id, event)).await.context("Redis does not answer").and_then(|r| r)
        };
        let Err(error) = result else { return };
        metrics::counter!("iteratione_events_lost_total").increment(1);
        if !quiet {
            tracing::warn!(submission.id = %id, error = %format!("{error:#}"), "an event is lost; the grade is not");
            *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
        }
    }

    async fn add(&self, id: SubmissionId, event: &Event) -> anyhow::Result<()> {
        let key = self.history(id);
        let life = if matches!(event, Event::Done { .. }) { LIFE_WHEN_DONE } else { LIFE };
        let mut connection = self.redis.command().await?;
        redis::pipe()
            .atomic()
            .cmd("XADD")
            .arg(&key)
            .arg("MAXLEN")
            .arg("~")
            .arg(HISTORY)
            .arg("*")
            .arg("e")
            .arg(serde_json::to_vec(event)?)
            .cmd("EXPIRE")
            .arg(&key)
            .arg(life.as_secs())
            .cmd("PUBLISH")
            .arg(self.redis.key("events"))
            .arg(id.to_string())
            .query_async::<()>(&mut connection)
            .await?;
        Ok(())
    }

    /// At most `count` events after `after`, oldest first. What cannot be read (of another version of the service) is
    /// `None`, so that the reader gets past it.
    pub(super) async fn range(
        &self,
        id: SubmissionId,
        after: EventId,
        count: usize,
    ) -> anyhow::Result<Vec<(EventId, Option<Event>)>> {
        let mut connection = self.redis.command().await?;
        let reply: StreamRangeReply = redis::cmd("XRANGE")
            .arg(self.history(id))
            .arg(format!("({after}"))
            .arg("+")
            .arg("COUNT")
            .arg(count)
            .query_async(&mut connection)
            .await?;
        reply.ids.into_iter().map(|entry| Ok((entry.id.parse()?, event(&entry.map)))).collect()
    }

    pub(super) async fn last_id(&self, id: SubmissionId) -> anyhow::Result<Option<EventId>> {
        let mut connection = self.redis.command().await?;
        let reply: StreamRangeReply = redis::cmd("XREVRANGE")
            .arg(self.history(id))
            .arg("+")
            .arg("-")
            .arg("COUNT")
            .arg(1)
            .query_async(&mut connection)
            .await?;
        reply.ids.first().map(|entry| Ok(entry.id.parse()?)).transpose()
    }
}

fn event(fields: &HashMap<String, redis::Value>) -> Option<Event> {
    let bytes: Vec<u8> = redis::from_redis_value_ref(fields.get("e")?).ok()?;
    serde_json::from_slice(&bytes).ok()
}
