//! `GET /courses/{course}/audit`, `GET /audit`

use axum::{Json, extract::State};
use iteratione_common::{
    ids::{AuditId, CourseId, LabId, TokenId, UserId},
    store::{
        PgPool,
        audit::{self, Action, AuditRow},
    },
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    auth::access::{Admin, CourseInstructor},
    error::ApiError,
    extract::{List, Page},
    problem::Problem,
    state::AppState,
};

/// A line of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditLine {
    /// Id.
    id: AuditId,
    /// When.
    at: Timestamp,
    /// What was done.
    action: Action,
    /// Who did it; null for the judge itself.
    user: Option<UserId>,
    /// Their address, while the account is there.
    email: Option<String>,
    /// The token they did it with; null for a browser.
    token: Option<TokenId>,
    /// In which course.
    course: Option<CourseId>,
    /// To which lab.
    lab: Option<LabId>,
    /// To whose rights or grades.
    subject: Option<UserId>,
    /// To what else: a submission, a token, a webhook.
    object: Option<Uuid>,
    /// How it was; its fields depend on the action.
    before: Option<Value>,
    /// How it is.
    after: Option<Value>,
    /// Names the request in the log.
    request_id: Option<String>,
    /// The client's address.
    remote: Option<String>,
}

impl From<AuditRow> for AuditLine {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.audit_id,
            at: row.at.to_jiff(),
            action: row.action,
            user: row.account_id,
            email: row.email,
            token: row.token_id,
            course: row.course_id,
            lab: row.lab_id,
            subject: row.subject_id,
            object: row.object_id,
            before: row.before,
            after: row.after,
            request_id: row.request_id,
            remote: row.remote,
        }
    }
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_course)).routes(routes!(all))
}

/// What was done in a course that decides grades, newest first. For instructors.
#[utoipa::path(get, path = "/courses/{course}/audit", tag = "courses",
    params(("course" = String, Path, description = "Id or slug"), Page),
    responses((status = 200, body = List<AuditLine>), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn of_course(
    State(pg): State<PgPool>,
    CourseInstructor(instructor): CourseInstructor,
    page: Page,
) -> Result<Json<List<AuditLine>>, ApiError> {
    let rows = audit::page(&pg, Some(instructor.course.course_id), page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.audit_id, AuditLine::from)))
}

/// The whole audit log, newest first. For admins.
#[utoipa::path(get, path = "/audit", tag = "accounts", params(Page),
    responses((status = 200, body = List<AuditLine>), (status = 403, body = Problem)))]
async fn all(State(pg): State<PgPool>, _: Admin, page: Page) -> Result<Json<List<AuditLine>>, ApiError> {
    let rows = audit::page(&pg, None, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.audit_id, AuditLine::from)))
}

#[cfg(test)]
mod tests;
