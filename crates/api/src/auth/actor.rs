//! Who acts, and whence: what each line of the audit log begins with.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use iteratione_common::store::audit;

use super::{Credential, CurrentUser};
use crate::{error::ApiError, extract::peer, request_id, state::AppState};

/// Of the request that is under way; 401 without an account.
#[derive(Debug, Clone)]
pub struct Actor(pub audit::Actor);

impl Actor {
    /// This account, in the request that is under way.
    pub fn of(user: &CurrentUser, parts: &Parts, state: &AppState) -> Self {
        let token = match user.by {
            Credential::Token(id) => Some(id),
            Credential::Session(_) => None,
        };
        Self(audit::Actor { account: Some(user.id), token, ..nobody(parts, state) })
    }
}

/// The request that is under way, by nobody yet.
pub fn nobody(parts: &Parts, state: &AppState) -> audit::Actor {
    let remote = peer::address(&parts.extensions, &parts.headers, state.config.api.trusted_proxies);
    audit::Actor {
        account: None,
        token: None,
        request_id: request_id::current(),
        remote: Some(remote.to_canonical().to_string()),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor
where
    AppState: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let user = CurrentUser::from_request_parts(parts, state).await?;
        Ok(Self::of(&user, parts, &AppState::from_ref(state)))
    }
}
