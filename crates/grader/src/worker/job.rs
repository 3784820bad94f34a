//! One job, from its entry in the queue to its ending.

use std::sync::Arc;

use iteratione_common::{
    queue::Entry,
    store::{
        self,
        job::{self, Claimed},
    },
    submission::{Event, SubmissionStatus},
};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::Instant,
};
use tracing::Instrument as _;

use super::{DATABASE, EVENTS, Grading, Outcome, PAUSE, Shared, settle};

/// How a run ended, as seen from outside of it.
pub(super) enum End {
    /// By itself.
    Outcome(Outcome),
    /// The lease is somebody else's.
    Lost,
    /// The service has to end.
    Stopped,
}

/// Sees one entry through. The slot is free again when this ends.
pub(super) async fn run<G: Grading>(shared: Arc<Shared<G>>, entry: Entry, slot: OwnedSemaphorePermit) {
    let _slot = slot;
    let Some(claimed) = claim(&shared, &entry).await else { return };
    let span = tracing::info_span!("grader.job", submission.id = %claimed.submission, job.attempt = claimed.attempt);
    grade(shared, claimed).instrument(span).await;
}

/// Asks PostgreSQL for the job. The entry is forgotten once it has answered, and kept while it has not.
async fn claim<G: Grading>(shared: &Shared<G>, entry: &Entry) -> Option<Claimed> {
    let claimed = loop {
        let asking = job::claim(&shared.pg, entry.job.submission, entry.job.attempt, shared.id, shared.settings.lease);
        match tokio::time::timeout(DATABASE, asking).await {
            Ok(Ok(claimed)) => break claimed,
            Ok(Err(error)) if store::failure(&error) != store::Failure::Away => {
                // The row is there and cannot be read; if it was claimed nevertheless, its lease will run out.
                tracing::error!(submission.id = %entry.job.submission, %error, "cannot claim a job");
                break None;
            }
            Ok(Err(error)) => tracing::warn!(submission.id = %entry.job.submission, %error, "cannot claim yet"),
            Err(_) => {
                tracing::warn!(submission.id = %entry.job.submission, "cannot claim yet: the database does not answer");
            }
        }
        // Given back by the reader when it leaves, or taken over by another grader.
        shared.lifecycle.soft.run_until_cancelled(tokio::time::sleep(PAUSE)).await?;
    };
    if let Err(error) = shared.queue.ack(entry).await {
        tracing::warn!(submission.id = %entry.job.submission, error = %format!("{error:#}"), "an entry stays in the queue; it can be claimed no more");
    }
    claimed
}

async fn grade<G: Grading>(shared: Arc<Shared<G>>, claimed: Claimed) {
    let job = Arc::new(claimed);
    let hold = shared.held.hold((job.submission, job.attempt));
    metrics::histogram!("iteratione_job_wait_seconds", "class" => job.class.as_str()).record(job.waited);
    let started = Instant::now();
    tracing::info!(language = job.language, waited_ms = job.waited * 1000.0, "grading begins");
    shared
        .events
        .publish(job.submission, &Event::Status { status: SubmissionStatus::Running, attempt: job.attempt })
        .await;

    let (sender, mut receiver) = mpsc::channel(EVENTS);
    let forward = async {
        while let Some(event) = receiver.recv().await {
            shared.events.publish(job.submission, &event).await;
        }
    };
    // A task of its own: a panic in it is an outcome.
    let grading = (Arc::clone(&shared.grading), Arc::clone(&job));
    let mut run = shared.jobs.spawn(
        async move {
            let (grading, job) = grading;
            grading.grade(job, sender).await
        }
        .in_current_span(),
    );
    let supervise = async {
        let end = tokio::select! {
            outcome = &mut run => return End::Outcome(outcome.unwrap_or_else(|panic| Outcome::Retry(format!("the grader panicked: {panic}")))),
            () = hold.lost.cancelled() => End::Lost,
            () = shared.lifecycle.hard.cancelled() => End::Stopped,
            () = tokio::time::sleep(shared.settings.job_deadline) => End::Outcome(Outcome::Retry("grading took too long".to_owned())),
        };
        // Its jail goes with it: dropping one tells the sandbox to destroy it.
        run.abort();
        let _ = (&mut run).await;
        end
    };
    let (end, ()) = tokio::join!(supervise, forward);
    metrics::histogram!("iteratione_job_grade_seconds", "language" => job.language.clone())
        .record(started.elapsed().as_secs_f64());
    settle::settle(&shared, &job, &hold, end, started.elapsed()).await;
    drop(hold);
    shared.dispatch.wake();
}
