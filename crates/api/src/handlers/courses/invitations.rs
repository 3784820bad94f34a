//! `GET`, `DELETE /courses/{course}/invitations`: students of a roster who have no account yet.

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use axum::{Json, extract::State, http::StatusCode};
use iteratione_common::{
    ids::UserId,
    store::invitation::{self, InvitationRow},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::access::{CourseInstructor, CourseStaff},
    check,
    error::ApiError,
    extract::{List, Page, Params},
    problem::Problem,
    state::AppState,
};

/// An invited address.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InvitationView {
    /// Normalised address.
    email: String,
    /// By whom.
    invited_by: UserId,
    /// Since when.
    invited_at: Timestamp,
}

impl From<InvitationRow> for InvitationView {
    fn from(row: InvitationRow) -> Self {
        Self { email: row.email, invited_by: row.invited_by, invited_at: row.invited_at.to_jiff() }
    }
}

/// Whose invitation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Invited {
    /// The address.
    email: String,
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_invitations, withdraw))
}

/// Students of a roster who have no account yet, by address. They are members from the moment that they have one.
#[utoipa::path(get, path = "/courses/{course}/invitations", tag = "courses",
    params(("course" = String, Path, description = "Id or slug"), Page),
    responses((status = 200, body = List<InvitationView>), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn list_invitations(
    State(state): State<AppState>,
    CourseStaff(staff): CourseStaff,
    page: Page,
) -> Result<Json<List<InvitationView>>, ApiError> {
    let after = page.after::<String>()?;
    let rows = invitation::page(&state.pg, staff.course.course_id, after.as_deref(), page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.email.clone(), InvitationView::from)))
}

/// Take an invitation back.
#[utoipa::path(delete, path = "/courses/{course}/invitations", tag = "courses",
    params(("course" = String, Path, description = "Id or slug"), Invited),
    responses((status = 204, description = "Taken back"), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn withdraw(
    State(state): State<AppState>,
    CourseInstructor(instructor): CourseInstructor,
    Params(Invited { email }): Params<Invited>,
) -> Result<StatusCode, ApiError> {
    let email = check::normal_email(&email).ok_or(ApiError::NotFound("invitation"))?;
    if invitation::delete(&state.pg, instructor.course.course_id, &email).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound("invitation"))
    }
}
