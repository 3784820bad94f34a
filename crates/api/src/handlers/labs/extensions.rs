//! `GET /labs/{lab}/extensions`, `GET`, `PUT`, `DELETE /labs/{lab}/extensions/{user}`

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use iteratione_common::{
    ids::{LabId, UserId},
    lab::validate,
    store::{
        audit::{self, Action, Entry},
        extension::{self, ExtensionRow, Grant},
        member,
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{LabMember, LabStaff},
    auth::Actor,
    check,
    error::{ApiError, FieldProblem},
    extract::{Body, List, Page, PathOf},
    problem::Problem,
    state::AppState,
};

/// More attempts than these are no bound at all.
const EXTRA_ATTEMPTS: u32 = 10_000;
const NOTE_CHARS: usize = 1000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, put, delete))
}

/// What a student is granted beyond the lab's own rules. What is left out is as in the lab.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionRequest {
    /// The student may begin from here on.
    #[serde(default)]
    available_from: Option<Timestamp>,
    /// The student's deadline. The lab's rules for late submissions move along with it.
    #[serde(default)]
    due_at: Option<Timestamp>,
    /// So many submissions more than the lab allows in all.
    #[serde(default)]
    #[schema(maximum = 10_000)]
    extra_attempts: u32,
    /// Why; for the staff, up to 1000 characters.
    #[serde(default)]
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// What a student is granted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExtensionView {
    /// The student.
    user: UserId,
    /// Normalised address.
    email: String,
    /// For people.
    name: String,
    /// Instead of the lab's.
    available_from: Option<Timestamp>,
    /// Instead of the lab's.
    due_at: Option<Timestamp>,
    /// On top of the lab's.
    extra_attempts: u32,
    /// For the staff.
    note: Option<String>,
    /// Who granted it.
    granted_by: UserId,
    /// When it was last changed.
    updated_at: Timestamp,
}

impl From<ExtensionRow> for ExtensionView {
    fn from(row: ExtensionRow) -> Self {
        Self {
            user: row.account,
            email: row.email,
            name: row.name,
            available_from: row.grant.available_from,
            due_at: row.grant.due_at,
            extra_attempts: row.grant.extra_attempts,
            note: row.grant.note,
            granted_by: row.granted_by,
            updated_at: row.updated_at,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Whose {
    user: UserId,
}

/// Who has an extension. For assistants and instructors.
#[utoipa::path(get, path = "/labs/{lab}/extensions", tag = "labs",
    params(("lab" = LabId, Path), Page),
    responses((status = 200, body = List<ExtensionView>), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    LabStaff(staff): LabStaff,
    page: Page,
) -> Result<Json<List<ExtensionView>>, ApiError> {
    let rows = extension::page(&state.pg, staff.lab.id, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.account, ExtensionView::from)))
}

/// One student's extension. For assistants and instructors.
#[utoipa::path(get, path = "/labs/{lab}/extensions/{user}", tag = "labs",
    params(("lab" = LabId, Path), ("user" = UserId, Path)),
    responses((status = 200, body = ExtensionView), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(
    State(state): State<AppState>,
    LabStaff(staff): LabStaff,
    PathOf(Whose { user }): PathOf<Whose>,
) -> Result<Json<ExtensionView>, ApiError> {
    let row = extension::get(&state.pg, staff.lab.id, user).await?;
    Ok(Json(row.ok_or(ApiError::NotFound("extension"))?.into()))
}

/// Grant a student other dates or more attempts, instead of what was granted before.
///
/// It holds for submissions from now on: lateness is decided when a submission is received. Tests for after the deadline
/// wait for the student's own.
#[utoipa::path(put, path = "/labs/{lab}/extensions/{user}", tag = "labs",
    params(("lab" = LabId, Path), ("user" = UserId, Path)), request_body = ExtensionRequest,
    responses(
        (status = 200, body = ExtensionView), (status = 201, body = ExtensionView, description = "`Location` is the extension"),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem, description = "All that is wrong, in `errors`")))]
#[tracing::instrument(name = "api.extension.put", skip_all, fields(lab.id = %staff.lab.id, user.id = %user))]
async fn put(
    State(state): State<AppState>,
    LabStaff(staff): LabStaff,
    Actor(actor): Actor,
    PathOf(Whose { user }): PathOf<Whose>,
    Body(wanted): Body<ExtensionRequest>,
) -> Result<Response, ApiError> {
    let grant = checked(&wanted)?;
    let lab = staff.lab.id;
    let mut tx = state.pg.begin().await?;
    member::role(&mut *tx, staff.lab.course, user).await?.ok_or(ApiError::NotFound("member"))?;
    let before = extension::get(&mut *tx, lab, user).await?;
    let created = extension::put(&mut *tx, lab, user, &grant, staff.user()).await?;
    let row = extension::get(&mut *tx, lab, user).await?.ok_or(ApiError::NotFound("extension"))?;
    let mut entry = about(Action::ExtensionPut, &staff, user).after(terms(&row));
    if let Some(before) = &before {
        entry = entry.before(terms(before));
    }
    audit::record(&mut tx, &actor, entry).await?;
    tx.commit().await?;
    let view = Json(ExtensionView::from(row));
    if created {
        let location = format!("/api/v1/labs/{lab}/extensions/{user}");
        return Ok((StatusCode::CREATED, [(header::LOCATION, location)], view).into_response());
    }
    Ok(view.into_response())
}

/// Take an extension back: the lab's own rules hold again.
#[utoipa::path(delete, path = "/labs/{lab}/extensions/{user}", tag = "labs",
    params(("lab" = LabId, Path), ("user" = UserId, Path)),
    responses((status = 204, description = "Taken back"), (status = 403, body = Problem), (status = 404, body = Problem)))]
#[tracing::instrument(name = "api.extension.delete", skip_all, fields(lab.id = %staff.lab.id, user.id = %user))]
async fn delete(
    State(state): State<AppState>,
    LabStaff(staff): LabStaff,
    Actor(actor): Actor,
    PathOf(Whose { user }): PathOf<Whose>,
) -> Result<StatusCode, ApiError> {
    let mut tx = state.pg.begin().await?;
    let before = extension::get(&mut *tx, staff.lab.id, user).await?.ok_or(ApiError::NotFound("extension"))?;
    extension::delete(&mut *tx, staff.lab.id, user).await?;
    audit::record(&mut tx, &actor, about(Action::ExtensionDelete, &staff, user).before(terms(&before))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn about(action: Action, staff: &LabMember, student: UserId) -> Entry {
    Entry::new(action).course(staff.lab.course).lab(staff.lab.id).subject(student)
}

/// What the audit log says of a grant: not the note, which may tell of an illness.
fn terms(row: &ExtensionRow) -> serde_json::Value {
    let Grant { available_from, due_at, extra_attempts, note: _ } = &row.grant;
    json!({"available_from": available_from, "due_at": due_at, "extra_attempts": extra_attempts})
}

fn checked(wanted: &ExtensionRequest) -> Result<Grant, ApiError> {
    let mut problems = Vec::new();
    for (pointer, time) in [("/available_from", wanted.available_from), ("/due_at", wanted.due_at)] {
        if time.is_some_and(|time| !validate::is_sensible(time)) {
            problems.push(FieldProblem::new(pointer, "must be in the years 2000 to 2999"));
        }
    }
    if let (Some(from), Some(due)) = (wanted.available_from, wanted.due_at)
        && due <= from
    {
        problems.push(FieldProblem::new("/due_at", "must be after available_from"));
    }
    if wanted.extra_attempts > EXTRA_ATTEMPTS {
        problems.push(FieldProblem::new("/extra_attempts", format!("must not be over {EXTRA_ATTEMPTS}")));
    }
    let note = wanted.note.as_deref().map(|note| check::line(&mut problems, "/note", note, 0..=NOTE_CHARS));
    if wanted.available_from.is_none() && wanted.due_at.is_none() && wanted.extra_attempts == 0 {
        problems.push(FieldProblem::new("", "must grant a date or more attempts"));
    }
    ApiError::if_any(problems)?;
    Ok(Grant {
        available_from: wanted.available_from,
        due_at: wanted.due_at,
        extra_attempts: wanted.extra_attempts,
        note: note.filter(|note| !note.is_empty()),
    })
}
