//! A grader's end of the streams.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use anyhow::Context as _;
use redis::{
    Value,
    aio::MultiplexedConnection,
    streams::{StreamAutoClaimReply, StreamId, StreamReadReply},
};
use tokio::time::Instant;

use super::{FORGET, GROUP, MARKER_LIFE_MS, PUT_BACK, Queue};
use crate::store::job::{Dispatched, JobClass};

/// Which class is looked at first, turn by turn: 8 : 4 : 1. An empty stream passes its turn on.
const TURNS: [JobClass; 13] = {
    use JobClass::{Background as B, Interactive as I, Submission as S};
    [I, I, S, I, I, S, I, I, S, I, I, S, B]
};
/// Consumers that hold nothing and were silent this long are of graders that were killed.
const FORGOTTEN: Duration = Duration::from_hours(1);
/// Over and above BLOCK: a reply that is not there by then never comes.
const GRACE: Duration = Duration::from_secs(5);

/// "Try to claim this job now." To be acknowledged once PostgreSQL has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The job, as it was dispatched.
    pub job: Dispatched,
    /// Id within the stream.
    pub(super) id: String,
}

/// Reads one entry at a time from the streams, by weight, over a connection of its own.
pub struct Reader {
    queue: Queue,
    consumer: String,
    connection: Option<MultiplexedConnection>,
    /// Entries already delivered to this consumer.
    hand: VecDeque<Entry>,
    turn: usize,
    looked: Instant,
}

impl Reader {
    pub(super) fn new(queue: Queue, consumer: String) -> Self {
        Self { queue, consumer, connection: None, hand: VecDeque::new(), turn: 0, looked: Instant::now() }
    }

    /// The next entry, or `None` if there is none within `block`.
    ///
    /// Not to be raced against anything: a dropped read stays registered at the server and can swallow an entry. It
    /// returns within `block` and a few seconds. After an error the next call connects anew, and begins with what was
    /// delivered to this consumer before.
    pub async fn next(&mut self, block: Duration) -> anyhow::Result<Option<Entry>> {
        let result = match tokio::time::timeout(block + GRACE, self.read(block)).await {
            Ok(result) => result,
            Err(_) => Err(anyhow::anyhow!("Redis does not answer")),
        };
        if result.is_err() {
            self.connection = None;
        }
        result
    }

    async fn read(&mut self, block: Duration) -> anyhow::Result<Option<Entry>> {
        if self.connection.is_none() {
            self.connect().await?;
        }
        if self.hand.is_empty() && self.looked.elapsed() >= self.queue.patience.look {
            self.take_over_stalled().await?;
            self.looked = Instant::now();
        }
        if let Some(entry) = self.hand.pop_front() {
            return Ok(Some(entry));
        }
        let first = TURNS[self.turn % TURNS.len()];
        for class in std::iter::once(first).chain(JobClass::ALL.into_iter().filter(|c| *c != first)) {
            self.receive(&[class], ">", None).await?;
            if let Some(entry) = self.hand.pop_front() {
                self.turn = self.turn.wrapping_add(1);
                return Ok(Some(entry));
            }
        }
        self.receive(&JobClass::ALL, ">", Some(block)).await?;
        let entry = self.hand.pop_front();
        // One read of three streams can bring three entries, and there is one slot: the others go to whoever is free.
        while let Some(extra) = self.hand.pop_front() {
            self.put_back(&extra).await?;
        }
        Ok(entry)
    }

    async fn connect(&mut self) -> anyhow::Result<()> {
        self.hand.clear();
        let mut connection = self.queue.redis.blocking().await?;
        for class in JobClass::ALL {
            let made = redis::cmd("XGROUP")
                .arg(&["CREATE", &self.queue.stream(class), GROUP, "0", "MKSTREAM"])
                .query_async::<()>(&mut connection)
                .await;
            match made {
                Err(error) if error.code() != Some("BUSYGROUP") => return Err(error).context("XGROUP CREATE"),
                _ => {}
            }
        }
        self.connection = Some(connection);
        for class in JobClass::ALL {
            self.receive(&[class], "0", None).await?;
        }
        Ok(())
    }

    /// Appends to `self.hand` what the streams have: at most one new entry each, or (from `0`) what is pending here.
    async fn receive(&mut self, classes: &[JobClass], from: &str, block: Option<Duration>) -> anyhow::Result<()> {
        let mut command = redis::cmd("XREADGROUP");
        command.arg("GROUP").arg(GROUP).arg(&self.consumer);
        command.arg("COUNT").arg(if from == ">" { 1 } else { 100 });
        if let Some(block) = block {
            command.arg("BLOCK").arg(u64::try_from(block.as_millis().max(1))?);
        }
        command.arg("STREAMS");
        for class in classes {
            command.arg(self.queue.stream(*class));
        }
        for _ in classes {
            command.arg(from);
        }
        let connection = self.connection.as_mut().context("not connected")?;
        let reply: Option<StreamReadReply> = command.query_async(connection).await.context("XREADGROUP")?;
        for stream in reply.map(|r| r.keys).unwrap_or_default() {
            let Some(class) = classes.iter().find(|c| self.queue.stream(**c) == stream.key) else { continue };
            self.keep(*class, stream.ids).await?;
        }
        Ok(())
    }

    /// Takes what can be read into the hand, and drops the rest: entries that were deleted meanwhile come without fields.
    async fn keep(&mut self, class: JobClass, ids: Vec<StreamId>) -> anyhow::Result<()> {
        for StreamId { id, map, .. } in ids {
            if let Some(job) = parse(class, &map) {
                self.hand.push_back(Entry { job, id });
            } else {
                let connection = self.connection.as_mut().context("not connected")?;
                redis::cmd("XACK").arg(&[&self.queue.stream(class), GROUP, &id]).query_async::<()>(connection).await?;
            }
        }
        Ok(())
    }

    async fn take_over_stalled(&mut self) -> anyhow::Result<()> {
        for class in JobClass::ALL {
            let connection = self.connection.as_mut().context("not connected")?;
            let reply: StreamAutoClaimReply = redis::cmd("XAUTOCLAIM")
                .arg(self.queue.stream(class))
                .arg(GROUP)
                .arg(&self.consumer)
                .arg(u64::try_from(self.queue.patience.stalled.as_millis())?)
                .arg("0")
                .arg("COUNT")
                .arg(1)
                .query_async(connection)
                .await
                .context("XAUTOCLAIM")?;
            if !reply.claimed.is_empty() {
                metrics::counter!("iteratione_queue_stalled_total", "class" => class.as_str()).increment(1);
                self.keep(class, reply.claimed).await?;
                break;
            }
            let connection = self.connection.as_mut().context("not connected")?;
            FORGET
                .key(self.queue.stream(class))
                .arg(GROUP)
                .arg("")
                .arg(u64::try_from(FORGOTTEN.as_millis())?)
                .invoke_async::<u64>(connection)
                .await?;
        }
        Ok(())
    }

    async fn put_back(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let connection = self.connection.as_mut().context("not connected")?;
        PUT_BACK
            .key(self.queue.stream(entry.job.class))
            .key(self.queue.marker(&entry.job))
            .arg(GROUP)
            .arg(&self.consumer)
            .arg(&entry.id)
            .arg(entry.job.submission.to_string())
            .arg(entry.job.attempt)
            .arg(MARKER_LIFE_MS)
            .invoke_async::<u64>(connection)
            .await?;
        Ok(())
    }

    /// The orderly end: gives back what was read and not claimed, and leaves the group.
    pub async fn leave(mut self) -> anyhow::Result<()> {
        let goodbye = async {
            // Connecting anew brings back all that is pending here.
            self.connect().await?;
            while let Some(entry) = self.hand.pop_front() {
                self.put_back(&entry).await?;
            }
            for class in JobClass::ALL {
                let connection = self.connection.as_mut().context("not connected")?;
                FORGET
                    .key(self.queue.stream(class))
                    .arg(GROUP)
                    .arg(&self.consumer)
                    .arg(u64::try_from(FORGOTTEN.as_millis())?)
                    .invoke_async::<u64>(connection)
                    .await?;
            }
            Ok(())
        };
        tokio::time::timeout(GRACE, goodbye).await.context("Redis does not answer")?
    }
}

fn parse(class: JobClass, fields: &HashMap<String, Value>) -> Option<Dispatched> {
    let text = |name: &str| redis::from_redis_value_ref::<String>(fields.get(name)?).ok();
    Some(Dispatched { submission: text("job")?.parse().ok()?, attempt: text("attempt")?.parse().ok()?, class })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turns_of_the_classes_are_8_to_4_to_1() {
        let count = |class| TURNS.iter().filter(|c| **c == class).count();
        assert_eq!(JobClass::ALL.map(count), [8, 4, 1]);
    }
}
