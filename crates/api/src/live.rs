//! Following one submission by server-sent events.
//!
//! A follower first subscribes, then reads the row: nothing falls between the two. It sends a `snapshot`, the events
//! of the grading attempt that the snapshot is about, what happens from then on, and at last `done` with the whole
//! result from PostgreSQL. Each event carries an id; a client that comes back with it goes on exactly there.
//!
//! Events are a courtesy: Redis may lose them or be away. So while nothing is heard, the follower looks at the row
//! itself, and `done` comes in any case.
//!
//! It spawns no task: the response's body pulls it, so a client that reads slowly holds back nothing but itself, and
//! at most one batch of events is in memory for it.

mod followers;

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::response::sse;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream, Stream},
};
use iteratione_common::{
    events::{EventBus, EventId},
    ids::SubmissionId,
    store::{self, PgPool, submission::SubmissionRow},
    submission::{CompileResult, Event, SubmissionStatus, TestResult},
};
use rand::RngExt as _;
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

pub use self::followers::{Followers, Following};
use crate::visibility::{Cut, SubmissionView};

/// How often a running submission is looked at while no event comes.
const LOOK: Duration = Duration::from_secs(1);
/// How often a queued one is; more seldom the farther it is from its turn.
const LOOK_QUEUED: Duration = Duration::from_secs(2);
const LOOK_QUEUED_MOST: Duration = Duration::from_secs(15);
/// How long events that are still on their way are waited for once the row says that all is done.
const STRAGGLERS: Duration = Duration::from_millis(500);
/// How long Redis may take to say what the last event is.
const LAST_ID: Duration = Duration::from_secs(1);

/// Where a client stands, from the id of the last event that it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing, or something that this service did not send.
    Nothing,
    /// All up to this event.
    Event(EventId),
    /// The end of this grading attempt.
    Done(i32),
}

impl Seen {
    /// Reads `Last-Event-ID`.
    pub fn parse(id: Option<&str>) -> Self {
        let Some(id) = id else { return Self::Nothing };
        if let Some(attempt) = id.strip_prefix(DONE).and_then(|n| n.parse().ok()) {
            return Self::Done(attempt);
        }
        id.parse().map_or(Self::Nothing, Self::Event)
    }
}

/// Prefix of the id of `done`. It is no place in the history: the row says when it is over, not an event.
const DONE: &str = "done-";

/// The status changed, or the place in the queue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatusEvent {
    /// The status now.
    pub status: SubmissionStatus,
    /// While queued: 1 for the next.
    pub queue_position: Option<i64>,
    /// With a higher one than before, earlier `compile` and `test` events are void.
    pub grading_attempt: i32,
}

/// Compiling has ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CompileEvent {
    /// Its result.
    pub compile: CompileResult,
    /// The attempt that it belongs to.
    pub grading_attempt: i32,
}

/// A test has ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TestEvent {
    /// Its result.
    pub test: TestResult,
    /// Its place in the lab's order, from 0.
    pub index: usize,
    /// Tests in all.
    pub of: usize,
    /// The attempt that it belongs to.
    pub grading_attempt: i32,
}

/// What a follower needs of the service.
pub struct Sources {
    /// The truth.
    pub pg: PgPool,
    /// The live events.
    pub events: EventBus,
    /// Told when the service stops.
    pub soft: CancellationToken,
    /// The follower's place among those of its account.
    pub place: Following,
}

/// Begins to follow. `None`: the client has seen the end, there is nothing to follow.
pub async fn follow(
    sources: Sources,
    id: SubmissionId,
    cut: Cut,
    seen: Seen,
) -> store::Result<Option<impl Stream<Item = Result<sse::Event, Infallible>> + use<>>> {
    let at = match seen {
        Seen::Event(at) => Some(at),
        Seen::Nothing | Seen::Done(_) => None,
    };
    // Before the row is read: what happens in between is then in the stream.
    let events = sources.events.subscribe(id, at).await;
    let Some(row) = store::submission::get(&sources.pg, id).await? else { return Ok(None) };
    if row.status == SubmissionStatus::Done && seen == Seen::Done(row.grading_attempt) {
        return Ok(None);
    }
    let mut follower = Follower {
        pg: sources.pg,
        soft: sources.soft,
        _place: sources.place,
        id,
        cut,
        events,
        at: at.unwrap_or(EventId::ZERO),
        status: row.status,
        position: None,
        attempt: first_attempt_of_interest(&row),
        ready: VecDeque::new(),
        look_at: Instant::now() + LOOK,
        end: End::Open,
    };
    if row.status == SubmissionStatus::Queued {
        follower.position = store::submission::queue_position(&follower.pg, id).await?;
        follower.look_at = Instant::now() + look_queued(follower.position);
    }
    if row.status == SubmissionStatus::Done {
        // What the client missed, as far as the history goes; a snapshot has it all.
        let missed = match at {
            None => false,
            Some(at) => {
                let last = tokio::time::timeout(LAST_ID, sources.events.last_id(id)).await;
                last.ok().flatten().is_some_and(|last| last > at)
            }
        };
        follower.end = End::At(Instant::now() + if missed { STRAGGLERS } else { Duration::ZERO });
        if !missed {
            // However soon the history is read: nothing of it is sent any more.
            follower.events = stream::pending().boxed();
        }
    }
    if at.is_none() {
        let position = follower.position;
        let snapshot = follower.cut.submission(row, position);
        follower.push_view("snapshot", EventId::ZERO.to_string(), &snapshot);
    } else if row.status == SubmissionStatus::Queued {
        follower.push_status(row.grading_attempt);
    }
    Ok(Some(stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    })))
}

/// Events of earlier attempts are void. What waits in the queue will be graded by the next one.
fn first_attempt_of_interest(row: &SubmissionRow) -> i32 {
    match row.status {
        SubmissionStatus::Queued => row.grading_attempt + 1,
        SubmissionStatus::Running | SubmissionStatus::Done => row.grading_attempt,
    }
}

fn look_queued(position: Option<i64>) -> Duration {
    let places = u32::try_from(position.unwrap_or(1)).unwrap_or(u32::MAX);
    (LOOK_QUEUED + LOOK_QUEUED.saturating_mul(places / 25)).min(LOOK_QUEUED_MOST)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Not yet.
    Open,
    /// The row is done: stragglers until then.
    At(Instant),
    /// `done` or farewell was sent.
    Sent,
}

struct Follower {
    pg: PgPool,
    soft: CancellationToken,
    /// Given back with the end of the stream.
    _place: Following,
    id: SubmissionId,
    cut: Cut,
    events: BoxStream<'static, (EventId, Event)>,
    /// The last event of the history that the client has.
    at: EventId,
    status: SubmissionStatus,
    position: Option<i64>,
    /// Events of attempts before this one are void.
    attempt: i32,
    /// At most two: a snapshot and what follows at once.
    ready: VecDeque<sse::Event>,
    look_at: Instant,
    end: End,
}

enum Happened {
    Event(Option<(EventId, Event)>),
    Look,
    Stop,
}

impl Follower {
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let wake_at = match self.end {
                End::Sent => return None,
                End::At(until) => until,
                End::Open => self.look_at,
            };
            let happened = tokio::select! {
                biased;
                () = self.soft.cancelled() => Happened::Stop,
                event = self.events.next() => Happened::Event(event),
                () = tokio::time::sleep_until(wake_at) => Happened::Look,
            };
            match happened {
                Happened::Stop => self.farewell(),
                Happened::Event(Some((id, event))) => self.heard(id, event).await,
                Happened::Event(None) => self.events = stream::pending().boxed(),
                Happened::Look if self.end == End::Open => self.look().await,
                Happened::Look => self.done().await,
            }
        }
    }

    async fn heard(&mut self, id: EventId, event: Event) {
        self.at = id;
        self.look_at = Instant::now() + LOOK;
        match event {
            Event::Status { status: SubmissionStatus::Done, .. } => {}
            Event::Status { status, attempt } if self.is_current(attempt) => {
                self.status = status;
                self.position = None;
                self.push_status(attempt);
            }
            Event::Compile { compile, attempt } if self.is_current(attempt) => {
                let compile = self.cut.compile(compile);
                self.push("compile", self.at.to_string(), &CompileEvent { compile, grading_attempt: attempt });
            }
            Event::Test { test, index, of, attempt } if self.is_current(attempt) => {
                let test = self.cut.test(*test);
                self.push("test", self.at.to_string(), &TestEvent { test, index, of, grading_attempt: attempt });
            }
            Event::Done { .. } => self.done().await,
            Event::Status { .. } | Event::Compile { .. } | Event::Test { .. } => {}
        }
    }

    /// Whether an attempt is the newest known; a newer one makes the older ones void.
    fn is_current(&mut self, attempt: i32) -> bool {
        let current = attempt >= self.attempt;
        self.attempt = self.attempt.max(attempt);
        current
    }

    /// Nothing was heard for a while: how does the row stand?
    async fn look(&mut self) {
        self.look_at = Instant::now() + LOOK;
        let standing = match store::submission::standing(&self.pg, self.id).await {
            Ok(Some(standing)) => standing,
            Ok(None) => return self.end = End::Sent,
            Err(error) => {
                tracing::debug!(submission.id = %self.id, %error, "cannot look at a submission that is followed");
                return;
            }
        };
        match standing.status {
            SubmissionStatus::Done => self.end = End::At(Instant::now() + STRAGGLERS),
            SubmissionStatus::Running => {
                let begun = self.status != SubmissionStatus::Running || standing.grading_attempt > self.attempt;
                self.attempt = self.attempt.max(standing.grading_attempt);
                self.status = SubmissionStatus::Running;
                self.position = None;
                if begun {
                    self.push_status(standing.grading_attempt);
                }
            }
            SubmissionStatus::Queued => {
                let position = store::submission::queue_position(&self.pg, self.id).await.ok().flatten();
                self.look_at = Instant::now() + look_queued(position);
                if self.status != SubmissionStatus::Queued || position != self.position {
                    self.status = SubmissionStatus::Queued;
                    self.position = position;
                    self.attempt = self.attempt.max(standing.grading_attempt + 1);
                    self.push_status(standing.grading_attempt);
                }
            }
        }
    }

    /// Sends the result and ends, if the row has one. An old `Done` may stand in the history of what is graded anew.
    async fn done(&mut self) {
        match store::submission::get(&self.pg, self.id).await {
            Ok(Some(row)) if row.status == SubmissionStatus::Done => {
                let id = format!("{DONE}{}", row.grading_attempt);
                let result = self.cut.submission(row, None);
                self.push_view("done", id, &result);
                self.end = End::Sent;
            }
            Ok(Some(_)) => {
                self.end = End::Open;
                self.look_at = Instant::now() + LOOK;
            }
            Ok(None) => self.end = End::Sent,
            Err(error) => {
                tracing::debug!(submission.id = %self.id, %error, "cannot read the result of a submission that is followed");
                self.end = End::At(Instant::now() + LOOK);
            }
        }
    }

    /// The service stops: the client comes back to another one, not all clients at once.
    fn farewell(&mut self) {
        let pause = Duration::from_millis(rand::rng().random_range(500..3000));
        self.ready.push_back(sse::Event::default().retry(pause).comment("the service restarts"));
        self.end = End::Sent;
    }

    fn push_status(&mut self, grading_attempt: i32) {
        let status = StatusEvent { status: self.status, queue_position: self.position, grading_attempt };
        self.push("status", self.at.to_string(), &status);
    }

    fn push_view(&mut self, name: &str, id: String, view: &SubmissionView) {
        self.push(name, id, view);
    }

    fn push(&mut self, name: &str, id: String, data: &impl Serialize) {
        match sse::Event::default().event(name).id(id).json_data(data) {
            Ok(event) => self.ready.push_back(event),
            Err(error) => tracing::error!(submission.id = %self.id, %error, "an event does not serialise"),
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_event_id_counts_as_none() {
        let event = "1700000000000-3".parse().expect("an id");
        assert_eq!(Seen::parse(Some("1700000000000-3")), Seen::Event(event));
        assert_eq!(Seen::parse(Some("0-0")), Seen::Event(EventId::ZERO));
        assert_eq!(Seen::parse(Some("done-2")), Seen::Done(2));
        for id in [None, Some(""), Some("x"), Some("done-"), Some("done-x"), Some("1-1; drop")] {
            assert_eq!(Seen::parse(id), Seen::Nothing, "{id:?}");
        }
    }

    #[test]
    fn who_is_far_from_their_turn_is_told_less_often() {
        assert_eq!(look_queued(None), LOOK_QUEUED);
        assert_eq!(look_queued(Some(3)), LOOK_QUEUED);
        assert_eq!(look_queued(Some(60)), Duration::from_secs(6));
        assert_eq!(look_queued(Some(i64::MAX)), LOOK_QUEUED_MOST);
    }
}
