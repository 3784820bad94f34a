//! A worker whose grading follows a script.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use iteratione_common::{
    events::EventBus,
    ids::SubmissionId,
    lab::Visibility,
    lifecycle::Lifecycle,
    queue::{DispatchHandle, Dispatcher},
    store::{PgPool, job::Claimed, submission},
    submission::{Event, SubmissionStatus, TestResult},
    verdict::Verdict,
};
use iteratione_grader::{
    health::Health,
    worker::{Condition, Grading, Outcome, Settings, Worker},
};
use tokio::sync::{Notify, mpsc};

use crate::fixture::{grade, queue, redis_url};

/// What grading does, by how often the job was tried.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Accept,
    Panic,
    Fail,
    Hopeless,
    /// Until it is dropped.
    Hang,
    /// Until [`Script::go`].
    Wait,
    /// A grade that cannot be stored.
    Nonsense,
}

#[derive(Default)]
pub struct Script {
    /// What happens at the n-th run of a job; after the last, and for jobs not named, it is accepted.
    pub steps: Mutex<HashMap<SubmissionId, Vec<Step>>>,
    /// 0 ready, 1 impaired, 2 unable.
    pub unready: AtomicUsize,
    pub running: AtomicUsize,
    pub most: AtomicUsize,
    pub runs: Mutex<Vec<SubmissionId>>,
    pub go: Notify,
}

impl Script {
    pub fn set(&self, id: SubmissionId, steps: &[Step]) {
        self.steps.lock().expect("lock").insert(id, steps.to_vec());
    }

    pub fn runs_of(&self, id: SubmissionId) -> usize {
        self.runs.lock().expect("lock").iter().filter(|r| **r == id).count()
    }
}

struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub struct Scripted(pub Arc<Script>);

impl Grading for Scripted {
    async fn grade(&self, job: Arc<Claimed>, events: mpsc::Sender<Event>) -> Outcome {
        let script = &self.0;
        let now = script.running.fetch_add(1, Ordering::SeqCst) + 1;
        let _running = Running(&script.running);
        script.most.fetch_max(now, Ordering::SeqCst);
        script.runs.lock().expect("lock").push(job.submission);
        let step = {
            let mut steps = script.steps.lock().expect("lock");
            match steps.get_mut(&job.submission) {
                Some(steps) if !steps.is_empty() => steps.remove(0),
                _ => Step::Accept,
            }
        };
        let test = TestResult {
            verdict: Verdict::Ac,
            points: 100.0,
            max_points: 100.0,
            ..TestResult::not_run("a", "t", Visibility::Visible)
        };
        let event = Event::Test { test: Box::new(test), index: 0, of: 1, attempt: job.attempt };
        events.send(event).await.expect("somebody listens");
        match step {
            Step::Accept => {}
            Step::Wait => script.go.notified().await,
            Step::Panic => panic!("as the script says"),
            Step::Fail => return Outcome::Retry("as the script says".to_owned()),
            Step::Hopeless => return Outcome::Dead("as the script says".to_owned()),
            Step::Hang => std::future::pending().await,
            Step::Nonsense => return Outcome::Done(grade(Verdict::Ac, f64::NAN)),
        }
        Outcome::Done(grade(Verdict::Ac, 100.0))
    }

    async fn condition(&self) -> Condition {
        let why = "as the script says".to_owned();
        match self.0.unready.load(Ordering::SeqCst) {
            0 => Condition::Ready,
            1 => Condition::Impaired(why),
            _ => Condition::Unable(why),
        }
    }
}

/// A running grader.
pub struct Grader {
    pub lifecycle: Lifecycle,
    pub health: Health,
    pub dispatch: DispatchHandle,
    done: tokio::task::JoinHandle<()>,
}

pub struct Options {
    pub slots: u32,
    pub lease: Duration,
    pub redis: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { slots: 2, lease: Duration::from_secs(10), redis: redis_url() }
    }
}

impl Grader {
    pub fn start(pg: &PgPool, namespace: &str, script: &Arc<Script>, options: &Options) -> Self {
        let lifecycle = Lifecycle::new();
        let queue = if options.redis == redis_url() {
            queue(namespace)
        } else {
            iteratione_common::queue::Queue::connect(&options.redis, namespace).expect("a queue")
        };
        let dispatch = Dispatcher::spawn(pg.clone(), queue.clone(), &lifecycle);
        let settings = Settings {
            host: "test".to_owned(),
            slots: options.slots,
            lease: options.lease,
            max_attempts: 3,
            per_account: 2,
            retry: Duration::from_millis(10),
            job_deadline: Duration::from_mins(1),
            probe: Duration::from_millis(50),
        };
        let health = Health::default();
        let worker = Worker::new(
            pg.clone(),
            queue,
            dispatch.clone(),
            Scripted(Arc::clone(script)),
            settings,
            health.clone(),
            lifecycle.clone(),
        );
        let done = lifecycle.spawn(worker.run());
        Self { lifecycle, health, dispatch, done }
    }

    /// Soft stop; returns when all that it took has ended.
    pub async fn stop(self) {
        self.lifecycle.soft.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.done).await.expect("ends in time").expect("does not panic");
        self.lifecycle.hard.cancel();
        assert!(self.lifecycle.finished(Duration::from_secs(5)).await, "a task is left");
    }

    /// Soft and hard stop at once.
    pub async fn stop_hard(self) {
        self.lifecycle.soft.cancel();
        self.lifecycle.hard.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.done).await.expect("ends in time").expect("does not panic");
        assert!(self.lifecycle.finished(Duration::from_secs(5)).await, "a task is left");
    }

    /// A grader of a runtime of its own: when that is dropped nothing goes on and nobody is told, as after SIGKILL.
    pub fn start_to_be_killed(pg: &PgPool, namespace: &str, script: &Arc<Script>, options: &Options) -> Doomed {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let inside = runtime.enter();
        // A pool belongs to the runtime that it was made in.
        let own =
            sqlx::postgres::PgPoolOptions::new().max_connections(4).connect_lazy_with((*pg.connect_options()).clone());
        let grader = Self::start(&own, namespace, script, options);
        drop(inside);
        Doomed { runtime, _grader: grader }
    }
}

pub struct Doomed {
    runtime: tokio::runtime::Runtime,
    _grader: Grader,
}

impl Doomed {
    pub fn kill(self) {
        self.runtime.shutdown_background();
    }
}

pub async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until it is done; returns its verdict and attempt.
pub async fn graded(pg: &PgPool, id: SubmissionId) -> (Verdict, i32) {
    eventually("it is graded", || async {
        matches!(submission::get(pg, id).await, Ok(Some(row)) if row.status == SubmissionStatus::Done)
    })
    .await;
    let row = submission::get(pg, id).await.expect("reads").expect("is there");
    (row.verdict.expect("done"), row.grading_attempt)
}

/// All events until `Done`.
pub async fn events_of(namespace: &str, id: SubmissionId) -> Vec<Event> {
    use futures_util::StreamExt as _;
    let lifecycle = Lifecycle::new();
    let bus = EventBus::connect(&redis_url(), namespace, &lifecycle).expect("a bus");
    let mut stream = bus.subscribe(id, None).await;
    let mut events = Vec::new();
    loop {
        let next = tokio::time::timeout(Duration::from_secs(15), stream.next()).await.expect("comes");
        let (_, event) = next.expect("goes on");
        let end = matches!(event, Event::Done { .. });
        events.push(event);
        if end {
            lifecycle.hard.cancel();
            return events;
        }
    }
}
