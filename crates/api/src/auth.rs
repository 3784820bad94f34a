//! Who is asking: a browser by its session cookie, a script by its token.

pub mod access;
pub mod actor;
pub mod cookie;
mod limit;
pub mod origin;
mod password;
pub mod scope;
pub mod secret;

use axum::{
    extract::{FromRef, FromRequestParts, MatchedPath},
    http::{HeaderMap, header, request::Parts},
};
use iteratione_common::{
    ids::{SessionId, TokenId, UserId},
    store::{AccountRole, session, token},
};
use jiff::ToSpan as _;

use self::scope::Lacks;
pub use self::{
    actor::Actor,
    limit::{Attempt, Attempts, Limits},
    password::Passwords,
};
use crate::{error::ApiError, state::AppState};

/// The account that a request comes from. A handler that takes it refuses everybody else with 401.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    /// Id.
    pub id: UserId,
    /// What it may do outside courses.
    pub role: AccountRole,
    /// For people.
    pub name: String,
    /// Normalised address.
    pub email: String,
    /// How it has shown who it is.
    pub by: Credential,
}

/// How an account has shown who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A session's cookie.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
}

impl CurrentUser {
    /// Whether it may do everything.
    pub fn is_admin(&self) -> bool {
        self.role == AccountRole::Admin
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // Several extractors of one handler may ask.
        if let Some(user) = parts.extensions.get::<Self>() {
            return Ok(user.clone());
        }
        let state = AppState::from_ref(state);
        let user = match parts.headers.get(header::AUTHORIZATION) {
            Some(value) => by_token(parts, value.to_str().unwrap_or_default(), &state).await?,
            None => by_session(&parts.headers, &state).await?,
        };
        parts.extensions.insert(user.clone());
        Ok(user)
    }
}

async fn by_session(headers: &HeaderMap, state: &AppState) -> Result<CurrentUser, ApiError> {
    let cookie = cookie::read(headers).ok_or(ApiError::Unauthenticated)?;
    let session = session::live(&state.pg, &secret::hash(&cookie)).await?.ok_or(ApiError::Unauthenticated)?;
    let days = state.config.api.session_days;
    let left = session.expires_at.to_jiff().since(state.clock.now()).map_err(anyhow::Error::new)?;
    let half = (12 * i64::from(days)).hours();
    if left.compare(half).map_err(anyhow::Error::new)?.is_lt() {
        session::renew(&state.pg, session.session_id, days).await?;
    }
    Ok(CurrentUser {
        id: session.account_id,
        role: session.role,
        name: session.name,
        email: session.email,
        by: Credential::Session(session.session_id),
    })
}

async fn by_token(parts: &Parts, authorization: &str, state: &AppState) -> Result<CurrentUser, ApiError> {
    let (scheme, token) = authorization.split_once(' ').ok_or(ApiError::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::Unauthenticated);
    }
    let live = token::live(&state.pg, &secret::hash(token.trim())).await?.ok_or(ApiError::Unauthenticated)?;
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    scope::check(&live.scopes, &parts.method, route).map_err(|lacks| match lacks {
        Lacks::Scope(scopes) => ApiError::InsufficientScope(scopes),
        Lacks::Session => ApiError::Forbidden("Tokens are made in a browser session, not with a token."),
    })?;
    let unnoted = live.last_used_at.is_none_or(|t| t.to_jiff() < state.clock.now() - 1.minute());
    if unnoted {
        token::touch(&state.pg, live.token_id).await?;
    }
    Ok(CurrentUser {
        id: live.account_id,
        role: live.role,
        name: live.name,
        email: live.email,
        by: Credential::Token(live.token_id),
    })
}
