//! Rejudge sets as answers.

use std::collections::HashMap;

use iteratione_common::{
    ids::{LabId, RejudgeId, SubmissionId, UserId},
    store::{
        self,
        rejudge::{Brief, Change, Counts, Effect, Item, RejudgeOutcome, RejudgeState, SetRow},
    },
    verdict::Verdict,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::ApiError, state::AppState, visibility::late};

/// A rejudge set and its progress.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RejudgeView {
    /// Its id.
    pub id: RejudgeId,
    /// Its lab.
    pub lab: LabId,
    /// The number of the lab's revision that it grades by.
    pub revision: i32,
    /// Why it was made.
    pub reason: String,
    /// What was asked for.
    #[schema(value_type = Object)]
    pub filter: serde_json::Value,
    /// `open` until it is applied or cancelled.
    pub state: RejudgeState,
    /// Whether each of its submissions is graded (or given up).
    pub finished: bool,
    /// Submissions whose stored results were scored anew without running, because only points have changed.
    pub rescored: i32,
    /// How its submissions compare with the grades that stood when it was made.
    pub counts: Counts,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Who applied or cancelled it.
    pub closed_by: Option<UserId>,
    /// When.
    pub closed_at: Option<Timestamp>,
}

impl From<SetRow> for RejudgeView {
    fn from(row: SetRow) -> Self {
        Self {
            id: row.id,
            lab: row.lab,
            revision: row.revision,
            reason: row.reason,
            filter: row.filter,
            state: row.state,
            finished: row.counts.pending == 0,
            rescored: row.rescored,
            counts: row.counts,
            created_by: row.created_by,
            created_at: row.created_at,
            closed_by: row.closed_by,
            closed_at: row.closed_at,
        }
    }
}

impl RejudgeView {
    /// The set as it stands in the database.
    pub(super) async fn read(db: impl store::PgExecutor<'_>, id: RejudgeId) -> Result<Self, ApiError> {
        Ok(store::rejudge::get(db, id).await?.ok_or(ApiError::NotFound("rejudge"))?.into())
    }
}

/// A grade in a few words.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct BriefGrade {
    /// Number of the revision by which it was graded.
    pub revision: i32,
    /// The submission's verdict.
    pub verdict: Verdict,
    /// Points after the late factor.
    pub score: f64,
    /// Points before it.
    pub raw_score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// What lateness leaves of the points.
    pub late_factor: f64,
}

impl BriefGrade {
    pub(super) fn new(revision: i32, brief: Brief) -> Self {
        let Brief { verdict, score, max_score, late_factor } = brief;
        Self { revision, verdict, score: late(score, late_factor), raw_score: score, max_score, late_factor }
    }
}

/// What counts for the gradebook of one student.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CountedView {
    /// The submission that counts.
    pub submission: SubmissionId,
    /// Its points after the late factor.
    pub score: f64,
}

/// One submission of a set: before and after.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RejudgeItem {
    /// The submission.
    pub submission: SubmissionId,
    /// Whose it is.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// `GET /submissions/{run}` shows the new result whole until the set is closed; null once dropped.
    pub run: Option<SubmissionId>,
    /// By points after the late factor.
    pub change: Change,
    /// The grade that stood when the set was made.
    pub before: BriefGrade,
    /// The new one; null until there is one.
    pub after: Option<BriefGrade>,
    /// What counted of this student for this lab, without the set.
    pub counted_before: Option<CountedView>,
    /// What counts with the set as far as it is graded.
    pub counted_after: Option<CountedView>,
    /// Another set has replaced this grade since this one was made: applying leaves it as it is.
    pub conflict: bool,
    /// The student has handed in again since the set was made.
    pub newer_submission: bool,
    /// What applying did.
    pub outcome: Option<RejudgeOutcome>,
}

/// Items with what they do to the gradebook.
pub(super) async fn items(state: &AppState, set: &RejudgeView, items: &[Item]) -> Result<Effects, ApiError> {
    let accounts: Vec<UserId> = items.iter().map(|item| item.account).collect();
    let effects = store::rejudge::effects(&state.pg, set.id, set.lab, &accounts).await?;
    Ok(Effects { revision: set.revision, effects })
}

/// Makes views of items.
pub(super) struct Effects {
    revision: i32,
    effects: HashMap<UserId, Effect>,
}

impl Effects {
    pub(super) fn view(&self, item: Item) -> RejudgeItem {
        let counted = |(submission, points)| CountedView { submission, score: late(points, 1.0) };
        let effect = self.effects.get(&item.account).copied().unwrap_or_default();
        RejudgeItem {
            submission: item.submission,
            user: item.account,
            name: item.name,
            email: item.email,
            run: item.run,
            change: item.change,
            before: BriefGrade::new(item.old_revision, item.before),
            after: item.after.map(|after| BriefGrade::new(self.revision, after)),
            counted_before: effect.before.map(counted),
            counted_after: effect.after.map(counted),
            conflict: item.conflict,
            newer_submission: item.newer,
            outcome: item.outcome,
        }
    }
}
