//! `GET /courses`, `GET /courses/{course}`

use axum::{Json, extract::State};
use iteratione_common::store::{
    CourseRole,
    course::{self, CourseOf},
};

use super::CourseView;
use crate::{
    auth::{
        CurrentUser,
        access::{CourseMember, effective},
    },
    error::ApiError,
    extract::{List, Page},
    state::AppState,
};

/// The courses that one is in, newest first; an admin's are all.
#[utoipa::path(get, path = "/courses", tag = "courses", params(Page),
    responses((status = 200, body = List<CourseView>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    user: CurrentUser,
    page: Page,
) -> Result<Json<List<CourseView>>, ApiError> {
    let rows = course::page(&state.pg, user.id, user.is_admin(), page.after()?, page.rows()).await?;
    let view = |CourseOf { course, role }: CourseOf| {
        CourseView::new(course, effective(&user, role).unwrap_or(CourseRole::Student))
    };
    Ok(Json(page.list(rows, |row| row.course.course_id, view)))
}

/// One course.
#[utoipa::path(get, path = "/courses/{course}", tag = "courses",
    params(("course" = String, Path, description = "Id or slug")),
    responses((status = 200, body = CourseView)))]
pub(super) async fn get(member: CourseMember) -> Json<CourseView> {
    Json(member.into())
}
