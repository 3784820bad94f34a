//! `DELETE /labs/{lab}`

use axum::{extract::State, http::StatusCode};
use iteratione_common::{ids::LabId, store};

use crate::{access::LabInstructor, error::ApiError, problem::Problem, state::AppState};

/// Delete a lab.
///
/// It is gone from all lists and its slug is free again; submissions and their grades stay readable by their ids.
#[utoipa::path(
    delete, path = "/labs/{lab}", tag = "labs",
    params(("lab" = LabId, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "api.lab.delete", skip_all, fields(lab.id = %member.lab.id, user.id = %member.user()))]
pub(super) async fn delete_lab(
    LabInstructor(member): LabInstructor,
    State(state): State<AppState>,
) -> Result<StatusCode, ApiError> {
    if store::lab::delete(&state.pg, member.lab.id).await? {
        tracing::info!("a lab was deleted");
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound("lab"))
    }
}
