//! Accounts and sessions: `/auth/…`.

mod login;
mod logout;
mod methods;
mod oidc;
mod register;

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use iteratione_common::{
    ids::{SessionId, UserId},
    store::{AccountRole, PgTransaction, account::AccountRow, session},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::{CurrentUser, cookie, secret},
    config::Config,
    error::ApiError,
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(logout::logout))
        .routes(routes!(methods::methods))
        .merge(oidc::routes())
}

/// An account, as it sees itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountView {
    /// Id.
    pub id: UserId,
    /// Normalised address.
    pub email: String,
    /// For people.
    pub name: String,
    /// What it may do outside courses.
    pub role: AccountRole,
}

impl From<AccountRow> for AccountView {
    fn from(row: AccountRow) -> Self {
        Self { id: row.account_id, email: row.email, name: row.name, role: row.role }
    }
}

impl From<CurrentUser> for AccountView {
    fn from(user: CurrentUser) -> Self {
        Self { id: user.id, email: user.email, name: user.name, role: user.role }
    }
}

/// Starts a session; the cookie's token.
async fn start_session(tx: &mut PgTransaction<'_>, account: UserId, config: &Config) -> Result<String, ApiError> {
    let token = secret::session_token();
    session::insert(&mut **tx, SessionId::new(), account, &secret::hash(&token), config.api.session_days).await?;
    Ok(token)
}

/// An account and its new session's cookie.
fn signed_in(status: StatusCode, account: &AccountView, token: &str, config: &Config) -> Response {
    (status, [(header::SET_COOKIE, cookie::set(token, config))], Json(account)).into_response()
}

#[cfg(test)]
mod tests;
