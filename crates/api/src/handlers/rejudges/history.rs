//! `GET /submissions/{submission}/history`

use axum::{Json, extract::State};
use iteratione_common::{
    ids::{RejudgeId, SubmissionId},
    store,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::BriefGrade;
use crate::{access::SubmissionViewer, error::ApiError, problem::Problem, state::AppState, visibility::Viewer};

/// Former grades that are shown.
const MOST: i64 = 100;

/// A grade that a rejudge has replaced.
#[derive(Debug, Serialize, ToSchema)]
pub struct FormerGrade {
    /// The grade.
    #[serde(flatten)]
    pub grade: BriefGrade,
    /// From when on it counted.
    pub graded_at: Timestamp,
    /// Until when.
    pub replaced_at: Timestamp,
    /// The set that replaced it; staff only.
    pub rejudge: Option<RejudgeId>,
    /// Why; staff only.
    pub reason: Option<String>,
}

/// The grades that rejudges have replaced, newest first, at most 100. The standing one is in the submission itself.
#[utoipa::path(
    get, path = "/submissions/{submission}/history", tag = "rejudges",
    params(("submission" = SubmissionId, Path)),
    responses((status = 200, body = [FormerGrade]), (status = 404, body = Problem))
)]
pub(super) async fn get_history(
    who: SubmissionViewer,
    State(state): State<AppState>,
) -> Result<Json<Vec<FormerGrade>>, ApiError> {
    let rows = store::rejudge::former(&state.pg, who.submission.id, MOST).await?;
    let staff = who.viewer == Viewer::Staff;
    let view = |row: store::rejudge::Former| FormerGrade {
        grade: BriefGrade::new(row.revision, row.grade),
        graded_at: row.graded_at,
        replaced_at: row.replaced_at,
        rejudge: row.set.filter(|_| staff),
        reason: row.reason.filter(|_| staff),
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}
