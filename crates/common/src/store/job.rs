//! Table `grading_job`: the life of one piece of work. PostgreSQL decides, by its own clock; Redis only carries ids.
//!
//! ```text
//!            dispatch            claim                finish
//!  queued ─────────────▶ dispatched ──────▶ running ──────────▶ done
//!    ▲                                        │ │
//!    └────── retry, hand back, lease over ────┘ └── tries used up ──▶ dead
//! ```
//!
//! `attempt` grows with each claim and never shrinks: it is the fencing token that every write of a worker carries.
//! An attempt that was handed back is counted apart, so that it is not spent.

mod ending;
mod sweep;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, PgTransaction, types::Json};

pub use self::{
    ending::{Finished, INTERNAL_ERROR, Retried, finish, give_up, hand_back, retry},
    sweep::{Depth, Swept, depth, redispatch, sweep},
};
use super::{SubmissionKind, Time};
use crate::{
    ids::{LabId, RevisionId, SubmissionId, UserId, WorkerId},
    lab::{LabDocument, SourceFile},
};

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[repr(i16)]
pub enum JobClass {
    /// Somebody waits at the screen for it.
    Interactive = 0,
    /// A hand-in.
    Submission = 1,
    /// A rejudge or a validation.
    Background = 2,
}

impl JobClass {
    /// All, most urgent first.
    pub const ALL: [Self; 3] = [Self::Interactive, Self::Submission, Self::Background];

    /// Its number in rows and stream names.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Submission => "submission",
            Self::Background => "background",
        }
    }
}

/// A job on its way to the graders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dispatched {
    /// The submission to grade.
    pub submission: SubmissionId,
    /// The job's attempt counter when it was dispatched: a claim must find it unchanged.
    pub attempt: i32,
    /// Its stream.
    pub class: JobClass,
}

/// The lock that makes choosing single-flight: two dispatchers at once would each fill the window.
const DISPATCH_LOCK: i64 = 0x6974_6572_6469_7370;

/// Chooses what is graded next and marks it dispatched; after the commit the ids go to Redis.
///
/// The streams are kept shallow (two jobs for each slot of a living grader), because a stream cannot be reordered:
/// so the choice is made late, by class, then by each account's turn, then by age. Of one account no more are under
/// way than its grader's `per_account`, or half of all slots if that is more: whoever comes next finds a free slot.
/// A background job that has waited two minutes counts as a submission, so that it does not starve; one of a rejudge
/// set, of which there may be hundreds, only after an hour. All rejudges together leave one slot of a grader that has
/// several to whoever hands in, so that nobody waits for the end of one.
pub async fn dispatch(tx: &mut PgTransaction<'_>) -> sqlx::Result<Vec<Dispatched>> {
    sqlx::query!("select pg_advisory_xact_lock($1)", DISPATCH_LOCK).execute(&mut **tx).await?;
    let room = sqlx::query!(
        r#"select 2 * coalesce(sum(slots), 0) - (select count(*) from grading_job where state = 'dispatched') as "window!",
                  greatest(coalesce(max(per_account), 1), coalesce(sum(slots), 0) / 2) as "per_account!",
                  greatest(coalesce(sum(slots), 0) - 1, 1)
                    - (select count(*) from grading_job where rejudge and state in ('dispatched', 'running')) as "rejudges!"
             from worker where seen_at > clock_timestamp() - interval '20 seconds'"#
    )
    .fetch_one(&mut **tx)
    .await?;
    if room.window <= 0 {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Dispatched,
        r#"with live as (
             select account_id, count(*) as n from grading_job where state in ('dispatched', 'running') group by 1),
           ranked as (
             select j.submission_id, j.created_at,
                    case when j.class = 2 and j.created_at < clock_timestamp() - case when j.rejudge then interval '1 hour' else interval '2 minutes' end
                         then 1 else j.class end as class,
                    case when j.rejudge then row_number() over (partition by j.rejudge order by j.created_at, j.submission_id) else 0 end as rejudge,
                    coalesce(l.n, 0) + row_number() over (partition by j.account_id order by j.class, j.created_at, j.submission_id) as turn
               from grading_job j left join live l using (account_id)
              where j.state = 'queued' and j.run_after <= clock_timestamp()),
           pick as (
             select submission_id, row_number() over (order by class, turn, created_at, submission_id) as place
               from ranked where turn <= $1 and rejudge <= $3 order by place limit $2),
           taken as (
             select j.submission_id, pick.place from grading_job j join pick using (submission_id) where j.state = 'queued' for update of j skip locked),
           sent as (
             update grading_job j set state = 'dispatched', dispatched_at = statement_timestamp() + t.place * interval '1 microsecond'
               from taken t where j.submission_id = t.submission_id
             returning j.submission_id, j.attempt, j.class)
           select s.submission_id as "submission: SubmissionId", s.attempt, s.class as "class: JobClass"
             from sent s join pick using (submission_id) order by pick.place"#,
        room.per_account,
        room.window,
        room.rejudges.max(0)
    )
    .fetch_all(&mut **tx)
    .await
}

/// All that grading needs to know.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The submission.
    pub submission: SubmissionId,
    /// The fencing token: every later write carries it.
    pub attempt: i32,
    /// How many tries are spent with this one.
    pub tries: i32,
    /// How urgent it was.
    pub class: JobClass,
    /// The lab.
    pub lab: LabId,
    /// The revision it is graded by.
    pub revision: RevisionId,
    /// Whose it is.
    pub account: UserId,
    /// Student or validation.
    pub kind: SubmissionKind,
    /// Language id.
    pub language: String,
    /// Sources.
    pub files: Vec<SourceFile>,
    /// Entry point that was asked for.
    pub main: Option<String>,
    /// The revision's document.
    pub document: LabDocument,
    /// The deadline that holds for this student: the lab's, or an extension.
    pub due_at: Option<Timestamp>,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// The database's clock at the claim.
    pub now: Timestamp,
    /// Seconds between being ready and being claimed.
    pub waited: f64,
}

/// Takes a dispatched job, with a lease. `None`: it is not to be had (taken, done, or the entry is of an earlier
/// attempt), so forget the entry.
pub async fn claim(
    db: impl PgExecutor<'_>,
    submission: SubmissionId,
    dispatched_attempt: i32,
    worker: WorkerId,
    lease: Duration,
) -> sqlx::Result<Option<Claimed>> {
    let row = sqlx::query!(
        r#"with claimed as (
             update grading_job
                set state = 'running', attempt = attempt + 1, worker = $3, dispatched_at = null,
                    lease_until = clock_timestamp() + make_interval(secs => $4)
              where submission_id = $1 and state = 'dispatched' and attempt = $2
             returning submission_id, attempt, handed_back, class, greatest(created_at, run_after) as ready_at),
           started as (
             update submission s set status = 'running' from claimed c where s.submission_id = c.submission_id and s.status = 'queued')
           select c.attempt, c.handed_back, c.class as "class: JobClass",
                  s.lab_id as "lab: LabId", s.revision_id as "revision: RevisionId", s.account_id as "account: UserId",
                  s.kind as "kind: SubmissionKind", s.language, s.files as "files: Json<Vec<SourceFile>>", s.main,
                  s.created_at as "created_at: Time", r.document as "document: Json<LabDocument>", e.due_at as "extended: Time", clock_timestamp() as "now!: Time",
                  extract(epoch from clock_timestamp() - c.ready_at)::float8 as "waited!"
             from claimed c join submission s using (submission_id) join lab_revision r using (revision_id)
             left join extension e on e.lab_id = s.lab_id and e.account_id = s.account_id"#,
        submission as _,
        dispatched_attempt,
        worker as _,
        lease.as_secs_f64()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Claimed {
        submission,
        attempt: row.attempt,
        tries: row.attempt - row.handed_back,
        class: row.class,
        lab: row.lab,
        revision: row.revision,
        account: row.account,
        kind: row.kind,
        language: row.language,
        files: row.files.0,
        main: row.main,
        due_at: row.extended.map(Time::to_jiff).or(row.document.0.due_at),
        document: row.document.0,
        created_at: row.created_at.to_jiff(),
        now: row.now.to_jiff(),
        waited: row.waited.max(0.0),
    }))
}

/// A claimed job: the submission and the attempt by which it was claimed.
pub type Held = (SubmissionId, i32);

/// Extends the leases of what a worker holds. Returns what it holds no longer: those runs are to be dropped.
pub async fn heartbeat(db: impl PgExecutor<'_>, held: &[Held], lease: Duration) -> sqlx::Result<Vec<Held>> {
    let ids: Vec<_> = held.iter().map(|(id, _)| id.uuid()).collect();
    let attempts: Vec<_> = held.iter().map(|(_, attempt)| *attempt).collect();
    let kept = sqlx::query!(
        r#"with held as (
             select j.submission_id, j.attempt
               from grading_job j join unnest($1::uuid[], $2::int[]) as h (id, attempt) on j.submission_id = h.id and j.attempt = h.attempt
              where j.state = 'running' order by j.submission_id for update of j)
           update grading_job j set lease_until = clock_timestamp() + make_interval(secs => $3)
             from held where j.submission_id = held.submission_id
           returning j.submission_id, j.attempt"#,
        &ids,
        &attempts,
        lease.as_secs_f64()
    )
    .fetch_all(db)
    .await?;
    let mut lost = held.to_vec();
    lost.retain(|(id, attempt)| !kept.iter().any(|k| k.submission_id == *id && k.attempt == *attempt));
    Ok(lost)
}
