//! Tables `rejudge_set` and `rejudge_item`: submissions that are graded again beside their standing grades.
//!
//! Each of them has a run: a submission of kind `rejudge` with a job of its own, so that graders, leases, retries and
//! dead letters are as always, and nobody but this module knows of sets. Applying copies the runs' grades over the
//! standing ones; cancelling removes the runs that have not ended, whose graders are then fenced.

mod close;
mod create;
mod read;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    close::{Applied, Skipped, apply, cancel},
    create::{Candidate, Choice, NewRejudge, candidates, grade, insert, insert_runs, open, record_rescored, revision},
    read::{Effect, Former, Item, Place, SetRow, effects, former, get, items, lock, page, place},
};
use crate::verdict::Verdict;

/// Where a set stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "rejudge_state", rename_all = "snake_case")]
pub enum RejudgeState {
    /// To be looked at, then applied or cancelled.
    Open,
    /// Its grades stand.
    Applied,
    /// Its grades do not count.
    Cancelled,
}

/// What applying did with one submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "rejudge_outcome", rename_all = "snake_case")]
pub enum RejudgeOutcome {
    /// The new grade stands.
    Applied,
    /// It was not graded yet: the old grade stands.
    Unfinished,
    /// The judge failed: the old grade stands.
    Failed,
    /// Another set has replaced its grade meanwhile: that one stands.
    Conflict,
}

/// How a new grade compares with the standing one, by points after the late factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Change {
    /// More points.
    Better,
    /// Fewer points.
    Worse,
    /// As many points; the verdict may differ.
    Same,
    /// Not graded yet.
    Pending,
    /// The judge failed.
    Failed,
    /// Removed before it was graded.
    Dropped,
}

impl Change {
    /// As in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

/// A set's head, with what [`read`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Counts {
    /// Submissions in the set.
    pub total: i64,
    /// Not graded yet.
    pub pending: i64,
    /// With more points than before.
    pub better: i64,
    /// With fewer.
    pub worse: i64,
    /// With as many.
    pub same: i64,
    /// That the judge could not grade.
    pub failed: i64,
    /// Removed before they were graded.
    pub dropped: i64,
    /// With another verdict than before.
    pub verdict_changed: i64,
    /// Whose grade was replaced.
    pub applied: i64,
}

/// One grade in a few words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brief {
    /// Verdict.
    pub verdict: Verdict,
    /// Points before the late factor.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// Multiplies the score.
    pub late_factor: f64,
}
