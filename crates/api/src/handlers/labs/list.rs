//! `GET /courses/{course}/labs`

use axum::{Json, extract::State};
use iteratione_common::{
    ids::LabId,
    store::{
        self, LabStatus,
        lab::{LabLine, Which},
    },
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    auth::access::CourseMember,
    error::ApiError,
    extract::{List, Page},
    problem::Problem,
    state::AppState,
};

/// A lab in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabListItem {
    /// Its id.
    pub id: LabId,
    /// Its address in the course.
    pub slug: String,
    /// Of the revision that this is about: staff see the newest, students the published one.
    pub status: LabStatus,
    /// That revision's number.
    pub revision: i32,
    /// The number of the revision that students see.
    pub published_revision: Option<i32>,
    /// Title.
    pub title: String,
    /// Languages that a submission may be in.
    pub languages: Vec<String>,
    /// Points that can be had.
    pub max_score: f64,
    /// Whether students may see it whole and submit by now.
    pub available: bool,
    /// From when on they may.
    pub available_from: Option<Timestamp>,
    /// Deadline.
    pub due_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The labs of a course, in the order in which they were made. Students get the published ones.
#[utoipa::path(
    get, path = "/courses/{course}/labs", tag = "labs",
    params(("course" = String, Path, description = "Id or slug"), Page),
    responses((status = 200, body = List<LabListItem>), (status = 404, body = Problem))
)]
pub(super) async fn list_labs(
    member: CourseMember,
    page: Page,
    State(state): State<AppState>,
) -> Result<Json<List<LabListItem>>, ApiError> {
    let staff = member.is_staff();
    let which = if staff { Which::Newest } else { Which::Published };
    let now = state.clock.now();
    let rows = store::lab::page(&state.pg, member.course.course_id, which, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.id, |row| item(row, staff, now))))
}

fn item(row: LabLine, staff: bool, now: Timestamp) -> LabListItem {
    LabListItem {
        id: row.id,
        slug: row.slug,
        status: if staff { row.status } else { LabStatus::Published },
        revision: row.revision,
        published_revision: row.published,
        title: row.head.title,
        languages: row.head.languages,
        max_score: row.head.max_score,
        available: row.head.available_from.is_none_or(|from| from <= now),
        available_from: row.head.available_from,
        due_at: row.head.due_at,
        updated_at: row.updated_at,
    }
}
