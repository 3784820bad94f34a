//! `POST /labs/{lab}/rejudge`

use axum::{extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    ids::{LabId, SubmissionId, UserId},
    store::rejudge::Choice,
    verdict::Verdict,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    begin::{MOST, Wanted, begin},
    view::RejudgeView,
};
use crate::{
    access::LabStaff,
    auth::Actor,
    check,
    error::{ApiError, FieldProblem},
    extract::{Begun, Idempotent},
    problem::Problem,
    state::AppState,
};

/// Which submissions are graded again: all conditions must hold; without any, all of the lab's.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RejudgeRequest {
    /// Why, for people; at most 500 characters.
    pub reason: String,
    /// Only these.
    pub submissions: Option<Vec<SubmissionId>>,
    /// Only of these accounts.
    pub users: Option<Vec<UserId>>,
    /// Only those with one of these verdicts.
    pub verdicts: Option<Vec<Verdict>>,
    /// Only those that count for the gradebook.
    pub only_best: bool,
    /// The number of the revision to grade by; the published one unless given.
    pub revision: Option<i32>,
    /// Run each, also where only points have changed and stored results could be scored anew.
    pub rerun: bool,
}

/// Grade submissions again, beside their standing grades.
///
/// The answer is a rejudge set: nothing changes for students until it is applied. Its runs come after everything that is
/// handed in. Where the two revisions differ in points alone, stored results are scored anew and nothing runs.
#[utoipa::path(
    post, path = "/labs/{lab}/rejudge", tag = "rejudges",
    params(("lab" = LabId, Path), ("Idempotency-Key" = Option<String>, Header)),
    request_body = RejudgeRequest,
    responses(
        (status = 202, body = RejudgeView, description = "`Location` is the set"),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_published`, `too_many_open_rejudges`, `lab_deleted`"),
        (status = 422, body = Problem, description = "`invalid`, `nothing_to_rejudge`, `too_many_submissions`"),
    )
)]
#[tracing::instrument(name = "api.rejudge.create", skip_all, fields(lab.id = %member.lab.id, user.id = %member.user()))]
pub(super) async fn rejudge_lab(
    LabStaff(member): LabStaff,
    Actor(actor): Actor,
    State(state): State<AppState>,
    request: Idempotent<RejudgeRequest>,
) -> Result<Response, ApiError> {
    let (begun, wanted) = request.begin(&state.pg, member.user()).await?;
    let mut work = match begun {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let mut problems = Vec::new();
    let reason = check::line(&mut problems, "/reason", &wanted.reason, 0..=500);
    for (pointer, length) in
        [("/submissions", wanted.submissions.as_ref().map(Vec::len)), ("/users", wanted.users.as_ref().map(Vec::len))]
    {
        if length.is_some_and(|n| i64::try_from(n).is_ok_and(|n| n > MOST)) {
            problems.push(FieldProblem::new(pointer, format!("must have at most {MOST} entries")));
        }
    }
    ApiError::if_any(problems)?;
    let filter = serde_json::to_value(&wanted).map_err(anyhow::Error::new)?;
    let RejudgeRequest { submissions, users, verdicts, only_best, revision, rerun, .. } = wanted;
    let choice = Choice { submissions, users, verdicts, only_best };
    let (lab, course, by) = (member.lab.id, member.lab.course, member.user());
    let wanted = Wanted { lab, course, choice, revision, rerun, reason, filter, by, actor };
    let set = begin(work.tx(), &wanted).await?;
    let view = RejudgeView::read(&mut **work.tx(), set).await?;
    let response = work.commit(StatusCode::ACCEPTED, Some(&format!("/api/v1/rejudges/{set}")), &view).await?;
    state.dispatch.wake();
    tracing::info!(rejudge.id = %set, submissions = view.counts.total, rescored = view.rescored, "a rejudge began");
    Ok(response)
}
