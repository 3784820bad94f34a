//! Choosing submissions and beginning their runs.

use jiff::Timestamp;
use sqlx::{PgExecutor, PgTransaction, types::Json};

use crate::{
    ids::{LabId, RejudgeId, RevisionId, SubmissionId, UserId},
    store::submission::json_text,
    submission::Grade,
    verdict::Verdict,
};

/// Which of a lab's submissions are graded again; all conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Only these.
    pub submissions: Option<Vec<SubmissionId>>,
    /// Only of these accounts.
    pub users: Option<Vec<UserId>>,
    /// Only with one of these verdicts.
    pub verdicts: Option<Vec<Verdict>>,
    /// Only those that count for the gradebook.
    pub only_best: bool,
}

/// A submission that is to be graded again.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its id.
    pub id: SubmissionId,
    /// By which it was graded.
    pub revision: RevisionId,
    /// Its language.
    pub language: String,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// What lateness leaves of its points.
    pub late_factor: f64,
    /// Whether deadlines bind its owner: a student of the course.
    pub bound: bool,
}

/// The graded submissions of students that a choice means, oldest first.
pub async fn candidates(
    db: impl PgExecutor<'_>,
    lab: LabId,
    choice: &Choice,
    limit: i64,
) -> sqlx::Result<Vec<Candidate>> {
    let submissions: Option<Vec<_>> = choice.submissions.as_ref().map(|ids| ids.iter().map(|id| id.uuid()).collect());
    let users: Option<Vec<_>> = choice.users.as_ref().map(|ids| ids.iter().map(|id| id.uuid()).collect());
    let verdicts: Option<Vec<_>> =
        choice.verdicts.as_ref().map(|all| all.iter().map(|v| v.as_str().to_owned()).collect());
    let rows = sqlx::query!(
        r#"select s.submission_id, s.revision_id, s.language, s.created_at, s.late_factor,
                  coalesce(m.role = 'student', false) as "bound!"
             from submission s join lab l using (lab_id)
             left join course_member m on m.course_id = l.course_id and m.account_id = s.account_id
            where s.lab_id = $1 and s.kind = 'student' and s.status = 'done'
              and ($2::uuid[] is null or s.submission_id = any($2))
              and ($3::uuid[] is null or s.account_id = any($3))
              and ($4::text[] is null or s.verdict::text = any($4))
              and (not $5 or s.submission_id in (select c.submission_id from counting_submission c where c.lab_id = $1))
            order by s.submission_id limit $6"#,
        lab as _,
        submissions.as_deref(),
        users.as_deref(),
        verdicts.as_deref(),
        choice.only_best,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Candidate {
            id: row.submission_id,
            revision: row.revision_id,
            language: row.language,
            created_at: row.created_at.to_jiff(),
            late_factor: row.late_factor,
            bound: row.bound,
        })
        .collect())
}

/// A set that is not there yet.
#[derive(Debug, Clone, Copy)]
pub struct NewRejudge<'a> {
    /// Id.
    pub id: RejudgeId,
    /// The lab.
    pub lab: LabId,
    /// What it grades by.
    pub revision: RevisionId,
    /// Why, for people.
    pub reason: &'a str,
    /// What was asked for.
    pub filter: &'a serde_json::Value,
    /// Who asks.
    pub created_by: UserId,
}

/// Adds an empty set.
pub async fn insert(tx: &mut PgTransaction<'_>, new: &NewRejudge<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into rejudge_set (set_id, lab_id, revision_id, reason, filter, created_by) values ($1, $2, $3, $4, $5, $6)",
        new.id as _,
        new.lab as _,
        new.revision as _,
        new.reason,
        new.filter,
        new.created_by as _
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Begins a run of each submission, with the late factor that goes with it; returns the runs' ids in the same order. The
/// caller has locked the lab, so that runs are numbered one set after the other.
///
/// A run's job takes its turns as the set's own, not as the student's: what a student hands in meanwhile comes as soon
/// as ever.
pub async fn insert_runs(
    tx: &mut PgTransaction<'_>,
    set: RejudgeId,
    revision: RevisionId,
    chosen: &[(SubmissionId, f64)],
) -> sqlx::Result<Vec<SubmissionId>> {
    let runs: Vec<SubmissionId> = chosen.iter().map(|_| SubmissionId::new()).collect();
    let (ids, factors): (Vec<_>, Vec<_>) = chosen.iter().map(|(id, factor)| (id.uuid(), *factor)).unzip();
    let run_ids: Vec<_> = runs.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "with chosen as (
           select * from unnest($3::uuid[], $4::uuid[], $5::float8[]) as c (submission_id, run_id, late_factor)),
         runs as (
           insert into submission (submission_id, lab_id, revision_id, account_id, kind, language, files, main, late_factor, ordinal)
           select c.run_id, s.lab_id, $2, s.account_id, 'rejudge', s.language, s.files, s.main, c.late_factor,
                  coalesce((select max(o.ordinal) from submission o
                             where o.lab_id = s.lab_id and o.account_id = s.account_id and o.kind = 'rejudge'), 0)
                    + row_number() over (partition by s.account_id order by s.submission_id)
             from chosen c join submission s using (submission_id)),
         jobs as (
           insert into grading_job (submission_id, account_id, class, rejudge) select run_id, $1, 2, true from chosen)
         insert into rejudge_item (set_id, submission_id, run_id, old_revision_id, old_verdict, old_score, old_max_score,
                                   old_late_factor, old_regraded_at)
         select $1, s.submission_id, c.run_id, s.revision_id, s.verdict, s.score, s.max_score, s.late_factor, s.regraded_at
           from chosen c join submission s using (submission_id)",
        set as _,
        revision as _,
        &ids,
        &run_ids,
        &factors
    )
    .execute(&mut **tx)
    .await?;
    Ok(runs)
}

/// The standing grade of a submission, whole.
pub async fn grade(db: impl PgExecutor<'_>, submission: SubmissionId) -> sqlx::Result<Option<Grade>> {
    let grade = sqlx::query_scalar!(
        r#"select grade as "grade: Json<Grade>" from submission where submission_id = $1"#,
        submission as _
    )
    .fetch_optional(db)
    .await?;
    Ok(grade.flatten().map(|g| g.0))
}

/// Ends a run that was begun in this transaction with a grade that was scored from the standing one's results.
pub async fn record_rescored(
    tx: &mut PgTransaction<'_>,
    set: RejudgeId,
    run: SubmissionId,
    grade: &Grade,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update submission set status = 'done', verdict = $2, score = $3, max_score = $4, grade = $5::text::json,
                finished_at = clock_timestamp()
          where submission_id = $1",
        run as _,
        grade.verdict as Verdict,
        grade.score,
        grade.max_score,
        json_text(grade)?
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!("update grading_job set state = 'done' where submission_id = $1", run as _).execute(&mut **tx).await?;
    sqlx::query!("update rejudge_set set rescored = rescored + 1 where set_id = $1", set as _)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The revision of this number.
pub async fn revision(db: impl PgExecutor<'_>, lab: LabId, number: i32) -> sqlx::Result<Option<RevisionId>> {
    sqlx::query_scalar!("select revision_id from lab_revision where lab_id = $1 and number = $2", lab as _, number)
        .fetch_optional(db)
        .await
}

/// How many sets of a lab are open.
pub async fn open(db: impl PgExecutor<'_>, lab: LabId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "n!" from rejudge_set where lab_id = $1 and state = 'open'"#, lab as _)
        .fetch_one(db)
        .await
}
