//! `POST /auth/login`

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use iteratione_common::store::{account, session};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AccountView, signed_in, start_session};
use crate::{
    auth::{cookie, secret},
    check,
    error::ApiError,
    extract::{Body, Peer},
    state::AppState,
};

/// Who somebody says they are.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Address; capitals do not matter.
    #[schema(example = "ada@example.edu")]
    email: String,
    /// Password.
    #[schema(format = Password)]
    password: String,
}

/// Sign in: sets the session's cookie.
#[utoipa::path(post, path = "/auth/login", tag = "accounts", request_body = Login,
    responses(
        (status = 200, description = "Signed in", body = AccountView),
        (status = 401, description = "`invalid_credentials`", content_type = "application/problem+json",
            body = crate::problem::Problem)))]
#[tracing::instrument(name = "api.session.create", skip_all)]
pub(super) async fn login(
    State(state): State<AppState>,
    Peer(peer): Peer,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, ApiError> {
    let email = check::normal_email(&login.email).unwrap_or_default();
    let from_there = state.limits.login_address.take(peer).await?;
    let guess = state.limits.login.take((secret::hash(&email), peer)).await?;
    let known = account::credentials(&state.pg, &email).await?;
    let (id, hash) = known.map_or((None, None), |c| (Some(c.account_id), Some(c.password_hash)));
    // An unknown address takes as long as a wrong password.
    let right = state.passwords.verify(login.password, hash).await?;
    let (true, Some(id)) = (right, id) else { return Err(ApiError::InvalidCredentials) };
    guess.right();
    from_there.right();

    let account = account::get(&state.pg, id).await?.ok_or(ApiError::InvalidCredentials)?;
    let mut tx = state.pg.begin().await?;
    if let Some(old) = cookie::read(&headers) {
        session::delete(&mut *tx, &secret::hash(&old)).await?;
    }
    let token = start_session(&mut tx, id, &state.config).await?;
    tx.commit().await?;
    tracing::info!(user.id = %id, "signed in");
    Ok(signed_in(StatusCode::OK, &account.into(), &token, &state.config))
}
