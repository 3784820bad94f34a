//! `GET /submissions/{submission}`

use axum::{Json, extract::State};
use iteratione_common::{ids::SubmissionId, store, submission::SubmissionStatus};

use crate::{access::SubmissionViewer, error::ApiError, problem::Problem, state::AppState, visibility::SubmissionView};

/// A submission and its result, as far as the viewer may see it.
#[utoipa::path(
    get, path = "/submissions/{submission}", tag = "submissions",
    params(("submission" = SubmissionId, Path)),
    responses((status = 200, body = SubmissionView), (status = 404, body = Problem))
)]
pub(super) async fn get_submission(
    who: SubmissionViewer,
    State(state): State<AppState>,
) -> Result<Json<SubmissionView>, ApiError> {
    let position = match who.submission.status {
        SubmissionStatus::Queued => store::submission::queue_position(&state.pg, who.submission.id).await?,
        SubmissionStatus::Running | SubmissionStatus::Done => None,
    };
    let cut = who.cut(&state.pg).await?;
    Ok(Json(cut.submission(who.submission, position)))
}
