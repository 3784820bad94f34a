//! The PostgreSQL store: functions over `impl PgExecutor`, one file per table. Nothing else names sqlx.

pub mod account;
pub mod audit;
pub mod course;
pub mod extension;
pub mod idempotency;
pub mod identity;
pub mod invitation;
pub mod member;
pub mod session;
pub mod token;
pub mod webhook;

pub mod gradebook;
pub mod intake;
pub mod job;
pub mod lab;
pub mod rejudge;
pub mod statistics;
pub mod submission;
pub mod validation;
pub mod worker;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::{str::FromStr as _, time::Duration};

pub use sqlx::{Error, PgExecutor, PgPool, PgTransaction, Result};

/// Instants in rows; [`jiff::Timestamp`] everywhere else.
pub type Time = jiff_sqlx::Timestamp;

/// What an account may do outside courses.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "account_role", rename_all = "snake_case")]
pub enum AccountRole {
    /// Joins courses.
    Student,
    /// Creates courses too.
    Instructor,
    /// Everything.
    Admin,
}

/// What a member may do in a course. Ordered: each role may do what those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "course_role", rename_all = "snake_case")]
pub enum CourseRole {
    /// Submits.
    Student,
    /// Sees all submissions.
    Assistant,
    /// Changes labs and members.
    Instructor,
}

impl CourseRole {
    /// As in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Assistant => "assistant",
            Self::Instructor => "instructor",
        }
    }
}

/// Where the newest revision of a lab stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "lab_status", rename_all = "snake_case")]
pub enum LabStatus {
    /// Not published.
    Draft,
    /// Its reference solutions are being graded.
    Validating,
    /// Students see it.
    Published,
    /// A reference solution did not get what it claims.
    Rejected,
}

/// Who made a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "submission_kind", rename_all = "snake_case")]
pub enum SubmissionKind {
    /// A member of the course.
    Student,
    /// The publish gate, from a reference solution.
    Validation,
    /// A rejudge set, from a student's submission.
    Rejudge,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "job_state", rename_all = "snake_case")]
pub enum JobState {
    /// Waiting in PostgreSQL.
    Queued,
    /// In a Redis stream.
    Dispatched,
    /// A worker holds its lease.
    Running,
    /// Graded.
    Done,
    /// Given up after bounded tries; the submission is IE.
    Dead,
}

/// Opens the pool. It connects when first used, so that a service can start while the database is down.
pub fn connect(url: &str, max_connections: u32) -> anyhow::Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?.application_name("iteratione");
    Ok(PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options))
}

/// The schema, in order. sqlx takes an advisory lock, so services may start at once.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// What a failed statement means for who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// PostgreSQL is down, starting or full: the same request may succeed soon.
    Away,
    /// Text that PostgreSQL cannot store, such as a NUL character: the client's mistake.
    UnstorableText,
    /// A mistake of ours, or a constraint that the caller should have named.
    Other,
}

/// Sorts a failed statement.
pub fn failure(error: &Error) -> Failure {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => Failure::Away,
        Error::Database(e) => match e.code().as_deref() {
            // Connection trouble, too many connections, out of memory or disk, shutting down, crashed, starting.
            Some(code) if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => Failure::Away,
            Some("22021" | "22P05") => Failure::UnstorableText,
            _ => Failure::Other,
        },
        _ => Failure::Other,
    }
}

/// Whether a statement waited for a lock for as long as it was allowed to.
pub fn is_lock_timeout(error: &Error) -> bool {
    matches!(error, Error::Database(e) if e.code().as_deref() == Some("55P03"))
}

/// Fails unless the database answers.
pub async fn ping(db: impl PgExecutor<'_>) -> Result<()> {
    sqlx::query("select 1").execute(db).await.map(drop)
}

/// Why the schema is not up to date.
#[derive(Debug)]
pub enum MigrateFailure {
    /// The database is not up yet.
    Away(anyhow::Error),
    /// It will not get better by waiting.
    Broken(anyhow::Error),
}

/// Brings the schema up to date.
pub async fn migrate(pg: &PgPool) -> std::result::Result<(), MigrateFailure> {
    MIGRATIONS.run(pg).await.map_err(|e| match e {
        sqlx::migrate::MigrateError::Execute(e) if failure(&e) == Failure::Away => MigrateFailure::Away(e.into()),
        other => MigrateFailure::Broken(other.into()),
    })
}
