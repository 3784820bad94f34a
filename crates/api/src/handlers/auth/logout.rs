//! `POST /auth/logout`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use iteratione_common::store::session;

use crate::{
    auth::{cookie, secret},
    error::ApiError,
    state::AppState,
};

/// Sign out: ends the session of the cookie, if there is one.
#[utoipa::path(post, path = "/auth/logout", tag = "accounts", security((), ("session" = [])),
    responses((status = 204, description = "Signed out")))]
#[tracing::instrument(name = "api.session.delete", skip_all)]
pub(super) async fn logout(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if let Some(token) = cookie::read(&headers) {
        session::delete(&state.pg, &secret::hash(&token)).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clear(&state.config))]).into_response())
}
