//! How a set ends: each way is one transaction of the caller's, who holds the set's row ([`super::lock`]).

use sqlx::PgTransaction;

use super::RejudgeOutcome;
use crate::{
    ids::{RejudgeId, SubmissionId, UserId},
    store::webhook,
};

/// A submission whose standing grade was left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub submission: SubmissionId,
    /// Why.
    pub why: RejudgeOutcome,
}

/// What applying did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Grades that were replaced.
    pub applied: u64,
    /// Grades that were not, in the order of their submissions.
    pub skipped: Vec<Skipped>,
}

/// Replaces the standing grades by the set's, keeps the old ones in the history, and writes to the course's webhooks of each
/// that is another now. What another set has replaced
/// meanwhile, what the judge could not grade and what is not graded yet stays as it is and is named.
pub async fn apply(tx: &mut PgTransaction<'_>, set: RejudgeId, by: UserId) -> sqlx::Result<Applied> {
    // In one order, so that two sets which share submissions wait for each other and never both.
    sqlx::query!(
        "select s.submission_id from submission s join rejudge_item i using (submission_id)
          where i.set_id = $1 order by s.submission_id for update of s",
        set as _
    )
    .fetch_all(&mut **tx)
    .await?;
    sqlx::query!(
        "update rejudge_item i
            set outcome = case when r.moved then 'conflict'::rejudge_outcome when r.change in ('pending', 'dropped') then 'unfinished'
                               when r.change = 'failed' then 'failed' else 'applied' end
           from rejudge_result r
          where i.set_id = $1 and r.set_id = i.set_id and r.submission_id = i.submission_id",
        set as _
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "insert into submission_grade_history
           (submission_id, replaced_at, set_id, revision_id, verdict, score, max_score, late_factor, grade, graded_at)
         select s.submission_id, now(), i.set_id, s.revision_id, s.verdict, s.score, s.max_score, s.late_factor, s.grade,
                coalesce(s.regraded_at, s.finished_at)
           from rejudge_item i join submission s using (submission_id)
          where i.set_id = $1 and i.outcome = 'applied'",
        set as _
    )
    .execute(&mut **tx)
    .await?;
    let applied = sqlx::query!(
        "update submission s
            set revision_id = n.revision_id, verdict = n.verdict, score = n.score, max_score = n.max_score,
                late_factor = n.late_factor, grade = n.grade, regraded_at = now()
           from rejudge_item i join submission n on n.submission_id = i.run_id
          where i.set_id = $1 and i.outcome = 'applied' and s.submission_id = i.submission_id",
        set as _
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    // Whoever is told of grades is told of those that are others now.
    let changed = sqlx::query_scalar!(
        r#"select s.submission_id as "id: SubmissionId" from rejudge_item i join submission s using (submission_id)
            where i.set_id = $1 and i.outcome = 'applied'
              and (i.old_verdict, i.old_score, i.old_max_score, i.old_late_factor)
                  is distinct from (s.verdict, s.score, s.max_score, s.late_factor)
            order by s.submission_id"#,
        set as _
    )
    .fetch_all(&mut **tx)
    .await?;
    for submission in changed {
        webhook::graded(tx, submission).await?;
    }
    let skipped = sqlx::query!(
        r#"select submission_id, outcome as "outcome!" from rejudge_item
            where set_id = $1 and outcome <> 'applied' order by submission_id"#,
        set as _
    )
    .fetch_all(&mut **tx)
    .await?;
    close(tx, set, by, super::RejudgeState::Applied).await?;
    let skipped = skipped.into_iter().map(|row| Skipped { submission: row.submission_id, why: row.outcome }).collect();
    Ok(Applied { applied, skipped })
}

/// Ends the set without touching a grade. What has not begun is dropped, what runs is not recorded.
pub async fn cancel(tx: &mut PgTransaction<'_>, set: RejudgeId, by: UserId) -> sqlx::Result<()> {
    close(tx, set, by, super::RejudgeState::Cancelled).await
}

/// Removes the runs that have not ended: their jobs go with them, so that an entry in the queue finds nothing to claim
/// and a grader at work can record nothing. Of the others, which were copies, only what the comparison shows is kept.
async fn close(tx: &mut PgTransaction<'_>, set: RejudgeId, by: UserId, state: super::RejudgeState) -> sqlx::Result<()> {
    // The jobs first and as they come: a grader locks a run's job before the run.
    sqlx::query!(
        "delete from grading_job j using rejudge_item i
          where i.set_id = $1 and j.submission_id = i.run_id and j.state not in ('done', 'dead')",
        set as _
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "delete from submission n using rejudge_item i
          where i.set_id = $1 and n.submission_id = i.run_id and n.status <> 'done'",
        set as _
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update submission n set files = '[]', grade = case when i.outcome = 'applied' then null else n.grade end
           from rejudge_item i where i.set_id = $1 and n.submission_id = i.run_id",
        set as _
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        "update rejudge_set set state = $2, closed_by = $3, closed_at = now() where set_id = $1",
        set as _,
        state as super::RejudgeState,
        by as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
