//! Redis Streams carry the ids of dispatched jobs to the graders; they decide nothing.
//!
//! A job is a row (see [`crate::store::job`]); an entry in a stream says "try to claim this row now". An entry that is
//! lost is added again, one that is delivered twice is claimed once. So Redis may be down, restarted or emptied.
//!
//! One stream per class, one consumer group, one marker per entry that keeps it from being added twice. Streams are
//! never trimmed by length, because that drops work that is not done. An entry is pending only between being read and
//! being claimed: from then on the lease in PostgreSQL is the heartbeat, and there is no second one that could
//! disagree with it. What is pending for longer ([`Reader`] died, or PostgreSQL is away) is taken over by others.

mod connection;
mod dispatcher;
mod reader;

use std::{
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use redis::Script;

pub(crate) use self::connection::Redis;
pub use self::{
    dispatcher::{DispatchHandle, Dispatcher, announce_dead},
    reader::{Entry, Reader},
};
use crate::{
    ids::SubmissionId,
    store::job::{Dispatched, JobClass},
};

/// The consumer group of all graders.
const GROUP: &str = "graders";
/// A marker goes with its entry. Where it did not, it must end some day; an entry without a marker is harmless.
const MARKER_LIFE_MS: u64 = 3_600_000;
/// When silence is taken for loss.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// An entry that was read this long ago and is still pending belongs to a reader that died or cannot reach
    /// PostgreSQL: another takes it over.
    pub stalled: Duration,
    /// How often stalled entries are looked for.
    pub look: Duration,
    /// A dispatched job that nobody has claimed for this long may be lost in Redis: it is added again.
    pub stale: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { stalled: Duration::from_secs(15), look: Duration::from_secs(5), stale: Duration::from_secs(5) }
    }
}

/// How many dead letters Redis keeps for alarms; the rows with `state = 'dead'` are the list.
const DEAD_LETTERS: usize = 1000;

static ENQUEUE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("queue/lua/enqueue.lua")));
static ACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("queue/lua/ack.lua")));
static PUT_BACK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("queue/lua/put_back.lua")));
static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("queue/lua/forget.lua")));

/// The queue's end in Redis. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    redis: Redis,
    /// `run_id` of the Redis that was last seen.
    seen: Arc<Mutex<Option<String>>>,
    patience: Patience,
}

impl Queue {
    /// Checks the URL; connects when first used, so Redis may be down.
    pub fn connect(redis_url: &str, namespace: &str) -> anyhow::Result<Self> {
        Ok(Self { redis: Redis::new(redis_url, namespace)?, seen: Arc::default(), patience: Patience::default() })
    }

    /// With another patience than the default's.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    pub(crate) fn redis(&self) -> &Redis {
        &self.redis
    }

    fn stream(&self, class: JobClass) -> String {
        self.redis.key(format_args!("jobs:{}", class.index()))
    }

    fn marker(&self, job: &Dispatched) -> String {
        self.redis.key(format_args!("mark:{}:{}", job.submission, job.attempt))
    }

    /// Adds the jobs in order; returns how many were not there already.
    pub async fn enqueue(&self, jobs: &[Dispatched]) -> anyhow::Result<u64> {
        if jobs.is_empty() {
            return Ok(0);
        }
        let mut connection = self.redis.command().await?;
        let mut added = 0;
        for job in jobs {
            added += ENQUEUE
                .key(self.stream(job.class))
                .key(self.marker(job))
                .arg(job.submission.to_string())
                .arg(job.attempt)
                .arg(MARKER_LIFE_MS)
                .invoke_async::<u64>(&mut connection)
                .await?;
        }
        Ok(added)
    }

    /// Forgets an entry: PostgreSQL has decided about it, for or against.
    pub async fn ack(&self, entry: &Entry) -> anyhow::Result<()> {
        let mut connection = self.redis.command().await?;
        ACK.key(self.stream(entry.job.class))
            .key(self.marker(&entry.job))
            .arg(GROUP)
            .arg(&entry.id)
            .invoke_async::<u64>(&mut connection)
            .await?;
        Ok(())
    }

    /// A reader of its own connection, for a grader that is known by `consumer`.
    pub fn reader(&self, consumer: impl std::fmt::Display) -> Reader {
        Reader::new(self.clone(), consumer.to_string())
    }

    /// `true` if this Redis may have lost entries since the last call by anybody: it was restarted or emptied.
    pub async fn may_have_forgotten(&self) -> anyhow::Result<bool> {
        let mut connection = self.redis.command().await?;
        let (info, created): (String, bool) = redis::pipe()
            .cmd("INFO")
            .arg("server")
            .cmd("SETNX")
            .arg(self.redis.key("here"))
            .arg("1")
            .query_async(&mut connection)
            .await?;
        let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:")).map(|id| id.trim().to_owned());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let other = seen.is_some() && *seen != run_id;
        *seen = run_id;
        Ok(created || other)
    }

    /// Tells whoever listens at the stream `…:dead` that a job was given up.
    pub async fn dead_letter(&self, submission: SubmissionId, error: &str) -> anyhow::Result<()> {
        let mut connection = self.redis.command().await?;
        redis::cmd("XADD")
            .arg(self.redis.key("dead"))
            .arg("MAXLEN")
            .arg("~")
            .arg(DEAD_LETTERS)
            .arg("*")
            .arg("job")
            .arg(submission.to_string())
            .arg("error")
            .arg(error)
            .query_async::<String>(&mut connection)
            .await?;
        Ok(())
    }

    /// Whether Redis answers; for health checks.
    pub async fn ping(&self) -> anyhow::Result<()> {
        let mut connection = self.redis.command().await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(())
    }
}
