//! `GET /auth/oidc/login`, `GET /auth/oidc/callback`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

mod account;

use std::time::Duration;

use axum::{
    extract::{FromRequestParts as _, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse as _, Response},
};
use iteratione_common::store::{identity, session};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::start_session;
use crate::{
    auth::{actor, cookie, secret},
    error::ApiError,
    extract::{Params, Peer},
    oidc::{NotSignedIn, Pending, Provider, is_local_path},
    problem::Problem,
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(login)).routes(routes!(callback))
}

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoginQuery {
    /// A path of this site to go to afterwards; `/` unless given.
    return_to: Option<String>,
}

/// The query, as the provider sends it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallbackQuery {
    /// What the provider gives for the browser's sign-in.
    code: Option<String>,
    /// As it was sent to the provider.
    state: Option<String>,
    /// Why there is no code.
    error: Option<String>,
    /// Who answers.
    iss: Option<String>,
}

/// Go to the provider of single sign-on. For browsers: the answer leads there.
#[utoipa::path(get, path = "/auth/oidc/login", tag = "accounts", params(LoginQuery),
    responses((status = 303, description = "To the provider, with a cookie for the way back"),
        (status = 400, body = Problem), (status = 404, body = Problem, description = "There is no single sign-on here"),
        (status = 503, body = Problem, description = "The provider is away")))]
async fn login(State(state): State<AppState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let begun = async {
        let Params(query) = Params::<LoginQuery>::from_request_parts(&mut parts, &state).await?;
        begin(&state, query).await
    };
    let begun = begun.await;
    begun.unwrap_or_else(|e| page(e, &parts.headers, &state))
}

async fn begin(state: &AppState, query: LoginQuery) -> Result<Response, ApiError> {
    let provider = provider(state)?;
    let return_to = query.return_to.unwrap_or_else(|| "/".to_owned());
    if !is_local_path(&return_to) {
        return Err(ApiError::BadRequest("`return_to` must be a path of this site.".to_owned()));
    }
    let pending = Pending::begin(return_to, state.clock.now());
    let there = provider.sign_in_at(&pending).await.map_err(away)?;
    let headers = [(header::SET_COOKIE, pending.cookie(&state.config)?)];
    Ok((StatusCode::SEE_OTHER, headers, [(header::LOCATION, there)]).into_response())
}

/// Come back from the provider of single sign-on. For browsers: the answer leads to where the sign-in began, with a
/// session's cookie.
///
/// Somebody whom the provider names for the first time gets an account, or the one that has their verified address: its
/// password, sessions and tokens end then, because nobody had to prove that the address was theirs.
#[utoipa::path(get, path = "/auth/oidc/callback", tag = "accounts", params(CallbackQuery),
    responses((status = 303, description = "Signed in"),
        (status = 400, body = Problem, description = "`sign_in_expired`, `sign_in_used`"),
        (status = 403, body = Problem, description = "`sign_in_refused`, `id_token_refused`, `email_missing`, \
            `email_unverified`, `email_domain`, `no_account`, `admin_account`, `account_tied`"),
        (status = 404, body = Problem), (status = 409, body = Problem, description = "`sign_in_again`"),
        (status = 429, body = Problem), (status = 503, body = Problem, description = "The provider is away")))]
#[tracing::instrument(name = "api.session.oidc", skip_all)]
async fn callback(State(state): State<AppState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let signed_in = async {
        let Ok(Peer(peer)) = Peer::from_request_parts(&mut parts, &state).await;
        let Params(query) = Params::<CallbackQuery>::from_request_parts(&mut parts, &state).await?;
        let from_there = state.limits.login_address.take(peer).await?;
        let response = finish(&state, &parts, query).await?;
        from_there.right();
        Ok(response)
    };
    let response = signed_in.await;
    let response = response.unwrap_or_else(|e| page(e, &parts.headers, &state));
    // However it went, it is over.
    (AppendHeaders([(header::SET_COOKIE, Pending::clear(&state.config))]), response).into_response()
}

async fn finish(
    state: &AppState,
    parts: &axum::http::request::Parts,
    query: CallbackQuery,
) -> Result<Response, ApiError> {
    let provider = provider(state)?;
    let expired = || {
        let detail = "The sign-in took too long, or began in another browser or window: begin again.";
        refused(StatusCode::BAD_REQUEST, "sign_in_expired", detail)
    };
    let now = state.clock.now();
    let pending = Pending::read(&parts.headers, &state.config, now).ok_or_else(expired)?;
    if query.state.as_deref() != Some(&pending.state) {
        return Err(expired());
    }
    if query.iss.is_some_and(|iss| iss != provider.settings().issuer) {
        return Err(NotSignedIn::new("sign_in_refused", "Another provider answered.").into());
    }
    if !identity::use_state(&state.pg, &secret::hash(&pending.state)).await? {
        return Err(refused(StatusCode::BAD_REQUEST, "sign_in_used", "This sign-in is over: begin again."));
    }
    let Some(code) = query.code.filter(|_| query.error.is_none()) else {
        return Err(NotSignedIn::new("sign_in_refused", "The provider did not sign you in.").into());
    };
    let claims = provider.claims(&code, &pending, now).await.map_err(away)??;
    let mut tx = state.pg.begin().await?;
    let account = account::of(&mut tx, state, provider.settings(), &claims, actor::nobody(parts, state)).await?;
    if let Some(old) = cookie::read(&parts.headers) {
        session::delete(&mut *tx, &secret::hash(&old)).await?;
    }
    let token = start_session(&mut tx, account, &state.config).await?;
    tx.commit().await?;
    tracing::info!(user.id = %account, "signed in by single sign-on");
    let headers = [(header::SET_COOKIE, cookie::set(&token, &state.config))];
    Ok((StatusCode::SEE_OTHER, headers, [(header::LOCATION, pending.return_to)]).into_response())
}

fn provider(state: &AppState) -> Result<&Provider, ApiError> {
    state.oidc.as_ref().ok_or(ApiError::NotFound("single sign-on"))
}

fn refused(status: StatusCode, code: &'static str, detail: &str) -> ApiError {
    ApiError::Refused { status, code, detail: detail.to_owned(), errors: Vec::new() }
}

impl From<NotSignedIn> for ApiError {
    fn from(e: NotSignedIn) -> Self {
        refused(StatusCode::FORBIDDEN, e.code, &e.detail)
    }
}

fn away(e: anyhow::Error) -> ApiError {
    let cause = Some(e.context("single sign-on"));
    ApiError::Unavailable { retry_after: Duration::from_secs(10), cause }
}

/// A refusal as a page for browsers, as a problem document for everybody else.
fn page(error: ApiError, headers: &HeaderMap, state: &AppState) -> Response {
    let detail = match &error {
        ApiError::Internal(_) => "Something went wrong.".to_owned(),
        other => other.to_string(),
    };
    let mut response = error.into_response();
    let accepts = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        let again = if state.oidc.is_some() { "<p><a href=\"/api/v1/auth/oidc/login\">Try again</a></p>" } else { "" };
        let text = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not signed in</title>\
             <h1>Not signed in</h1><p>{}</p>{again}<p><a href=\"/\">Back</a></p></html>",
            escaped(&detail)
        );
        *response.body_mut() = text.into();
        let html = header::HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
