//! `GET /rejudges/{rejudge}`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use axum::{Json, extract::State};
use iteratione_common::{
    ids::RejudgeId,
    store::{self, rejudge::Change},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::{self, RejudgeItem, RejudgeView};
use crate::{
    access::RejudgeStaff,
    error::ApiError,
    extract::{List, Page, Params},
    problem::Problem,
    state::AppState,
};

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfChange {
    /// Only submissions with this change.
    #[param(inline)]
    change: Option<Change>,
}

/// A rejudge set with its submissions.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejudgeReport {
    /// The set.
    #[serde(flatten)]
    pub set: RejudgeView,
    /// Its submissions, oldest hand-in first: before, and after as far as they are graded.
    pub items: Vec<RejudgeItem>,
    /// Give this as `after` for the next page; `null` on the last.
    pub next: Option<String>,
}

/// A rejudge set: its progress, and before and after for each submission and its student.
#[utoipa::path(
    get, path = "/rejudges/{rejudge}", tag = "rejudges",
    params(("rejudge" = RejudgeId, Path), OfChange, Page),
    responses((status = 200, body = RejudgeReport), (status = 404, body = Problem))
)]
pub(super) async fn get_rejudge(
    who: RejudgeStaff,
    Params(OfChange { change }): Params<OfChange>,
    page: Page,
    State(state): State<AppState>,
) -> Result<Json<RejudgeReport>, ApiError> {
    let set = RejudgeView::read(&state.pg, who.id).await?;
    let rows = store::rejudge::items(&state.pg, who.id, change, page.after()?, page.rows()).await?;
    let effects = view::items(&state, &set, &rows).await?;
    let List { items, next } = page.list(rows, |row| row.submission, |row| effects.view(row));
    Ok(Json(RejudgeReport { set, items, next }))
}
