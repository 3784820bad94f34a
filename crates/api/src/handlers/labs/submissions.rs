//! `GET /labs/{lab}/submissions`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use axum::{Json, extract::State};
use iteratione_common::{
    ids::{LabId, UserId},
    store::{self, submission::Filter},
    verdict::Verdict,
};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    access::LabMember,
    error::ApiError,
    extract::{List, Page, Params, given},
    problem::Problem,
    state::AppState,
    visibility::SubmissionLine,
};

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfUser {
    /// Only this user's; students may name only themselves.
    #[serde(default, deserialize_with = "given")]
    user: Option<UserId>,
    /// Only those with this verdict.
    #[param(inline)]
    #[serde(default, deserialize_with = "given")]
    verdict: Option<Verdict>,
    /// Only those that were handed in at this moment or later.
    #[serde(default, deserialize_with = "given")]
    since: Option<Timestamp>,
}

/// Submissions to a lab, newest first: all for staff, their own for students. `queue_position` is null in lists.
#[utoipa::path(
    get, path = "/labs/{lab}/submissions", tag = "submissions",
    params(("lab" = LabId, Path), OfUser, Page),
    responses((status = 200, body = List<SubmissionLine>), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub(super) async fn list_submissions(
    member: LabMember,
    Params(OfUser { user, verdict, since }): Params<OfUser>,
    page: Page,
    State(state): State<AppState>,
) -> Result<Json<List<SubmissionLine>>, ApiError> {
    let of = if member.is_staff() {
        user
    } else if user.is_none_or(|user| user == member.user()) {
        Some(member.user())
    } else {
        return Err(ApiError::Forbidden("Students see only their own submissions."));
    };
    let filter = Filter { account: of, verdict, since };
    let rows = store::submission::page(&state.pg, member.lab.id, filter, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.id, |row| SubmissionLine::new(&row, None))))
}
