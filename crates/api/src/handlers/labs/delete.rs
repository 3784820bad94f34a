//! `DELETE /labs/{lab}`

use axum::{extract::State, http::StatusCode};
use iteratione_common::{
    ids::LabId,
    store::{
        self,
        audit::{self, Action, Entry},
    },
};
use serde_json::json;

use crate::{access::LabInstructor, auth::Actor, error::ApiError, problem::Problem, state::AppState};

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
    Actor(actor): Actor,
    State(state): State<AppState>,
) -> Result<StatusCode, ApiError> {
    let mut tx = state.pg.begin().await?;
    if !store::lab::delete(&mut *tx, member.lab.id).await? {
        return Err(ApiError::NotFound("lab"));
    }
    let entry = Entry::new(Action::LabDelete).course(member.lab.course).lab(member.lab.id);
    audit::record(&mut tx, &actor, entry.before(json!({"slug": member.lab.slug, "status": member.lab.status}))).await?;
    tx.commit().await?;
    tracing::info!("a lab was deleted");
    Ok(StatusCode::NO_CONTENT)
}
