//! `POST /rejudges/{rejudge}/apply`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use axum::{extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    ids::{RejudgeId, SubmissionId},
    store::{
        self, PgTransaction,
        audit::{self, Action, Entry},
        rejudge::{RejudgeOutcome, RejudgeState},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{begin::lab_deleted, view::RejudgeView};
use crate::{
    access::RejudgeStaff,
    auth::Actor,
    error::ApiError,
    extract::{Begun, IdempotencyKey, Params},
    problem::Problem,
    state::AppState,
};

/// Submissions that are named in the answer; all of them are in `GET /rejudges/{rejudge}`.
const NAMED: usize = 200;

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Partial {
    /// Apply what is graded and drop the rest.
    #[serde(default)]
    partial: bool,
}

/// What applying did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplyAnswer {
    /// The set, closed.
    #[serde(flatten)]
    pub set: RejudgeView,
    /// Submissions whose grade was left as it was.
    pub skipped_count: usize,
    /// The first 200 of them, and why.
    pub skipped: Vec<SkippedView>,
}

/// A submission whose grade was left as it was.
#[derive(Debug, Serialize, ToSchema)]
pub struct SkippedView {
    /// Which.
    pub submission: SubmissionId,
    /// `conflict`: another set has replaced its grade since this one was made; `failed`: the judge could not grade it;
    /// `unfinished`: with `partial`, it was not graded yet.
    pub why: RejudgeOutcome,
}

/// Replace the standing grades by the set's, all at once.
///
/// The old ones are kept in each submission's history. Refused while submissions are not graded yet, unless `partial`.
#[utoipa::path(
    post, path = "/rejudges/{rejudge}/apply", tag = "rejudges",
    params(("rejudge" = RejudgeId, Path), Partial, ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = ApplyAnswer),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`rejudge_closed`, `rejudge_unfinished`, `lab_deleted`"),
    )
)]
#[tracing::instrument(name = "api.rejudge.apply", skip_all, fields(rejudge.id = %who.id, user.id = %who.member.user.id))]
pub(super) async fn apply_rejudge(
    who: RejudgeStaff,
    Params(Partial { partial }): Params<Partial>,
    Actor(actor): Actor,
    key: IdempotencyKey,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let who = who.instructor()?;
    let by = who.member.user.id;
    let mut work = match key.begin(&state.pg, by, b"").await? {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    lock_open(work.tx(), who.id).await?;
    if who.place.deleted {
        return Err(lab_deleted());
    }
    let before = RejudgeView::read(&mut **work.tx(), who.id).await?;
    if !before.finished && !partial {
        let detail = format!("{} of {} submissions are not graded yet.", before.counts.pending, before.counts.total);
        return Err(ApiError::conflict("rejudge_unfinished", detail));
    }
    let done = store::rejudge::apply(work.tx(), who.id, by).await?;
    let set = RejudgeView::read(&mut **work.tx(), who.id).await?;
    let named = done.skipped.iter().take(NAMED).map(|s| SkippedView { submission: s.submission, why: s.why });
    let answer = ApplyAnswer { set, skipped_count: done.skipped.len(), skipped: named.collect() };
    let entry = Entry::new(Action::RejudgeApply).course(who.place.course).lab(who.place.lab).object(who.id.uuid());
    let counts = json!({"applied": done.applied, "skipped": answer.skipped_count, "partial": partial});
    audit::record(work.tx(), &actor, entry.after(counts)).await?;
    tracing::info!(applied = done.applied, skipped = answer.skipped_count, "a rejudge is applied");
    work.commit(StatusCode::OK, None, &answer).await
}

/// Locks a set that is still open: it ends once.
pub(super) async fn lock_open(tx: &mut PgTransaction<'static>, id: RejudgeId) -> Result<(), ApiError> {
    match store::rejudge::lock(tx, id).await? {
        Some(RejudgeState::Open) => Ok(()),
        Some(_) => Err(ApiError::conflict("rejudge_closed", "This rejudge was applied or cancelled before.")),
        None => Err(ApiError::NotFound("rejudge")),
    }
}
