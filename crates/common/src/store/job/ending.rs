//! How a claimed job ends: each way is one transaction, fenced by the attempt.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{PgPool, PgTransaction};

use crate::{
    ids::{RevisionId, SubmissionId},
    store::{SubmissionKind, submission::json_text, validation, webhook},
    submission::{Event, Grade},
    verdict::Verdict,
};

/// What a student reads when the judge failed.
pub const INTERNAL_ERROR: &str =
    "Internal error: the staff has been told. This does not count as an attempt; please submit again.";

/// A grade was recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    /// Whose.
    pub submission: SubmissionId,
    /// The submission's verdict.
    pub verdict: Verdict,
    /// Points before the late factor.
    pub score: f64,
    /// By the database's clock.
    pub finished_at: Timestamp,
}

impl Finished {
    /// As an event.
    pub fn event(&self) -> Event {
        Event::Done { verdict: self.verdict, score: self.score, finished_at: self.finished_at }
    }
}

/// Records the grade: job done, submission done, validation settled. `None`: the job is no longer this worker's, and
/// nothing was written.
pub async fn finish(
    pg: &PgPool,
    submission: SubmissionId,
    attempt: i32,
    grade: &Grade,
) -> sqlx::Result<Option<Finished>> {
    if !is_finite(grade) {
        // As JSON it would be null, and the submission unreadable for ever.
        return Err(sqlx::Error::Encode("a grade has a score that is not a finite number".into()));
    }
    let mut tx = pg.begin().await?;
    let fenced = sqlx::query!(
        "update grading_job set state = 'done', lease_until = null
          where submission_id = $1 and attempt = $2 and state = 'running'",
        submission as _,
        attempt
    )
    .execute(&mut *tx)
    .await?;
    if fenced.rows_affected() == 0 {
        return Ok(None);
    }
    let finished = record(&mut tx, submission, grade).await?;
    tx.commit().await?;
    Ok(Some(finished))
}

fn is_finite(grade: &Grade) -> bool {
    grade.score.is_finite()
        && grade.max_score.is_finite()
        && grade.groups.iter().all(|g| g.points.is_finite() && g.max_points.is_finite())
        && grade.tests.iter().all(|t| t.points.is_finite() && t.max_points.is_finite())
}

/// Writes a grade into the submission, whose job the transaction has ended.
async fn record(tx: &mut PgTransaction<'_>, submission: SubmissionId, grade: &Grade) -> sqlx::Result<Finished> {
    let row = sqlx::query!(
        r#"update submission
              set status = 'done', verdict = $2, score = $3, max_score = $4, grade = $5::text::json, finished_at = clock_timestamp()
            where submission_id = $1
           returning finished_at as "finished_at!", kind as "kind: SubmissionKind", revision_id as "revision: RevisionId""#,
        submission as _,
        grade.verdict as Verdict,
        grade.score,
        grade.max_score,
        json_text(grade)?
    )
    .fetch_one(&mut **tx)
    .await?;
    match row.kind {
        SubmissionKind::Validation => drop(validation::settle(tx, row.revision).await?),
        SubmissionKind::Student => webhook::graded(tx, submission).await?,
        // Nobody's grade until its set is applied.
        SubmissionKind::Rejudge => {}
    }
    Ok(Finished { submission, verdict: grade.verdict, score: grade.score, finished_at: row.finished_at.to_jiff() })
}

/// What became of a job that could not be graded this time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Retried {
    /// It waits for its next try.
    Queued,
    /// Its tries are used up: dead, the submission is IE.
    Dead(Finished),
    /// It was no longer this worker's.
    Fenced,
}

/// The judge failed: back into the queue after `delay`, or dead once `max_attempts` tries are spent.
pub async fn retry(
    pg: &PgPool,
    submission: SubmissionId,
    attempt: i32,
    max_attempts: i32,
    delay: Duration,
    error: &str,
) -> sqlx::Result<Retried> {
    let mut tx = pg.begin().await?;
    let row = sqlx::query!(
        "select attempt - handed_back as \"tries!\" from grading_job
          where submission_id = $1 and attempt = $2 and state = 'running' for update",
        submission as _,
        attempt
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(Retried::Fenced) };
    let outcome = if row.tries >= max_attempts {
        Retried::Dead(bury(&mut tx, submission, error).await?)
    } else {
        requeue(&mut tx, submission, delay, Some(error), false).await?;
        Retried::Queued
    };
    tx.commit().await?;
    Ok(outcome)
}

/// Nothing will ever make this job work: dead at once, the submission is IE. `None`: it was no longer this worker's.
pub async fn give_up(
    pg: &PgPool,
    submission: SubmissionId,
    attempt: i32,
    error: &str,
) -> sqlx::Result<Option<Finished>> {
    match retry(pg, submission, attempt, 0, Duration::ZERO, error).await? {
        Retried::Dead(finished) => Ok(Some(finished)),
        Retried::Queued | Retried::Fenced => Ok(None),
    }
}

/// A worker that was told to stop gives the job back; the attempt is not spent. `false`: it was no longer its.
pub async fn hand_back(pg: &PgPool, submission: SubmissionId, attempt: i32) -> sqlx::Result<bool> {
    let mut tx = pg.begin().await?;
    let held = sqlx::query!(
        "select 1 as one from grading_job where submission_id = $1 and attempt = $2 and state = 'running' for update",
        submission as _,
        attempt
    )
    .fetch_optional(&mut *tx)
    .await?;
    if held.is_none() {
        return Ok(false);
    }
    requeue(&mut tx, submission, Duration::ZERO, None, true).await?;
    tx.commit().await?;
    Ok(true)
}

/// Back into the queue; the caller has locked the job's row.
pub(super) async fn requeue(
    tx: &mut PgTransaction<'_>,
    submission: SubmissionId,
    delay: Duration,
    error: Option<&str>,
    unspent: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update grading_job
            set state = 'queued', lease_until = null, worker = null, run_after = clock_timestamp() + make_interval(secs => $2),
                last_error = coalesce($3, last_error), handed_back = handed_back + $4
          where submission_id = $1",
        submission as _,
        delay.as_secs_f64(),
        error.map(printable),
        i32::from(unspent)
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update submission set status = 'queued' where submission_id = $1 and status = 'running'",
        submission as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends a job that cannot be graded: dead, with the reason for the staff; IE, with an apology, for the student. The
/// caller has locked the job's row.
pub(super) async fn bury(tx: &mut PgTransaction<'_>, submission: SubmissionId, error: &str) -> sqlx::Result<Finished> {
    sqlx::query!(
        "update grading_job set state = 'dead', lease_until = null, last_error = $2 where submission_id = $1",
        submission as _,
        printable(error)
    )
    .execute(&mut **tx)
    .await?;
    let max_score = sqlx::query_scalar!(
        r#"select coalesce(sum((g ->> 'points')::float8), 0) as "max!"
             from submission s join lab_revision r using (revision_id), jsonb_array_elements(r.document -> 'groups') as g
            where s.submission_id = $1"#,
        submission as _
    )
    .fetch_one(&mut **tx)
    .await?;
    let grade = Grade {
        verdict: Verdict::Ie,
        score: 0.0,
        max_score,
        compile: None,
        groups: Vec::new(),
        tests: Vec::new(),
        message: Some(INTERNAL_ERROR.to_owned()),
    };
    record(tx, submission, &grade).await
}

/// At most 2000 characters, without NUL, which PostgreSQL's text cannot hold.
fn printable(error: &str) -> String {
    error.chars().filter(|c| *c != '\0').take(2000).collect()
}
