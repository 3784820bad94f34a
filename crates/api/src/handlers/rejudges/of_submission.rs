//! `POST /submissions/{submission}/rejudge`

use axum::{extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    ids::SubmissionId,
    store::{rejudge::Choice, submission::SubmissionRow},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    begin::{Wanted, begin},
    view::RejudgeView,
};
use crate::{
    access::SubmissionStaff,
    auth::Actor,
    check,
    error::ApiError,
    extract::{Begun, Idempotent},
    problem::Problem,
    state::AppState,
};

/// How it is graded again.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RejudgeOneRequest {
    /// Why, for people; at most 500 characters.
    pub reason: String,
    /// The number of the revision to grade by; the published one unless given.
    pub revision: Option<i32>,
    /// Run it, also where only points have changed and the stored result could be scored anew.
    pub rerun: bool,
}

/// Grade one submission again, beside its standing grade: a rejudge set of one.
#[utoipa::path(
    post, path = "/submissions/{submission}/rejudge", tag = "rejudges",
    params(("submission" = SubmissionId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = RejudgeOneRequest,
    responses(
        (status = 202, body = RejudgeView, description = "`Location` is the set"),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_graded_yet`, `not_published`, `lab_deleted`, `too_many_open_rejudges`"),
        (status = 422, body = Problem),
    )
)]
#[tracing::instrument(name = "api.rejudge.create", skip_all, fields(submission.id = %who.submission.id, user.id = %who.user))]
pub(super) async fn rejudge_submission(
    SubmissionStaff(who): SubmissionStaff,
    Actor(actor): Actor,
    State(state): State<AppState>,
    request: Idempotent<RejudgeOneRequest>,
) -> Result<Response, ApiError> {
    let (begun, wanted) = request.begin(&state.pg, who.user).await?;
    let mut work = match begun {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let mut problems = Vec::new();
    let reason = check::line(&mut problems, "/reason", &wanted.reason, 0..=500);
    ApiError::if_any(problems)?;
    if who.submission.grade.is_none() {
        return Err(ApiError::conflict("not_graded_yet", "This submission is not graded yet."));
    }
    let filter =
        serde_json::json!({"submissions": [who.submission.id], "revision": wanted.revision, "rerun": wanted.rerun});
    let choice = Choice { submissions: Some(vec![who.submission.id]), ..Choice::default() };
    let RejudgeOneRequest { revision, rerun, .. } = wanted;
    let SubmissionRow { lab, course, .. } = who.submission;
    let wanted = Wanted { lab, course, choice, revision, rerun, reason, filter, by: who.user, actor };
    let set = begin(work.tx(), &wanted).await?;
    let view = RejudgeView::read(&mut **work.tx(), set).await?;
    let response = work.commit(StatusCode::ACCEPTED, Some(&format!("/api/v1/rejudges/{set}")), &view).await?;
    state.dispatch.wake();
    Ok(response)
}
