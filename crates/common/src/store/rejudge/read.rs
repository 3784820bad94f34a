//! Sets, their progress, and what they would change.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{PgExecutor, PgTransaction};

use super::{Brief, Change, Counts, RejudgeOutcome, RejudgeState};
use crate::{
    ids::{CourseId, LabId, RejudgeId, SubmissionId, UserId},
    store::Time,
};

/// A set and its progress.
#[derive(Debug, Clone)]
pub struct SetRow {
    /// Its id.
    pub id: RejudgeId,
    /// Its lab.
    pub lab: LabId,
    /// Number of the revision that it grades by.
    pub revision: i32,
    /// Why, for people.
    pub reason: String,
    /// What was asked for.
    pub filter: serde_json::Value,
    /// Where it stands.
    pub state: RejudgeState,
    /// Submissions that were scored anew without running.
    pub rescored: i32,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Who applied or cancelled it.
    pub closed_by: Option<UserId>,
    /// When.
    pub closed_at: Option<Timestamp>,
    /// How its submissions compare.
    pub counts: Counts,
}

struct Raw {
    id: RejudgeId,
    lab: LabId,
    revision: i32,
    reason: String,
    filter: serde_json::Value,
    state: RejudgeState,
    rescored: i32,
    created_by: UserId,
    created_at: Time,
    closed_by: Option<UserId>,
    closed_at: Option<Time>,
    total: i64,
    pending: i64,
    better: i64,
    worse: i64,
    same: i64,
    failed: i64,
    dropped: i64,
    verdict_changed: i64,
    applied: i64,
}

impl From<Raw> for SetRow {
    fn from(raw: Raw) -> Self {
        let Raw { total, pending, better, worse, same, failed, dropped, verdict_changed, applied, .. } = raw;
        Self {
            id: raw.id,
            lab: raw.lab,
            revision: raw.revision,
            reason: raw.reason,
            filter: raw.filter,
            state: raw.state,
            rescored: raw.rescored,
            created_by: raw.created_by,
            created_at: raw.created_at.to_jiff(),
            closed_by: raw.closed_by,
            closed_at: raw.closed_at.map(Time::to_jiff),
            counts: Counts { total, pending, better, worse, same, failed, dropped, verdict_changed, applied },
        }
    }
}

/// Where a set belongs, for whoever asks whether somebody may see it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Its lab.
    pub lab: LabId,
    /// The lab's course.
    pub course: CourseId,
    /// Whether the lab was deleted since.
    pub deleted: bool,
}

/// Where a set belongs.
pub async fn place(db: impl PgExecutor<'_>, id: RejudgeId) -> sqlx::Result<Option<Place>> {
    sqlx::query_as!(
        Place,
        r#"select l.lab_id as lab, l.course_id as course, l.deleted_at is not null as "deleted!"
             from rejudge_set x join lab l using (lab_id) where x.set_id = $1"#,
        id as _
    )
    .fetch_optional(db)
    .await
}

/// A set.
pub async fn get(db: impl PgExecutor<'_>, id: RejudgeId) -> sqlx::Result<Option<SetRow>> {
    let raw = sqlx::query_as!(
        Raw,
        r#"select x.set_id as id, x.lab_id as lab, r.number as revision, x.reason, x.filter, x.state, x.rescored,
                  x.created_by, x.created_at, x.closed_by, x.closed_at,
                  c.total as "total!", c.pending as "pending!", c.better as "better!", c.worse as "worse!", c.same as "same!",
                  c.failed as "failed!", c.dropped as "dropped!", c.verdict_changed as "verdict_changed!", c.applied as "applied!"
             from rejudge_set x join lab_revision r using (revision_id),
                  lateral (select count(*) as total,
                                  count(*) filter (where change = 'pending') as pending, count(*) filter (where change = 'better') as better,
                                  count(*) filter (where change = 'worse') as worse, count(*) filter (where change = 'same') as same,
                                  count(*) filter (where change = 'failed') as failed, count(*) filter (where change = 'dropped') as dropped,
                                  count(*) filter (where change in ('better', 'worse', 'same') and new_verdict <> old_verdict) as verdict_changed,
                                  count(*) filter (where outcome = 'applied') as applied
                             from rejudge_result i where i.set_id = x.set_id) c
            where x.set_id = $1"#,
        id as _
    )
    .fetch_optional(db)
    .await?;
    Ok(raw.map(SetRow::from))
}

/// A lab's sets, newest first.
pub async fn page(
    db: impl PgExecutor<'_>,
    lab: LabId,
    after: Option<RejudgeId>,
    limit: i64,
) -> sqlx::Result<Vec<SetRow>> {
    let raw = sqlx::query_as!(
        Raw,
        r#"select x.set_id as id, x.lab_id as lab, r.number as revision, x.reason, x.filter, x.state, x.rescored,
                  x.created_by, x.created_at, x.closed_by, x.closed_at,
                  c.total as "total!", c.pending as "pending!", c.better as "better!", c.worse as "worse!", c.same as "same!",
                  c.failed as "failed!", c.dropped as "dropped!", c.verdict_changed as "verdict_changed!", c.applied as "applied!"
             from rejudge_set x join lab_revision r using (revision_id),
                  lateral (select count(*) as total,
                                  count(*) filter (where change = 'pending') as pending, count(*) filter (where change = 'better') as better,
                                  count(*) filter (where change = 'worse') as worse, count(*) filter (where change = 'same') as same,
                                  count(*) filter (where change = 'failed') as failed, count(*) filter (where change = 'dropped') as dropped,
                                  count(*) filter (where change in ('better', 'worse', 'same') and new_verdict <> old_verdict) as verdict_changed,
                                  count(*) filter (where outcome = 'applied') as applied
                             from rejudge_result i where i.set_id = x.set_id) c
            where x.lab_id = $1 and ($2::uuid is null or x.set_id < $2)
            order by x.set_id desc limit $3"#,
        lab as _,
        after as _,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(raw.into_iter().map(SetRow::from).collect())
}

/// Locks a set until the transaction ends, so that it ends once; how it stands then.
pub async fn lock(tx: &mut PgTransaction<'_>, id: RejudgeId) -> sqlx::Result<Option<RejudgeState>> {
    sqlx::query_scalar!("select state from rejudge_set where set_id = $1 for update", id as _)
        .fetch_optional(&mut **tx)
        .await
}

/// One submission of a set.
#[derive(Debug, Clone)]
pub struct Item {
    /// The submission.
    pub submission: SubmissionId,
    /// Whose it is.
    pub account: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// By which it is graded again; gone if it was dropped.
    pub run: Option<SubmissionId>,
    /// How the two grades compare.
    pub change: Change,
    /// Number of the revision by which it was graded before.
    pub old_revision: i32,
    /// The grade that stood when the set was made.
    pub before: Brief,
    /// The new one, once there is one.
    pub after: Option<Brief>,
    /// Another set has replaced its grade since this one was made.
    pub conflict: bool,
    /// The student has handed in another one since then.
    pub newer: bool,
    /// What applying did.
    pub outcome: Option<RejudgeOutcome>,
}

/// A set's submissions in the order of their hand-in, of one kind of change or of all.
pub async fn items(
    db: impl PgExecutor<'_>,
    set: RejudgeId,
    change: Option<Change>,
    after: Option<SubmissionId>,
    limit: i64,
) -> sqlx::Result<Vec<Item>> {
    let rows = sqlx::query!(
        r#"select i.submission_id as "submission!: SubmissionId", i.account_id as "account!: UserId", a.name, a.email,
                  i.run_id as "run: SubmissionId", i.change as "change!: Change", r.number,
                  i.old_verdict as "old_verdict!", i.old_score as "old_score!", i.old_max_score as "old_max_score!",
                  i.old_late_factor as "old_late_factor!",
                  i.new_verdict as "new_verdict?", i.new_score as "new_score?", i.new_max_score as "new_max_score?",
                  i.new_late_factor as "new_late_factor?", i.outcome as "outcome?: RejudgeOutcome",
                  (i.moved and x.state = 'open') or i.outcome is not distinct from 'conflict' as "conflict!",
                  exists (select 1 from submission s where s.lab_id = i.lab_id and s.account_id = i.account_id
                             and s.kind = 'student' and s.created_at > x.created_at) as "newer!"
             from rejudge_result i join rejudge_set x using (set_id) join account a using (account_id)
             join lab_revision r on r.revision_id = i.old_revision_id
            where i.set_id = $1 and ($2::text is null or i.change = $2) and ($3::uuid is null or i.submission_id > $3)
            order by i.submission_id limit $4"#,
        set as _,
        change.map(Change::as_str),
        after as _,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Item {
            submission: row.submission,
            account: row.account,
            name: row.name,
            email: row.email,
            run: row.run,
            change: row.change,
            old_revision: row.number,
            before: Brief {
                verdict: row.old_verdict,
                score: row.old_score,
                max_score: row.old_max_score,
                late_factor: row.old_late_factor,
            },
            after: match (row.new_verdict, row.new_score, row.new_max_score, row.new_late_factor) {
                (Some(verdict), Some(score), Some(max_score), Some(late_factor)) => {
                    Some(Brief { verdict, score, max_score, late_factor })
                }
                _ => None,
            },
            conflict: row.conflict,
            newer: row.newer,
            outcome: row.outcome,
        })
        .collect())
}

/// What counts for one student's gradebook without and with a set: the submission and its points after the late factor.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Effect {
    /// Without it.
    pub before: Option<(SubmissionId, f64)>,
    /// With it.
    pub after: Option<(SubmissionId, f64)>,
}

/// The effect of a set on the gradebook of these students.
pub async fn effects(
    db: impl PgExecutor<'_>,
    set: RejudgeId,
    lab: LabId,
    accounts: &[UserId],
) -> sqlx::Result<HashMap<UserId, Effect>> {
    let accounts: Vec<_> = accounts.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"with graded as (
             select s.account_id, s.submission_id, s.created_at, r.counting,
                    coalesce(i.old_verdict, s.verdict) as verdict,
                    coalesce(i.old_score * i.old_late_factor, s.score * s.late_factor) as points,
                    coalesce(i.change in ('better', 'worse', 'same'), false) as again, i.new_score * i.new_late_factor as new_points
               from submission s join lab l using (lab_id) left join lab_revision r on r.revision_id = l.published_revision_id
               left join rejudge_result i on i.set_id = $1 and i.submission_id = s.submission_id
              where s.lab_id = $2 and s.account_id = any($3) and s.kind = 'student' and s.status = 'done'),
           before as (
             select distinct on (account_id) account_id, submission_id, points from graded where verdict <> 'IE'
              order by account_id, case when counting = 'last' then 0 else round(points::numeric, 6) end desc,
                       case when counting = 'last' then created_at end desc, created_at, submission_id),
           after as (
             select distinct on (account_id) account_id, submission_id, case when again then new_points else points end as points
               from graded where again or verdict <> 'IE'
              order by account_id,
                       case when counting = 'last' then 0 else round((case when again then new_points else points end)::numeric, 6) end desc,
                       case when counting = 'last' then created_at end desc, created_at, submission_id)
           select coalesce(b.account_id, a.account_id) as "account!: UserId",
                  b.submission_id as "before?: SubmissionId", b.points as "before_points?",
                  a.submission_id as "after?: SubmissionId", a.points as "after_points?"
             from before b full join after a using (account_id)"#,
        set as _,
        lab as _,
        &accounts
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let effect = Effect { before: row.before.zip(row.before_points), after: row.after.zip(row.after_points) };
            (row.account, effect)
        })
        .collect())
}

/// A grade that was replaced.
#[derive(Debug, Clone)]
pub struct Former {
    /// When it was replaced.
    pub replaced_at: Timestamp,
    /// When it began to count.
    pub graded_at: Timestamp,
    /// The set that replaced it.
    pub set: Option<RejudgeId>,
    /// Why, for people.
    pub reason: Option<String>,
    /// Number of the revision by which it was graded.
    pub revision: i32,
    /// The grade.
    pub grade: Brief,
}

/// A submission's former grades, newest first.
pub async fn former(db: impl PgExecutor<'_>, submission: SubmissionId, limit: i64) -> sqlx::Result<Vec<Former>> {
    let rows = sqlx::query!(
        r#"select h.replaced_at, h.graded_at, h.set_id, x.reason as "reason?", r.number, h.verdict, h.score, h.max_score, h.late_factor
             from submission_grade_history h join lab_revision r using (revision_id)
             left join rejudge_set x on x.set_id = h.set_id
            where h.submission_id = $1 order by h.replaced_at desc limit $2"#,
        submission as _,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Former {
            replaced_at: row.replaced_at.to_jiff(),
            graded_at: row.graded_at.to_jiff(),
            set: row.set_id,
            reason: row.reason,
            revision: row.number,
            grade: Brief {
                verdict: row.verdict,
                score: row.score,
                max_score: row.max_score,
                late_factor: row.late_factor,
            },
        })
        .collect())
}
