//! `POST /courses/join`

use axum::{extract::State, http::StatusCode, response::Response};
use iteratione_common::store::{
    CourseRole,
    audit::{self, Action, Entry},
    course::{self, CourseOf},
    member,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::CourseView;
use crate::{
    auth::{Actor, CurrentUser, access::effective, secret},
    error::ApiError,
    extract::{Begun, Idempotent},
    state::AppState,
};

/// The way into a course.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// As the course's staff gave it; capitals, blanks and hyphens do not matter.
    #[schema(example = "c953r-r5w2w")]
    join_code: String,
}

/// Become a student of a course. Who is in it already stays what they are.
#[utoipa::path(post, path = "/courses/join", tag = "courses", request_body = Join,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    responses(
        (status = 200, body = CourseView),
        (status = 404, description = "No course has this code", content_type = "application/problem+json",
            body = crate::problem::Problem)))]
#[tracing::instrument(name = "api.course.join", skip_all, fields(user.id = %user.id))]
pub(super) async fn join(
    State(state): State<AppState>,
    user: CurrentUser,
    Actor(actor): Actor,
    request: Idempotent<Join>,
) -> Result<Response, ApiError> {
    let guess = state.limits.join.take(user.id).await?;
    let (begun, wanted) = request.begin(&state.pg, user.id).await?;
    let mut work = match begun {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => {
            guess.right();
            return Ok(answer);
        }
    };
    let code = secret::normal_join_code(&wanted.join_code);
    let found = course::by_join_code(&mut **work.tx(), &code, user.id).await?;
    let CourseOf { course, role } = found.ok_or(ApiError::NotFound("join code"))?;
    guess.right();
    if role.is_none() {
        member::insert(&mut **work.tx(), course.course_id, user.id, CourseRole::Student).await?;
        let entry = Entry::new(Action::CourseJoin).course(course.course_id).subject(user.id);
        audit::record(work.tx(), &actor, entry.after(json!({"role": CourseRole::Student}))).await?;
    }
    let role = effective(&user, role).unwrap_or(CourseRole::Student);
    work.commit(StatusCode::OK, None, &CourseView::new(course, role)).await
}
