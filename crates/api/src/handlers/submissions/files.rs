//! `GET /submissions/{submission}/files`

use axum::{Json, extract::State};
use iteratione_common::{ids::SubmissionId, lab::SourceFile, store};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{access::SubmissionViewer, error::ApiError, problem::Problem, state::AppState};

/// What was handed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandedIn {
    /// The submission.
    pub id: SubmissionId,
    /// Its language.
    pub language: String,
    /// The entry point that was asked for.
    pub main: Option<String>,
    /// The files as they were sent, without the instructor's.
    pub files: Vec<SourceFile>,
}

/// The files of a submission, as they were handed in.
#[utoipa::path(
    get, path = "/submissions/{submission}/files", tag = "submissions",
    params(("submission" = SubmissionId, Path)),
    responses((status = 200, body = HandedIn), (status = 404, body = Problem))
)]
pub(super) async fn get_files(
    who: SubmissionViewer,
    State(state): State<AppState>,
) -> Result<Json<HandedIn>, ApiError> {
    let id = who.submission.id;
    let files = store::submission::files(&state.pg, id).await?.ok_or(ApiError::NotFound("submission"))?;
    Ok(Json(HandedIn { id, language: who.submission.language, main: who.submission.main, files }))
}
