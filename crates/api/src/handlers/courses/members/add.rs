//! `POST /courses/{course}/members`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use std::collections::HashMap;

use axum::{
    Json,
    extract::{FromRequestParts as _, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use iteratione_common::store::{
    CourseRole, PgTransaction, account,
    audit::{self, Action, Entry},
    course, invitation, member,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    super::roster::{MemberRequest, MembersRequest},
    MemberView, last_instructor,
};
use crate::{
    auth::{
        Actor,
        access::{CourseInstructor, CourseMember},
    },
    error::{ApiError, FieldProblem},
    extract::{Begun, IdempotencyKey, Params, read_body_up_to},
    state::AppState,
};

/// What became of a roster.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct RosterReport {
    /// New members.
    added: usize,
    /// Members with another role than before.
    changed: usize,
    /// Members who were already what the roster says.
    unchanged: usize,
    /// Students without an account who are members from the moment that they have one; with `invite`.
    invited: usize,
    /// Addresses without an account that are not invited: they have to register first, then send the roster again.
    unknown: Vec<String>,
    /// Whether this was a rehearsal: nothing has changed.
    dry_run: bool,
}

/// What a roster or a member that was there already is answered with.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only named in the OpenAPI document")]
pub(super) enum MembersAnswer {
    /// Of a roster.
    Roster(RosterReport),
    /// Of one member.
    Member(MemberView),
}

/// The query.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RosterQuery {
    /// Say what would become of it, and change nothing.
    #[serde(default)]
    dry_run: bool,
    /// Invite students who have no account yet. Other roles are never given to an address without an account.
    #[serde(default)]
    invite: bool,
}

/// Add a member by address, or a roster as a JSON list or as CSV; existing members get the role given. A roster is taken
/// whole or, if a row of it is wrong, not at all; to send it again changes nothing.
#[utoipa::path(post, path = "/courses/{course}/members", tag = "courses",
    params(("course" = String, Path, description = "Id or slug"), RosterQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    request_body(content(
        (MembersRequest = "application/json"),
        (String = "text/csv", example = "email,role\nada@example.edu,student\n"))),
    responses(
        (status = 200, description = "A roster was taken in; for one existing member, that member", body = MembersAnswer),
        (status = 201, description = "One member was added", body = MemberView),
        (status = 409, description = "`last_instructor`", content_type = "application/problem+json",
            body = crate::problem::Problem)))]
#[tracing::instrument(name = "api.member.add", skip_all, fields(course.id = %instructor.course.course_id))]
pub(super) async fn add(
    State(state): State<AppState>,
    CourseInstructor(instructor): CourseInstructor,
    Actor(actor): Actor,
    Params(query): Params<RosterQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let key = IdempotencyKey::from_request_parts(&mut parts, &state).await?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(essence.as_str(), "application/json" | "text/csv") {
        return Err(ApiError::UnsupportedMediaType("JSON (application/json) or CSV (text/csv)"));
    }
    let bytes = read_body_up_to(Request::from_parts(parts, body), state.config.api.limits.roster_bytes).await?;
    let wanted =
        if essence == "text/csv" { MembersRequest::from_csv(&bytes)? } else { MembersRequest::from_json(&bytes)? };

    let mut work = match key.begin(&state.pg, instructor.user.id, &bytes).await? {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let course = &instructor.course;
    match wanted {
        MembersRequest::Roster(rows) => {
            let report = take_in(work.tx(), &actor, &instructor, &rows, query).await?;
            if query.dry_run {
                // The transaction is dropped, with its key: a rehearsal may be repeated, and then be meant.
                return Ok(Json(report).into_response());
            }
            work.commit(StatusCode::OK, None, &report).await
        }
        MembersRequest::One(one) => {
            let report = take_in(work.tx(), &actor, &instructor, std::slice::from_ref(&one), query).await?;
            if query.dry_run || report.invited == 1 {
                let answer = Json(&report).into_response();
                return if query.dry_run { Ok(answer) } else { work.commit(StatusCode::OK, None, &report).await };
            }
            let account = account::by_email(&mut **work.tx(), &one.email).await?;
            let row = match account {
                Some(account) => member::get(&mut **work.tx(), course.course_id, account.account_id).await?,
                None => None,
            };
            let Some(row) = row else {
                return Err(unknown_account());
            };
            let status = if report.added == 1 { StatusCode::CREATED } else { StatusCode::OK };
            work.commit(status, None, &MemberView::from(row)).await
        }
    }
}

/// Adds and changes members. The course is locked meanwhile, so that its last instructor is seen.
async fn take_in(
    tx: &mut PgTransaction<'_>,
    actor: &audit::Actor,
    by: &CourseMember,
    rows: &[MemberRequest],
    query: RosterQuery,
) -> Result<RosterReport, ApiError> {
    let id = by.course.course_id;
    course::lock(&mut **tx, id).await?;
    let emails: Vec<String> = rows.iter().map(|r| r.email.clone()).collect();
    let known: HashMap<String, member::Candidate> =
        member::candidates(&mut **tx, id, &emails).await?.into_iter().map(|c| (c.email.clone(), c)).collect();
    let mut report = RosterReport { dry_run: query.dry_run, ..RosterReport::default() };
    let (mut accounts, mut roles, mut invited, mut entries) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let Some(candidate) = known.get(&row.email) else {
            let list = if query.invite && row.role == CourseRole::Student { &mut invited } else { &mut report.unknown };
            list.push(row.email.clone());
            continue;
        };
        match candidate.role {
            Some(role) if role == row.role => {
                report.unchanged += 1;
                continue;
            }
            Some(_) => report.changed += 1,
            None => report.added += 1,
        }
        let action = if candidate.role.is_some() { Action::MemberChange } else { Action::MemberAdd };
        let mut entry = Entry::new(action).course(id).subject(candidate.account_id).after(json!({"role": row.role}));
        if let Some(role) = candidate.role {
            entry = entry.before(json!({"role": role}));
        }
        entries.push(entry);
        accounts.push(candidate.account_id);
        roles.push(row.role);
    }
    member::upsert(&mut **tx, id, &accounts, &roles).await?;
    audit::record_all(tx, actor, entries).await?;
    invitation::insert(&mut **tx, id, &invited, by.user.id).await?;
    report.invited = invited.len();
    let demoted = known.values().any(|c| c.role == Some(CourseRole::Instructor));
    if demoted && member::instructors(&mut **tx, id).await? == 0 {
        return Err(last_instructor());
    }
    Ok(report)
}

fn unknown_account() -> ApiError {
    let detail = "There is no account with this address: its owner has to register first.";
    ApiError::Refused {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code: "unknown_account",
        detail: detail.to_owned(),
        errors: vec![FieldProblem::new("/email", detail)],
    }
}
