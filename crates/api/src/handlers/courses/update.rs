//! `PATCH /courses/{course}`

use axum::{Json, extract::State};
use iteratione_common::store::{
    audit::{self, Action, Entry},
    course::{self, Change},
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{CourseView, check_time_zone};
use crate::{
    auth::{Actor, access::CourseInstructor, secret},
    check,
    error::ApiError,
    extract::Body,
    state::AppState,
};

/// What changes; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseChange {
    /// For people; 1 to 200 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    title: Option<String>,
    /// IANA zone in which people see its times.
    #[serde(default)]
    #[schema(example = "Europe/Vienna", max_length = 64)]
    time_zone: Option<String>,
    /// Make a new join code: the old one lets nobody in any more.
    #[serde(default)]
    rotate_join_code: bool,
}

/// Change a course.
#[utoipa::path(patch, path = "/courses/{course}", tag = "courses", request_body = CourseChange,
    params(("course" = String, Path, description = "Id or slug")),
    responses((status = 200, body = CourseView)))]
#[tracing::instrument(name = "api.course.update", skip_all, fields(course.id = %member.course.course_id))]
pub(super) async fn update(
    State(state): State<AppState>,
    CourseInstructor(member): CourseInstructor,
    Actor(actor): Actor,
    Body(wanted): Body<CourseChange>,
) -> Result<Json<CourseView>, ApiError> {
    let mut problems = Vec::new();
    let title = wanted.title.map(|title| check::line(&mut problems, "/title", &title, 1..=200));
    if let Some(zone) = &wanted.time_zone {
        check_time_zone(&mut problems, zone);
    }
    ApiError::if_any(problems)?;
    let join_code = wanted.rotate_join_code.then(secret::join_code);
    let change =
        Change { title: title.as_deref(), time_zone: wanted.time_zone.as_deref(), join_code: join_code.as_deref() };
    let mut tx = state.pg.begin().await?;
    let course = course::update(&mut *tx, member.course.course_id, change).await?;
    let was = &member.course;
    let entry = Entry::new(Action::CourseChange)
        .course(course.course_id)
        .before(json!({"title": was.title, "time_zone": was.time_zone}))
        .after(json!({"title": course.title, "time_zone": course.time_zone, "new_join_code": join_code.is_some()}));
    audit::record(&mut tx, &actor, entry).await?;
    tx.commit().await?;
    Ok(Json(CourseView::new(course, member.role)))
}
