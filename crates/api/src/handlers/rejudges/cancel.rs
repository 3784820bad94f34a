//! `POST /rejudges/{rejudge}/cancel`

use axum::{extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    ids::RejudgeId,
    store::{
        self,
        audit::{self, Action, Entry},
    },
};

use super::{apply::lock_open, view::RejudgeView};
use crate::{
    access::RejudgeStaff,
    auth::Actor,
    error::ApiError,
    extract::{Begun, IdempotencyKey},
    problem::Problem,
    state::AppState,
};

/// Drop a rejudge set: no grade changes, what has not begun is not run, and what runs is not recorded.
#[utoipa::path(
    post, path = "/rejudges/{rejudge}/cancel", tag = "rejudges",
    params(("rejudge" = RejudgeId, Path), ("Idempotency-Key" = Option<String>, Header)),
    responses(
        (status = 200, body = RejudgeView),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`rejudge_closed`"),
    )
)]
#[tracing::instrument(name = "api.rejudge.cancel", skip_all, fields(rejudge.id = %who.id, user.id = %who.member.user.id))]
pub(super) async fn cancel_rejudge(
    who: RejudgeStaff,
    Actor(actor): Actor,
    key: IdempotencyKey,
    State(state): State<AppState>,
) -> Result<Response, ApiError> {
    let by = who.member.user.id;
    let mut work = match key.begin(&state.pg, by, b"").await? {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    lock_open(work.tx(), who.id).await?;
    store::rejudge::cancel(work.tx(), who.id, by).await?;
    let view = RejudgeView::read(&mut **work.tx(), who.id).await?;
    let entry = Entry::new(Action::RejudgeCancel).course(who.place.course).lab(who.place.lab).object(who.id.uuid());
    audit::record(work.tx(), &actor, entry).await?;
    work.commit(StatusCode::OK, None, &view).await
}
