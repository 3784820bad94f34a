//! What heals by time: leases that ran out, entries that Redis lost; and how deep the queue is.

use std::time::Duration;

use sqlx::{PgExecutor, PgPool};

use super::{
    Dispatched, Finished, JobClass,
    ending::{bury, requeue},
};
use crate::ids::SubmissionId;

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Swept {
    /// Back in the queue, with the attempt that was lost.
    pub requeued: Vec<(SubmissionId, i32)>,
    /// Given up.
    pub dead: Vec<Finished>,
}

/// Ends the leases that ran out: their jobs go back into the queue, or are dead once their tries are spent. A job that
/// kills each worker that takes it ends here. Each in its own transaction: one that fails does not hold up the others.
pub async fn sweep(pg: &PgPool) -> sqlx::Result<Swept> {
    let expired = sqlx::query_scalar!(
        "select submission_id from grading_job where state = 'running' and lease_until < clock_timestamp() order by lease_until limit 100"
    )
    .fetch_all(pg)
    .await?;
    let mut swept = Swept::default();
    for submission in expired {
        if let Err(error) = expire(pg, submission, &mut swept).await {
            tracing::error!(submission.id = %submission, error = %error, "cannot end a lease that ran out");
        }
    }
    Ok(swept)
}

async fn expire(pg: &PgPool, submission: SubmissionId, swept: &mut Swept) -> sqlx::Result<()> {
    let mut tx = pg.begin().await?;
    let job = sqlx::query!(
        r#"select attempt, attempt - handed_back as "tries!",
                  coalesce((select max(max_attempts) from worker), 3) as "max_attempts!"
             from grading_job
            where submission_id = $1 and state = 'running' and lease_until < clock_timestamp()
              for update skip locked"#,
        submission as _
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(job) = job else { return Ok(()) };
    let error = format!("attempt {}: the grader vanished or hung until its lease ran out", job.attempt);
    if job.tries >= job.max_attempts {
        let finished = bury(&mut tx, submission, &error).await?;
        tx.commit().await?;
        swept.dead.push(finished);
    } else {
        requeue(&mut tx, submission, Duration::ZERO, Some(&error), false).await?;
        tx.commit().await?;
        swept.requeued.push((submission, job.attempt));
    }
    Ok(())
}

/// Jobs that were dispatched longer than `older_than` ago and that nobody has claimed, oldest first: their entries may
/// be lost. To enqueue them again is harmless where they are not. They count as just dispatched from now on.
pub async fn redispatch(db: impl PgExecutor<'_>, older_than: Duration) -> sqlx::Result<Vec<Dispatched>> {
    sqlx::query_as!(
        Dispatched,
        r#"with stale as (
             select submission_id, dispatched_at from grading_job
              where state = 'dispatched' and dispatched_at <= clock_timestamp() - make_interval(secs => $1)
                for update skip locked),
           again as (
             update grading_job j set dispatched_at = clock_timestamp()
               from stale where j.submission_id = stale.submission_id
             returning j.submission_id, j.attempt, j.class)
           select a.submission_id as "submission: SubmissionId", a.attempt, a.class as "class: JobClass"
             from again a join stale using (submission_id) order by stale.dispatched_at"#,
        older_than.as_secs_f64()
    )
    .fetch_all(db)
    .await
}

/// How many jobs of a class wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    /// The class.
    pub class: JobClass,
    /// Ready and not yet claimed.
    pub waiting: i64,
    /// Seconds that the oldest of them has been ready.
    pub oldest_seconds: f64,
    /// Under way.
    pub running: i64,
    /// Given up.
    pub dead: i64,
}

/// The queue's depth, by class; a class without such jobs is missing.
pub async fn depth(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Depth>> {
    sqlx::query_as!(
        Depth,
        r#"select class as "class: JobClass",
                  count(*) filter (where state in ('queued', 'dispatched')) as "waiting!",
                  coalesce(extract(epoch from clock_timestamp() - min(greatest(created_at, run_after)) filter (where state in ('queued', 'dispatched')))::float8, 0)
                    as "oldest_seconds!",
                  count(*) filter (where state = 'running') as "running!",
                  count(*) filter (where state = 'dead') as "dead!"
             from grading_job where state <> 'done' group by class order by class"#
    )
    .fetch_all(db)
    .await
}
