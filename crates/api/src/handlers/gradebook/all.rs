//! `GET /courses/{course}/gradebook`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use iteratione_common::{ids::CourseId, store};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{GradebookLab, GradebookRow, csv, labs, rows};
use crate::{
    auth::access::CourseStaff,
    error::ApiError,
    extract::{List, Page, Params},
    problem::Problem,
    state::AppState,
};

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// In pages.
    Json,
    /// All students.
    Csv,
}

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct GradebookQuery {
    /// Goes before `Accept`.
    #[param(inline)]
    format: Option<Format>,
    /// Of CSV: beside each lab's score also its verdict, submission, time and lateness.
    #[serde(default)]
    details: bool,
    /// Of CSV: begin with a byte order mark, by which some spreadsheets know UTF-8.
    #[serde(default)]
    bom: bool,
}

/// A course's grades.
#[derive(Debug, Serialize, ToSchema)]
pub struct Gradebook {
    /// The course.
    pub course: CourseId,
    /// The published labs, in the order in which they were made.
    pub labs: Vec<GradebookLab>,
    /// Its students, in the order in which the accounts were made.
    pub items: Vec<GradebookRow>,
    /// Give this as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// The gradebook: for each student and each published lab the submission that counts.
///
/// That is the one with the best score after the late factor, of equal ones the earliest; or the last one, where the lab
/// says `"counting": "last"`. Internal errors never count. JSON comes in pages of students, CSV (`Accept: text/csv` or
/// `?format=csv`) whole.
#[utoipa::path(
    get, path = "/courses/{course}/gradebook", tag = "grades",
    params(("course" = String, Path, description = "Id or slug"), GradebookQuery, Page),
    responses(
        (status = 200, content((Gradebook = "application/json"), (String = "text/csv"))),
        (status = 403, body = Problem), (status = 404, body = Problem),
    )
)]
pub(super) async fn get_gradebook(
    CourseStaff(staff): CourseStaff,
    Params(query): Params<GradebookQuery>,
    headers: HeaderMap,
    page: Page,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let course = staff.course.course_id;
    let labs = labs(&state.pg, course).await?;
    if query.format.unwrap_or_else(|| accepted(&headers)) == Format::Csv {
        return csv::respond(state.pg, &staff.course, labs, query.details, query.bom);
    }
    let students = store::gradebook::students(&state.pg, course, None, page.after()?, page.rows()).await?;
    let List { items: students, next } = page.list(students, |student| student.id, |student| student);
    let items = rows(&state.pg, &labs, students).await?;
    Ok(Json(Gradebook { course, labs, items, next }).into_response())
}

/// CSV only where it is asked for and JSON is not.
fn accepted(headers: &HeaderMap) -> Format {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accept = accept.to_ascii_lowercase();
    if accept.contains("text/csv") && !accept.contains("application/json") { Format::Csv } else { Format::Json }
}
