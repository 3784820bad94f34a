//! `GET`, `POST`, `DELETE /courses/{course}/members`

mod add;

use axum::{Json, extract::State, http::StatusCode};
use iteratione_common::{
    ids::UserId,
    store::{
        self, CourseRole,
        audit::{self, Action, Entry},
        course::{self, CourseRow},
        member::{self, MemberRow},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::{
        Actor,
        access::{CourseInstructor, CourseStaff},
    },
    check,
    error::ApiError,
    extract::{List, Page, Params, PathOf},
    state::AppState,
};

/// A member of a course.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberView {
    /// Whose account.
    user: UserId,
    /// Normalised address.
    email: String,
    /// For people.
    name: String,
    /// What they may do in the course.
    role: CourseRole,
    /// Since when.
    joined_at: Timestamp,
}

impl From<MemberRow> for MemberView {
    fn from(row: MemberRow) -> Self {
        Self {
            user: row.account_id,
            email: row.email,
            name: row.name,
            role: row.role,
            joined_at: row.joined_at.to_jiff(),
        }
    }
}

/// Whom to remove.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Whom {
    /// Id or address of the account.
    user: String,
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, add::add, remove)).routes(routes!(remove_by_path))
}

/// Who is in the course, in the order in which the accounts were made. For assistants and instructors.
#[utoipa::path(get, path = "/courses/{course}/members", tag = "courses",
    params(("course" = String, Path, description = "Id or slug"), Page),
    responses((status = 200, body = List<MemberView>)))]
async fn list(
    State(state): State<AppState>,
    CourseStaff(staff): CourseStaff,
    page: Page,
) -> Result<Json<List<MemberView>>, ApiError> {
    let rows = member::page(&state.pg, staff.course.course_id, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.account_id, MemberView::from)))
}

/// Remove a member; what they have handed in stays. The last instructor cannot be removed.
#[utoipa::path(delete, path = "/courses/{course}/members", tag = "courses",
    params(("course" = String, Path, description = "Id or slug"), Whom),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "`last_instructor`", content_type = "application/problem+json",
            body = crate::problem::Problem)))]
async fn remove(
    State(state): State<AppState>,
    CourseInstructor(instructor): CourseInstructor,
    Actor(actor): Actor,
    Params(whom): Params<Whom>,
) -> Result<StatusCode, ApiError> {
    remove_member(&state, &actor, &instructor.course, &whom.user).await
}

/// Remove a member, named in the path.
#[utoipa::path(delete, path = "/courses/{course}/members/{user}", tag = "courses",
    params(("course" = String, Path, description = "Id or slug"),
        ("user" = String, Path, description = "Id or address of the account")),
    responses(
        (status = 204, description = "Removed"),
        (status = 409, description = "`last_instructor`", content_type = "application/problem+json",
            body = crate::problem::Problem)))]
async fn remove_by_path(
    State(state): State<AppState>,
    CourseInstructor(instructor): CourseInstructor,
    Actor(actor): Actor,
    PathOf(whom): PathOf<Whom>,
) -> Result<StatusCode, ApiError> {
    remove_member(&state, &actor, &instructor.course, &whom.user).await
}

#[tracing::instrument(name = "api.member.delete", skip_all, fields(course.id = %course.course_id))]
async fn remove_member(
    state: &AppState,
    actor: &audit::Actor,
    course: &CourseRow,
    user: &str,
) -> Result<StatusCode, ApiError> {
    let account = match user.parse::<UserId>() {
        Ok(id) => Some(id),
        Err(_) => match check::normal_email(user) {
            Some(email) => store::account::by_email(&state.pg, &email).await?.map(|a| a.account_id),
            None => None,
        },
    };
    let account = account.ok_or(ApiError::NotFound("member"))?;
    let mut tx = state.pg.begin().await?;
    course::lock(&mut *tx, course.course_id).await?;
    let role = member::role(&mut *tx, course.course_id, account).await?.ok_or(ApiError::NotFound("member"))?;
    member::delete(&mut *tx, course.course_id, account).await?;
    if role == CourseRole::Instructor && member::instructors(&mut *tx, course.course_id).await? == 0 {
        return Err(last_instructor());
    }
    let entry = Entry::new(Action::MemberRemove).course(course.course_id).subject(account);
    audit::record(&mut tx, actor, entry.before(json!({"role": role}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn last_instructor() -> ApiError {
    ApiError::conflict("last_instructor", "A course must keep at least one instructor.")
}
