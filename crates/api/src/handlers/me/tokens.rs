//! `POST /me/tokens`, `GET /me/tokens`, `DELETE /me/tokens/{id}`

use axum::{Json, extract::State, http::StatusCode, response::Response};
use iteratione_common::{
    ids::TokenId,
    store::{
        Time,
        audit::{self, Action, Entry},
        token::{self, NewToken, TokenRow},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::{
        Actor, CurrentUser,
        scope::{self, Scope},
        secret,
    },
    check,
    error::{ApiError, FieldProblem},
    extract::{Begun, Idempotent, List, Page, PathOf},
    state::AppState,
};

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is for; 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What the token may do at most. `read`: look at everything. `submit`: join courses, hand in, run programs, see
    /// what became of it. `labs:write`: see and change labs. `grades:read`: see submissions, gradebooks, statistics.
    /// `grades:write`: rejudge and extend, too. `courses:write`: make and change courses, members, webhooks. `admin`:
    /// what only admins may. `write`: everything that the account may do, as without any scope.
    #[serde(default)]
    #[schema(example = json!(["submit"]))]
    scopes: Vec<String>,
    /// When it ends; never, unless given.
    #[serde(default)]
    expires_at: Option<Timestamp>,
}

/// A token, but not what it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenView {
    /// Id.
    id: TokenId,
    /// What it is for.
    name: String,
    /// What it may do; empty for everything.
    scopes: Vec<String>,
    /// When it was made.
    created_at: Timestamp,
    /// When it ends.
    expires_at: Option<Timestamp>,
    /// When it was last used, to within a minute.
    last_used_at: Option<Timestamp>,
}

/// A new token.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedToken {
    #[serde(flatten)]
    view: TokenView,
    /// To be sent as `Authorization: Bearer …`. Shown this once: `null` when the same request is repeated.
    #[schema(example = "itr_…")]
    token: Option<String>,
}

impl From<TokenRow> for TokenView {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.token_id,
            name: row.name,
            scopes: row.scopes,
            created_at: row.created_at.to_jiff(),
            expires_at: row.expires_at.map(Time::to_jiff),
            last_used_at: row.last_used_at.map(Time::to_jiff),
        }
    }
}

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(delete))
}

/// Make a token for scripts. Only a signed-in browser session may: a token that has leaked cannot make others.
#[utoipa::path(post, path = "/me/tokens", tag = "accounts", request_body = TokenRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    responses((status = 201, description = "`Location` is the token", body = CreatedToken)))]
#[tracing::instrument(name = "api.token.create", skip_all, fields(user.id = %user.id))]
async fn create(
    State(state): State<AppState>,
    user: CurrentUser,
    Actor(actor): Actor,
    request: Idempotent<TokenRequest>,
) -> Result<Response, ApiError> {
    let (begun, wanted) = request.begin(&state.pg, user.id).await?;
    let mut work = match begun {
        Begun::Fresh(work) => work,
        Begun::Replay(answer) => return Ok(answer),
    };
    let (name, scopes) = checked(&wanted, state.clock.now())?;
    let most = state.config.api.limits.tokens_per_account;
    if token::count(&mut **work.tx(), user.id).await? >= most {
        return Err(ApiError::conflict(
            "too_many_tokens",
            format!("An account has at most {most} tokens: delete some."),
        ));
    }
    let secret = secret::api_token();
    let new = NewToken {
        id: TokenId::new(),
        account: user.id,
        name: &name,
        hash: &secret::hash(&secret),
        scopes: &scopes,
        expires_at: wanted.expires_at.map(Into::into),
    };
    let view = TokenView::from(token::insert(&mut **work.tx(), &new).await?);
    let entry = Entry::new(Action::TokenCreate).subject(user.id).object(view.id.uuid());
    let entry = entry.after(json!({"name": view.name, "scopes": view.scopes, "expires_at": view.expires_at}));
    audit::record(work.tx(), &actor, entry).await?;
    let location = format!("/api/v1/me/tokens/{}", view.id);
    let shown = CreatedToken { view: view.clone(), token: Some(secret) };
    work.commit_showing(StatusCode::CREATED, Some(&location), &shown, &CreatedToken { view, token: None }).await
}

fn checked(wanted: &TokenRequest, now: Timestamp) -> Result<(String, Vec<String>), ApiError> {
    let mut problems = Vec::new();
    let name = check::line(&mut problems, "/name", &wanted.name, 1..=100);
    for (i, scope) in wanted.scopes.iter().enumerate() {
        if Scope::parse(scope).is_none() {
            let known = scope::ALL.map(Scope::as_str).join(", ");
            problems.push(FieldProblem::new(format!("/scopes/{i}"), format!("must be one of {known}")));
        }
    }
    if wanted.expires_at.is_some_and(|t| t <= now) {
        problems.push(FieldProblem::new("/expires_at", "must be in the future"));
    }
    ApiError::if_any(problems)?;
    let mut scopes = wanted.scopes.clone();
    scopes.sort();
    scopes.dedup();
    Ok((name, scopes))
}

/// The account's tokens, newest first.
#[utoipa::path(get, path = "/me/tokens", tag = "accounts", params(Page),
    responses((status = 200, body = List<TokenView>)))]
async fn list(State(state): State<AppState>, user: CurrentUser, page: Page) -> Result<Json<List<TokenView>>, ApiError> {
    let rows = token::page(&state.pg, user.id, page.after()?, page.rows()).await?;
    Ok(Json(page.list(rows, |row| row.token_id, TokenView::from)))
}

/// End a token.
#[utoipa::path(delete, path = "/me/tokens/{id}", tag = "accounts", params(("id" = TokenId, Path)),
    responses((status = 204, description = "It is no longer valid")))]
#[tracing::instrument(name = "api.token.delete", skip_all, fields(user.id = %user.id))]
async fn delete(
    State(state): State<AppState>,
    user: CurrentUser,
    Actor(actor): Actor,
    PathOf(id): PathOf<TokenId>,
) -> Result<StatusCode, ApiError> {
    let mut tx = state.pg.begin().await?;
    if !token::delete(&mut *tx, user.id, id).await? {
        return Err(ApiError::NotFound("token"));
    }
    audit::record(&mut tx, &actor, Entry::new(Action::TokenDelete).subject(user.id).object(id.uuid())).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
