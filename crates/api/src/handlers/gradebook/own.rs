//! `GET /courses/{course}/grades/me`

use axum::{Json, extract::State};
use iteratione_common::store::{self, gradebook::Student};
use serde::Serialize;
use utoipa::ToSchema;

use super::{GradebookLab, GradebookRow, labs, rows};
use crate::{auth::access::CourseMember, error::ApiError, problem::Problem, state::AppState};

/// One's own grades in a course.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnGrades {
    /// The published labs.
    pub labs: Vec<GradebookLab>,
    /// One's own row.
    pub row: GradebookRow,
}

/// What counts of one's own submissions, as in the gradebook.
#[utoipa::path(
    get, path = "/courses/{course}/grades/me", tag = "grades",
    params(("course" = String, Path, description = "Id or slug")),
    responses((status = 200, body = OwnGrades), (status = 404, body = Problem))
)]
pub(super) async fn get_own_grades(
    member: CourseMember,
    State(state): State<AppState>,
) -> Result<Json<OwnGrades>, ApiError> {
    let labs = labs(&state.pg, member.course.course_id).await?;
    let account = store::account::get(&state.pg, member.user.id).await?.ok_or(ApiError::Unauthenticated)?;
    let student = Student { id: account.account_id, email: account.email, name: account.name };
    let row = rows(&state.pg, &labs, vec![student]).await?.into_iter().next();
    Ok(Json(OwnGrades { labs, row: row.ok_or(ApiError::NotFound("row"))? }))
}
