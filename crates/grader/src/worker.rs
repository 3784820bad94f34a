//! The queue's worker: a slot first, a job second; each job in a task of its own; exactly one ending for each.
//!
//! Tasks: `read` ([`Worker::run`] itself), `beat`, `probe`; per job one that sees to it ([`job`]) and one that grades.
//! The soft stop ends reading; the hard stop hands back what still runs; `beat` ends when nothing runs any more.

mod beat;
mod held;
mod job;
mod settle;

use std::{sync::Arc, time::Duration};

use iteratione_common::{
    events::Publisher,
    ids::WorkerId,
    lifecycle::Lifecycle,
    queue::{DispatchHandle, Queue},
    store::{PgPool, job::Claimed, worker},
    submission::{Event, Grade},
};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::held::Held;
use crate::health::Health;

/// How a run of a job ended. A student's failure is `Done`.
#[derive(Debug)]
pub enum Outcome {
    /// A grade.
    Done(Grade),
    /// The judge failed, and may succeed next time.
    Retry(String),
    /// The judge will never succeed.
    Dead(String),
}

/// What the worker does with a job.
pub trait Grading: Send + Sync + 'static {
    /// Grades, and tells what happens meanwhile. Being dropped at any await must leave nothing behind for long.
    fn grade(&self, job: Arc<Claimed>, events: mpsc::Sender<Event>) -> impl Future<Output = Outcome> + Send;

    /// Whether it could.
    fn condition(&self) -> impl Future<Output = Condition> + Send;
}

/// Whether grading is possible here and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All of it.
    Ready,
    /// Some of it, e.g. not one of the languages; why, for people.
    Impaired(String),
    /// None of it; why, for people. No job is taken: an outage costs no tries.
    Unable(String),
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it runs, for people.
    pub host: String,
    /// Jobs at once.
    pub slots: u32,
    /// How long the database takes its silence.
    pub lease: Duration,
    /// Tries of a job.
    pub max_attempts: i32,
    /// Live jobs of one account.
    pub per_account: i32,
    /// Before the second try; five times as long before each further one.
    pub retry: Duration,
    /// A job that takes longer has hung.
    pub job_deadline: Duration,
    /// How often it asks whether grading is possible.
    pub probe: Duration,
}

/// How long one conversation with the database may take; then it is tried again.
const DATABASE: Duration = Duration::from_secs(10);
/// How long a reader waits for an entry before it looks at the stop token.
const BLOCK: Duration = Duration::from_secs(1);
/// Between tries of anything that is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Events between a grading and Redis: more than a burst of quick tests, less than would matter in memory.
const EVENTS: usize = 64;
/// How long the last jobs may take to be handed back after the hard stop.
const HAND_BACK: Duration = Duration::from_secs(15);

/// What all tasks of a worker share.
struct Shared<G> {
    id: WorkerId,
    pg: PgPool,
    queue: Queue,
    events: Publisher,
    dispatch: DispatchHandle,
    settings: Settings,
    grading: Arc<G>,
    lifecycle: Lifecycle,
    health: Health,
    /// Whether jobs are taken, as `probe` found it.
    able: watch::Sender<bool>,
    /// Asks `probe` to look at once.
    doubt: Notify,
    /// Asks `beat` to beat at once.
    news: Notify,
    held: Held,
    jobs: TaskTracker,
    /// Held while the worker's own row is written or removed: a sign of life that is still on its way when the worker
    /// leaves would put the row back.
    row: tokio::sync::Mutex<()>,
    /// Nothing runs any more.
    drained: CancellationToken,
}

/// One grader's worker.
pub struct Worker<G>(Arc<Shared<G>>);

impl<G: Grading> Worker<G> {
    /// A worker that takes nothing yet.
    pub fn new(
        pg: PgPool,
        queue: Queue,
        dispatch: DispatchHandle,
        grading: G,
        settings: Settings,
        health: Health,
        lifecycle: Lifecycle,
    ) -> Self {
        let (id, events, grading) = (WorkerId::new(), Publisher::beside(&queue), Arc::new(grading));
        let (doubt, news, drained) = (Notify::new(), Notify::new(), CancellationToken::new());
        let (able, held, jobs) = (watch::Sender::new(false), Held::default(), TaskTracker::new());
        Self(Arc::new(Shared {
            id,
            pg,
            queue,
            events,
            dispatch,
            settings,
            grading,
            lifecycle,
            health,
            able,
            doubt,
            news,
            held,
            jobs,
            drained,
            row: tokio::sync::Mutex::default(),
        }))
    }

    /// Its name in the database and among the queue's readers.
    pub fn id(&self) -> WorkerId {
        self.0.id
    }

    /// Works until the soft stop, and returns when every job that it took has ended or is handed back.
    pub async fn run(self) {
        let shared = self.0;
        let lifecycle = shared.lifecycle.clone();
        lifecycle.spawn(beat::beat(Arc::clone(&shared)));
        lifecycle.spawn(beat::probe(Arc::clone(&shared)));
        metrics::gauge!("iteratione_slots").set(f64::from(shared.settings.slots));
        tracing::info!(worker.id = %shared.id, slots = shared.settings.slots, "grading");

        read(&shared).await;

        let leaving = async {
            let _row = shared.row.lock().await;
            worker::leave(&shared.pg, shared.id).await
        };
        if let Ok(Err(error)) = tokio::time::timeout(DATABASE, leaving).await {
            tracing::warn!(%error, "the database still counts on this grader for some seconds");
        }
        shared.jobs.close();
        let all_ended = async {
            tokio::select! {
                () = shared.jobs.wait() => return true,
                () = lifecycle.hard.cancelled() => {}
            }
            tokio::time::timeout(HAND_BACK, shared.jobs.wait()).await.is_ok()
        };
        if !all_ended.await {
            tracing::error!(jobs = shared.jobs.len(), "jobs could not be handed back: their leases will run out");
        }
        shared.drained.cancel();
    }
}

/// Takes entries and starts their jobs until the soft stop.
async fn read<G: Grading>(shared: &Arc<Shared<G>>) {
    let soft = &shared.lifecycle.soft;
    let slots = Arc::new(Semaphore::new(shared.settings.slots as usize));
    let mut able = shared.able.subscribe();
    let mut reader = shared.queue.reader(shared.id);
    let mut failing = false;
    loop {
        let slot = async {
            able.wait_for(|able| *able).await.ok();
            Arc::clone(&slots).acquire_owned().await
        };
        let Some(Ok(slot)) = soft.run_until_cancelled(slot).await else { break };
        // Not raced against the stop: a read that is dropped can swallow an entry.
        match reader.next(BLOCK).await {
            Ok(entry) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("reading from Redis again");
                }
                // One that came while we waited for the stop is for somebody else: `leave` gives it back.
                if let Some(entry) = entry.filter(|_| !soft.is_cancelled()) {
                    shared.jobs.spawn(job::run(Arc::clone(shared), entry, slot));
                }
            }
            Err(error) => {
                metrics::counter!("iteratione_queue_read_errors_total").increment(1);
                if !failing {
                    tracing::warn!(error = %format!("{error:#}"), "cannot read from Redis, trying on");
                }
                failing = true;
                soft.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
            }
        }
    }
    if let Err(error) = reader.leave().await {
        tracing::warn!(error = %format!("{error:#}"), "left the queue without saying so");
    }
}
