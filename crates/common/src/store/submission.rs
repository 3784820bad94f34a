//! Table `submission`: what was handed in, and what became of it.

use jiff::Timestamp;
use sqlx::{PgExecutor, PgTransaction, types::Json};

use super::{SubmissionKind, Time, job::JobClass};
use crate::{
    ids::{CourseId, LabId, RevisionId, SubmissionId, UserId},
    lab::SourceFile,
    submission::{Grade, SubmissionStatus},
    verdict::Verdict,
};

/// A submission to be stored together with its job.
#[derive(Debug, Clone)]
pub struct NewSubmission {
    /// Chosen by the caller, a fresh UUIDv7.
    pub id: SubmissionId,
    /// The lab.
    pub lab: LabId,
    /// The revision that it is graded by.
    pub revision: RevisionId,
    /// Whose it is; of a validation, who published.
    pub account: UserId,
    /// Student or validation.
    pub kind: SubmissionKind,
    /// Of a validation: index of the reference solution in the document.
    pub solution: Option<i32>,
    /// Language id.
    pub language: String,
    /// Sources, already checked.
    pub files: Vec<SourceFile>,
    /// Entry point, where there are several.
    pub main: Option<String>,
    /// Multiplies the score of a late hand-in; 1 if it is in time.
    pub late_factor: f64,
    /// How urgent grading is.
    pub class: JobClass,
}

/// What the database decided about a new submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// The account's n-th submission of that kind to the lab, from 1.
    pub ordinal: i32,
    /// By the database's clock.
    pub created_at: Timestamp,
}

/// Makes this transaction the only one that counts or adds submissions of this account to this lab. Take it before
/// [`attempts`] when the answer decides whether [`insert`] may follow.
pub async fn lock(tx: &mut PgTransaction<'_>, lab: LabId, account: UserId) -> sqlx::Result<()> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1::text || $2::text, 0))",
        lab.to_string(),
        account.to_string()
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Stores the submission and its job, queued. After the commit, wake the dispatcher.
pub async fn insert(tx: &mut PgTransaction<'_>, new: &NewSubmission) -> sqlx::Result<Inserted> {
    lock(tx, new.lab, new.account).await?;
    let row = sqlx::query!(
        "insert into submission (submission_id, lab_id, revision_id, account_id, kind, solution, language, files, main, late_factor, ordinal)
         select $1, $2, $3, $4, $5, $6, $7, $8::text::json, $9, $10,
                1 + coalesce(max(ordinal), 0) from submission where lab_id = $2 and account_id = $4 and kind = $5
         returning ordinal, created_at",
        new.id as _,
        new.lab as _,
        new.revision as _,
        new.account as _,
        new.kind as SubmissionKind,
        new.solution,
        new.language,
        json_text(&new.files)?,
        new.main,
        new.late_factor,
    )
    .fetch_one(&mut **tx)
    .await?;
    sqlx::query!(
        "insert into grading_job (submission_id, account_id, class) values ($1, $2, $3)",
        new.id as _,
        new.account as _,
        new.class as JobClass
    )
    .execute(&mut **tx)
    .await?;
    Ok(Inserted { ordinal: row.ordinal, created_at: row.created_at.to_jiff() })
}

/// For a column of type json, as `$n::text::json`: sqlx's own way is by jsonb, which refuses NUL characters.
pub(super) fn json_text(value: &impl serde::Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// A submission as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmissionRow {
    /// Its id.
    pub id: SubmissionId,
    /// The lab.
    pub lab: LabId,
    /// The lab's course.
    pub course: CourseId,
    /// The revision that it is graded by.
    pub revision: RevisionId,
    /// That revision's number within the lab.
    pub revision_number: i32,
    /// Whose it is.
    pub account: UserId,
    /// Student or validation.
    pub kind: SubmissionKind,
    /// Of a validation: index of the reference solution.
    pub solution: Option<i32>,
    /// Language id.
    pub language: String,
    /// Entry point that was asked for.
    pub main: Option<String>,
    /// The account's n-th submission to the lab.
    pub ordinal: i32,
    /// Where it stands.
    pub status: SubmissionStatus,
    /// Set when done.
    pub verdict: Option<Verdict>,
    /// Points before the late factor; set when done.
    pub score: Option<f64>,
    /// Points that could be had; set when done.
    pub max_score: Option<f64>,
    /// Multiplies the score.
    pub late_factor: f64,
    /// The whole result, set when done. [`page`] leaves it out: it may be megabytes.
    pub grade: Option<Grade>,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When its grade was recorded.
    pub finished_at: Option<Timestamp>,
    /// How often a grader took it.
    pub grading_attempt: i32,
    /// When an applied rejudge set last replaced its grade.
    pub regraded_at: Option<Timestamp>,
}

/// What the queries below select; the macros want a type of exactly their columns.
struct Raw {
    id: SubmissionId,
    lab: LabId,
    course: CourseId,
    revision: RevisionId,
    revision_number: i32,
    account: UserId,
    kind: SubmissionKind,
    solution: Option<i32>,
    language: String,
    main: Option<String>,
    ordinal: i32,
    status: SubmissionStatus,
    verdict: Option<Verdict>,
    score: Option<f64>,
    max_score: Option<f64>,
    late_factor: f64,
    grade: Option<Json<Grade>>,
    created_at: Time,
    finished_at: Option<Time>,
    grading_attempt: i32,
    regraded_at: Option<Time>,
}

impl From<Raw> for SubmissionRow {
    fn from(raw: Raw) -> Self {
        Self {
            id: raw.id,
            lab: raw.lab,
            course: raw.course,
            revision: raw.revision,
            revision_number: raw.revision_number,
            account: raw.account,
            kind: raw.kind,
            solution: raw.solution,
            language: raw.language,
            main: raw.main,
            ordinal: raw.ordinal,
            status: raw.status,
            verdict: raw.verdict,
            score: raw.score,
            max_score: raw.max_score,
            late_factor: raw.late_factor,
            grade: raw.grade.map(|g| g.0),
            created_at: raw.created_at.to_jiff(),
            finished_at: raw.finished_at.map(Time::to_jiff),
            grading_attempt: raw.grading_attempt,
            regraded_at: raw.regraded_at.map(Time::to_jiff),
        }
    }
}

/// The submission with its whole grade.
pub async fn get(db: impl PgExecutor<'_>, id: SubmissionId) -> sqlx::Result<Option<SubmissionRow>> {
    let raw = sqlx::query_as!(
        Raw,
        r#"select s.submission_id as id, s.lab_id as lab, l.course_id as course, s.revision_id as revision, r.number as revision_number,
                  s.account_id as account, s.kind, s.solution, s.language, s.main, s.ordinal, s.status, s.verdict, s.score, s.max_score,
                  s.late_factor, s.grade as "grade: Json<Grade>", s.created_at, s.finished_at, j.attempt as grading_attempt, s.regraded_at
             from submission s
             join grading_job j using (submission_id)
             join lab l using (lab_id)
             join lab_revision r using (revision_id)
            where s.submission_id = $1"#,
        id as _
    )
    .fetch_optional(db)
    .await?;
    Ok(raw.map(SubmissionRow::from))
}

/// Where a submission stands, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it is on its way.
    pub status: SubmissionStatus,
    /// How often a grader took it.
    pub grading_attempt: i32,
}

/// Where a submission stands: what a follower asks while it hears nothing.
pub async fn standing(db: impl PgExecutor<'_>, id: SubmissionId) -> sqlx::Result<Option<Standing>> {
    sqlx::query_as!(
        Standing,
        "select s.status, j.attempt as grading_attempt from submission s join grading_job j using (submission_id)
          where s.submission_id = $1",
        id as _
    )
    .fetch_optional(db)
    .await
}

/// What was handed in.
pub async fn files(db: impl PgExecutor<'_>, id: SubmissionId) -> sqlx::Result<Option<Vec<SourceFile>>> {
    let files = sqlx::query_scalar!(
        r#"select files as "files: Json<Vec<SourceFile>>" from submission where submission_id = $1"#,
        id as _
    )
    .fetch_optional(db)
    .await?;
    Ok(files.map(|f| f.0))
}

/// Which submissions to a lab a list is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of this account only.
    pub account: Option<UserId>,
    /// With this verdict only.
    pub verdict: Option<Verdict>,
    /// Handed in at this moment or later.
    pub since: Option<Timestamp>,
}

/// Students' submissions to a lab, newest first, without their grades: those older than `after`.
pub async fn page(
    db: impl PgExecutor<'_>,
    lab: LabId,
    filter: Filter,
    after: Option<SubmissionId>,
    limit: i64,
) -> sqlx::Result<Vec<SubmissionRow>> {
    let raw = sqlx::query_as!(
        Raw,
        r#"select s.submission_id as id, s.lab_id as lab, l.course_id as course, s.revision_id as revision, r.number as revision_number,
                  s.account_id as account, s.kind, s.solution, s.language, s.main, s.ordinal, s.status, s.verdict, s.score, s.max_score,
                  s.late_factor, null::json as "grade: Json<Grade>", s.created_at, s.finished_at, j.attempt as grading_attempt, s.regraded_at
             from submission s
             join grading_job j using (submission_id)
             join lab l using (lab_id)
             join lab_revision r using (revision_id)
            where s.lab_id = $1 and s.kind = 'student'
              and ($2::uuid is null or s.account_id = $2)
              and ($3::uuid is null or s.submission_id < $3)
              and ($5::verdict is null or s.verdict = $5)
              and ($6::timestamptz is null or s.created_at >= $6)
            order by s.submission_id desc
            limit $4"#,
        lab as _,
        filter.account as _,
        after as _,
        limit,
        filter.verdict as Option<Verdict>,
        filter.since.map(Time::from) as _
    )
    .fetch_all(db)
    .await?;
    Ok(raw.into_iter().map(SubmissionRow::from).collect())
}

/// How many jobs are to start up to and including this one: 1 = it is next. `None` when it is not waiting.
///
/// The order is that of [`super::job::dispatch`] as things stand now; a more urgent job may still come before it.
pub async fn queue_position(db: impl PgExecutor<'_>, id: SubmissionId) -> sqlx::Result<Option<i64>> {
    let position = sqlx::query_scalar!(
        r#"with live as (
             select account_id, count(*) as n from grading_job where state in ('dispatched', 'running') group by 1),
           waiting as (
             select j.submission_id, j.state, j.class, j.created_at, j.dispatched_at,
                    coalesce(l.n, 0) + row_number() over (partition by j.account_id, j.state order by j.class, j.created_at, j.submission_id) as turn
               from grading_job j left join live l using (account_id)
              where j.state in ('queued', 'dispatched')),
           placed as (
             select submission_id,
                    row_number() over (order by state desc, case when state = 'dispatched' then dispatched_at end,
                                                class, turn, created_at, submission_id) as place
               from waiting)
           select place as "place!" from placed where submission_id = $1"#,
        id as _
    )
    .fetch_optional(db)
    .await?;
    Ok(position)
}

/// How often an account submitted to a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptCount {
    /// In all.
    pub total: i64,
    /// When those of the last day were made, the oldest first; at most the last 2000.
    pub recent: Vec<Timestamp>,
}

/// Counts a student's attempts; internal errors are not counted.
pub async fn attempts(db: impl PgExecutor<'_>, lab: LabId, account: UserId) -> sqlx::Result<AttemptCount> {
    let row = sqlx::query!(
        r#"with counted as (
             select created_at from submission
              where lab_id = $1 and account_id = $2 and kind = 'student' and verdict is distinct from 'IE'),
           recent as (
             select created_at from counted where created_at > now() - interval '1 day' order by created_at desc limit 2000)
           select (select count(*) from counted) as "total!",
                  (select coalesce(array_agg(created_at order by created_at), '{}') from recent) as "recent!: Vec<Time>""#,
        lab as _,
        account as _
    )
    .fetch_one(db)
    .await?;
    Ok(AttemptCount { total: row.total, recent: row.recent.into_iter().map(Time::to_jiff).collect() })
}
