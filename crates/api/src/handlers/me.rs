//! `GET /me`, and the account's tokens.

mod tokens;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    response::{AppendHeaders, IntoResponse as _, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::auth::AccountView;
use crate::{
    auth::{Credential, CurrentUser, cookie},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(me)).merge(tokens::routes())
}

/// Who is signed in. A browser's cookie is set anew, so that it lasts as long as the session, which each use renews.
#[utoipa::path(get, path = "/me", tag = "accounts", responses((status = 200, body = AccountView)))]
async fn me(State(state): State<AppState>, user: CurrentUser, headers: HeaderMap) -> Response {
    let renewed = match user.by {
        Credential::Session(_) => cookie::read(&headers).map(|token| cookie::set(&token, &state.config)),
        Credential::Token(_) => None,
    };
    let renewed = AppendHeaders(renewed.map(|value| (header::SET_COOKIE, value)));
    (renewed, Json(AccountView::from(user))).into_response()
}
