//! The task that keeps the streams filled: it runs in every API and every grader, and any one of them is enough.
//!
//! Tasks: one, `dispatch`, which ends with the service's soft stop.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior},
};

use super::Queue;
use crate::{
    events::Publisher,
    ids::SubmissionId,
    lifecycle::Lifecycle,
    store::{PgPool, job, worker},
    submission::{Event, SubmissionStatus},
};

/// How often it looks without being woken.
const TICK: Duration = Duration::from_secs(1);
/// A round that takes longer is given up; the next begins anew.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often the queue's depth is measured and dead graders are forgotten.
const SLOW: Duration = Duration::from_secs(5);

/// Wakes a dispatcher. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DispatchHandle(Arc<Notify>);

impl DispatchHandle {
    /// There may be something to dispatch. Returns at once; many wakes are one round.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// Moves jobs from PostgreSQL to Redis, and heals what time heals.
pub struct Dispatcher {
    pg: PgPool,
    queue: Queue,
    events: Publisher,
    /// Whether the last round failed: a failure that lasts is logged once.
    failing: bool,
}

impl Dispatcher {
    /// For tests and for services that drive the rounds themselves; others [`Dispatcher::spawn`] it.
    pub fn new(pg: PgPool, queue: Queue) -> Self {
        let events = Publisher::beside(&queue);
        Self { pg, queue, events, failing: false }
    }

    /// Starts the task.
    pub fn spawn(pg: PgPool, queue: Queue, lifecycle: &Lifecycle) -> DispatchHandle {
        let handle = DispatchHandle(Arc::new(Notify::new()));
        let notify = handle.0.clone();
        let soft = lifecycle.soft.clone();
        let mut dispatcher = Self::new(pg, queue);
        lifecycle.spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut slow = Instant::now();
            loop {
                let ticked = tokio::select! {
                    () = soft.cancelled() => break,
                    () = notify.notified() => false,
                    _ = tick.tick() => true,
                };
                let round = async {
                    if ticked {
                        dispatcher.heal().await?;
                        if slow.elapsed() >= SLOW {
                            slow = Instant::now();
                            dispatcher.measure().await?;
                        }
                    }
                    dispatcher.dispatch().await
                };
                let result = tokio::time::timeout(DEADLINE, round).await.context("took too long").and_then(|r| r);
                dispatcher.report(result);
            }
        });
        handle
    }

    fn report(&mut self, result: anyhow::Result<usize>) {
        match result {
            Ok(_) if self.failing => {
                self.failing = false;
                tracing::info!("dispatching again");
            }
            Ok(_) => {}
            Err(error) => {
                metrics::counter!("iteratione_dispatch_errors_total").increment(1);
                if !self.failing {
                    tracing::warn!(error = %format!("{error:#}"), "cannot dispatch jobs; nothing is lost, trying on");
                }
                self.failing = true;
            }
        }
    }

    /// Chooses what comes next and sends it on its way; returns how many jobs that were.
    ///
    /// The choice is committed before Redis hears of it: an entry may be lost in between, and is then added by
    /// [`Dispatcher::heal`].
    pub async fn dispatch(&mut self) -> anyhow::Result<usize> {
        let mut tx = self.pg.begin().await?;
        let jobs = job::dispatch(&mut tx).await?;
        tx.commit().await?;
        self.queue.enqueue(&jobs).await?;
        Ok(jobs.len())
    }

    /// Ends leases that ran out, and adds entries that Redis may have lost.
    pub async fn heal(&mut self) -> anyhow::Result<()> {
        let swept = job::sweep(&self.pg).await?;
        for (submission, attempt) in swept.requeued {
            tracing::warn!(submission.id = %submission, job.attempt = attempt, "the lease ran out: back into the queue");
            metrics::counter!("iteratione_jobs_retried_total", "why" => "lease").increment(1);
            self.events.publish(submission, &Event::Status { status: SubmissionStatus::Queued, attempt }).await;
        }
        for finished in swept.dead {
            announce_dead(&self.queue, &self.events, &finished, "the lease ran out too often").await;
        }
        let older_than =
            if self.queue.may_have_forgotten().await? { Duration::ZERO } else { self.queue.patience.stale };
        let again = job::redispatch(&self.pg, older_than).await?;
        let added = self.queue.enqueue(&again).await?;
        if added > 0 {
            tracing::warn!(jobs = added, "Redis had lost jobs: they are in the queue again");
        }
        Ok(())
    }

    /// Sets the gauges of the queue's depth and forgets graders that are gone.
    pub async fn measure(&mut self) -> anyhow::Result<()> {
        worker::forget_dead(&self.pg).await?;
        let depths = job::depth(&self.pg).await?;
        for class in job::JobClass::ALL {
            let depth = depths.iter().find(|d| d.class == class);
            let gauge = |name: &'static str, value: f64| metrics::gauge!(name, "class" => class.as_str()).set(value);
            #[allow(clippy::cast_precision_loss, reason = "a gauge")]
            let count = |of: fn(&job::Depth) -> i64| depth.map_or(0.0, |d| of(d) as f64);
            gauge("iteratione_queue_waiting", count(|d| d.waiting));
            gauge("iteratione_queue_running", count(|d| d.running));
            gauge("iteratione_queue_dead", count(|d| d.dead));
            gauge("iteratione_queue_oldest_seconds", depth.map_or(0.0, |d| d.oldest_seconds.max(0.0)));
        }
        Ok(())
    }
}

/// A job was given up: the staff hears of it by log, metric and dead-letter stream, the student by the event.
pub async fn announce_dead(queue: &Queue, events: &Publisher, finished: &job::Finished, why: &str) {
    let submission: SubmissionId = finished.submission;
    tracing::error!(submission.id = %submission, error = why, "the job is dead: the submission is IE");
    metrics::counter!("iteratione_jobs_dead_total").increment(1);
    if let Err(error) = queue.dead_letter(submission, why).await {
        tracing::warn!(submission.id = %submission, error = %format!("{error:#}"), "no dead letter in Redis; the row is there");
    }
    events.publish(submission, &finished.event()).await;
}
