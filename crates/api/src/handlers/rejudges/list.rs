//! `GET /labs/{lab}/rejudges`

use axum::{Json, extract::State};
use iteratione_common::{ids::LabId, store};

use super::view::RejudgeView;
use crate::{
    access::LabStaff,
    error::ApiError,
    extract::{List, Page},
    problem::Problem,
    state::AppState,
};

/// A lab's rejudge sets, newest first.
#[utoipa::path(
    get, path = "/labs/{lab}/rejudges", tag = "rejudges",
    params(("lab" = LabId, Path), Page),
    responses((status = 200, body = List<RejudgeView>), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub(super) async fn list_rejudges(
    LabStaff(member): LabStaff,
    page: Page,
    State(state): State<AppState>,
) -> Result<Json<List<RejudgeView>>, ApiError> {
    let rows = store::rejudge::page(&state.pg, member.lab.id, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.id, RejudgeView::from)))
}
