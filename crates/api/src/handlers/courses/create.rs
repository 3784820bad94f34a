//! `POST /courses`

use axum::{extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    ids::CourseId,
    store::{
        AccountRole, CourseRole,
        audit::{self, Action, Entry},
        course::{self, NewCourse, SLUG_CONSTRAINT},
        member,
    },
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CourseView, check_time_zone};
use crate::{
    auth::{Actor, CurrentUser, secret},
    check,
    error::{ApiError, FieldProblem, OnConstraint as _},
    extract::{Begun, Idempotent},
    state::AppState,
};

/// Path segments beside `{course}`: no course may be called so.
const RESERVED: [&str; 1] = ["join"];

/// A course to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseRequest {
    /// Short name in addresses: 1 to 64 lower-case letters, digits and inner hyphens.
    #[schema(example = "cs1-2026", pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length = 64)]
    slug: String,
    /// For people; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// IANA zone in which people see its times; UTC unless given.
    #[serde(default)]
    #[schema(example = "Europe/Vienna", max_length = 64)]
    time_zone: Option<String>,
}

/// Make a course. Who makes it is its first instructor.
#[utoipa::path(post, path = "/courses", tag = "courses", request_body = CourseRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    responses(
        (status = 201, description = "`Location` is the course", body = CourseView),
        (status = 403, description = "For instructors and admins", content_type = "application/problem+json",
            body = crate::problem::Problem),
        (status = 409, description = "`slug_taken`", content_type = "application/problem+json",
            body = crate::problem::Problem)))]
#[tracing::instrument(name = "api.course.create", skip_all, fields(user.id = %user.id))]
pub(super) async fn create(
    State(state): State<AppState>,
    user: CurrentUser,
    Actor(actor): Actor,
    request: Idempotent<CourseRequest>,
) -> Result<Response, ApiError> {
    if user.role < AccountRole::Instructor {
        return Err(ApiError::Forbidden("Only instructors and admins make courses."));
    }
    let (begun, wanted) = request.begin(&state.pg, user.id).await?;
    let mut work = match begun {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let mut problems = Vec::new();
    let title = check::line(&mut problems, "/title", &wanted.title, 1..=200);
    if !check::is_slug(&wanted.slug) {
        let detail = "must be 1 to 64 lower-case letters, digits and inner hyphens";
        problems.push(FieldProblem::new("/slug", detail));
    } else if RESERVED.contains(&wanted.slug.as_str()) || wanted.slug.parse::<Uuid>().is_ok() {
        problems.push(FieldProblem::new("/slug", "is reserved: choose another"));
    }
    let time_zone = wanted.time_zone.as_deref().unwrap_or("UTC");
    check_time_zone(&mut problems, time_zone);
    ApiError::if_any(problems)?;

    let new = NewCourse {
        id: CourseId::new(),
        slug: &wanted.slug,
        title: &title,
        join_code: &secret::join_code(),
        time_zone,
        created_by: user.id,
    };
    let taken = || ApiError::taken("slug_taken", "/slug", "There is a course of this name already.");
    let course = course::insert(&mut **work.tx(), &new).await.on_constraint(SLUG_CONSTRAINT, taken)?;
    member::insert(&mut **work.tx(), course.course_id, user.id, CourseRole::Instructor).await?;
    let entry = Entry::new(Action::CourseCreate).course(course.course_id).subject(user.id);
    audit::record(work.tx(), &actor, entry.after(json!({"slug": course.slug, "title": course.title}))).await?;
    let location = format!("/api/v1/courses/{}", course.slug);
    work.commit(StatusCode::CREATED, Some(&location), &CourseView::new(course, CourseRole::Instructor)).await
}
