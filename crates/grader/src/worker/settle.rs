//! The one ending of each run, written with its attempt as the fence.

use std::time::Duration;

use iteratione_common::{
    queue::announce_dead,
    store::{
        self,
        job::{self, Claimed, Retried},
        submission,
    },
    submission::{Event, Grade, SubmissionStatus},
    verdict::Verdict,
};

use super::{DATABASE, Grading, Outcome, PAUSE, Shared, held::Hold, job::End};

/// Why a statement about a job could not be made.
enum Trouble {
    /// The database is away, for longer than the job is ours.
    GivenUp,
    /// The database refuses the statement.
    Refused(String),
}

pub(super) async fn settle<G: Grading>(shared: &Shared<G>, job: &Claimed, hold: &Hold, end: End, took: Duration) {
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match end {
        End::Lost => {
            metrics::counter!("iteratione_jobs_lost_total").increment(1);
            tracing::warn!(duration_ms, "the lease was lost: this run does not count");
        }
        End::Stopped => hand_back(shared, job).await,
        End::Outcome(Outcome::Done(grade)) => done(shared, job, hold, &grade, duration_ms).await,
        End::Outcome(Outcome::Retry(why)) => {
            shared.doubt.notify_one();
            retry(shared, job, hold, shared.settings.max_attempts, &why).await;
        }
        End::Outcome(Outcome::Dead(why)) => retry(shared, job, hold, 0, &why).await,
    }
}

async fn done<G: Grading>(shared: &Shared<G>, job: &Claimed, hold: &Hold, grade: &Grade, duration_ms: u64) {
    match insist(shared, hold, || job::finish(&shared.pg, job.submission, job.attempt, grade)).await {
        Ok((Some(finished), _)) => {
            metrics::counter!("iteratione_verdicts_total", "verdict" => grade.verdict.as_str(), "language" => job.language.clone()).increment(1);
            tracing::info!(verdict = %finished.verdict, duration_ms, "graded");
            shared.events.publish(job.submission, &finished.event()).await;
        }
        // Perhaps it was written, and only the answer was lost: then those who watch still wait for it.
        Ok((None, true)) => announce_if_done(shared, job).await,
        Ok((None, false)) => {
            metrics::counter!("iteratione_jobs_lost_total").increment(1);
            tracing::warn!(duration_ms, "the grade came too late: the job was not this grader's any more");
        }
        Err(Trouble::GivenUp) => {}
        Err(Trouble::Refused(why)) => {
            retry(shared, job, hold, shared.settings.max_attempts, &format!("the grade cannot be stored: {why}")).await;
        }
    }
}

async fn announce_if_done<G: Grading>(shared: &Shared<G>, job: &Claimed) {
    let row = tokio::time::timeout(DATABASE, submission::get(&shared.pg, job.submission)).await;
    if let Ok(Ok(Some(row))) = row
        && let (Some(verdict), Some(score), Some(finished_at)) = (row.verdict, row.score, row.finished_at)
    {
        shared.events.publish(job.submission, &Event::Done { verdict, score, finished_at }).await;
    }
}

async fn retry<G: Grading>(shared: &Shared<G>, job: &Claimed, hold: &Hold, max_attempts: i32, why: &str) {
    let delay = backoff(shared.settings.retry, job.tries);
    let result =
        insist(shared, hold, || job::retry(&shared.pg, job.submission, job.attempt, max_attempts, delay, why)).await;
    match result {
        Ok((Retried::Queued, _)) => {
            metrics::counter!("iteratione_jobs_retried_total", "why" => "failed").increment(1);
            tracing::warn!(
                why,
                tries = job.tries,
                delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                "not graded: again later"
            );
            let event = Event::Status { status: SubmissionStatus::Queued, attempt: job.attempt };
            shared.events.publish(job.submission, &event).await;
        }
        Ok((Retried::Dead(finished), _)) => {
            metrics::counter!("iteratione_verdicts_total", "verdict" => Verdict::Ie.as_str(), "language" => job.language.clone()).increment(1);
            announce_dead(&shared.queue, &shared.events, &finished, why).await;
        }
        Ok((Retried::Fenced, _)) => tracing::warn!(why, "not graded, and not this grader's job any more"),
        Err(Trouble::GivenUp) => {}
        Err(Trouble::Refused(error)) => {
            tracing::error!(why, error, "not graded, and that cannot be stored: the lease will run out");
        }
    }
}

async fn hand_back<G: Grading>(shared: &Shared<G>, job: &Claimed) {
    match tokio::time::timeout(DATABASE, job::hand_back(&shared.pg, job.submission, job.attempt)).await {
        Ok(Ok(true)) => {
            tracing::info!("handed back");
            let event = Event::Status { status: SubmissionStatus::Queued, attempt: job.attempt };
            shared.events.publish(job.submission, &event).await;
        }
        Ok(Ok(false)) => tracing::warn!("nothing to hand back: not this grader's job any more"),
        Ok(Err(error)) => tracing::warn!(%error, "cannot hand back: the lease will run out"),
        Err(_) => tracing::warn!("cannot hand back: the database does not answer, the lease will run out"),
    }
}

/// Before the n-th try: `first` before the second, five times as long before each further one, at most an hour.
fn backoff(first: Duration, tries: i32) -> Duration {
    let exponent = u32::try_from(tries.clamp(1, 10) - 1).unwrap_or(0);
    first.saturating_mul(5u32.saturating_pow(exponent)).min(Duration::from_hours(1))
}

/// Tries a statement until the database has answered, the lease is lost, or the service has to end. Also says whether
/// an earlier try failed: that one may have been carried out all the same.
async fn insist<G, T, F>(
    shared: &Shared<G>,
    hold: &Hold,
    mut statement: impl FnMut() -> F,
) -> Result<(T, bool), Trouble>
where
    F: Future<Output = store::Result<T>>,
{
    let mut again = false;
    loop {
        match tokio::time::timeout(DATABASE, statement()).await {
            Ok(Ok(value)) => return Ok((value, again)),
            Ok(Err(error)) if store::failure(&error) != store::Failure::Away => {
                return Err(Trouble::Refused(error.to_string()));
            }
            Ok(Err(error)) => tracing::warn!(%error, "cannot settle yet"),
            Err(_) => tracing::warn!("cannot settle yet: the database does not answer"),
        }
        again = true;
        let pause = async {
            tokio::select! {
                () = hold.lost.cancelled() => false,
                () = shared.lifecycle.hard.cancelled() => false,
                () = tokio::time::sleep(PAUSE) => true,
            }
        };
        if !pause.await {
            tracing::warn!("cannot settle: the lease will run out, and the job be graded again");
            return Err(Trouble::GivenUp);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_before_a_try_grows_fivefold_and_stays_bounded() {
        let seconds = |tries| backoff(Duration::from_secs(2), tries).as_secs();
        assert_eq!([1, 2, 3].map(seconds), [2, 10, 50]);
        assert_eq!(seconds(99), 3600);
    }
}
