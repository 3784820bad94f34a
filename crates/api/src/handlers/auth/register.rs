//! `POST /auth/register`

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode},
    response::Response,
};
use iteratione_common::{
    ids::UserId,
    store::{
        AccountRole,
        account::{self, EMAIL_CONSTRAINT, NewAccount},
        idempotency,
    },
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AccountView, signed_in, start_session};
use crate::{
    auth::secret,
    check,
    config::{Config, Registration},
    error::{ApiError, FieldProblem, OnConstraint as _},
    extract::{Body, IdempotencyKey, Peer, REPLAYED_HEADER},
    state::AppState,
};

/// Somebody new.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Registrant {
    /// Address to sign in with; capitals do not matter.
    #[schema(example = "ada@example.edu")]
    email: String,
    /// 10 to 200 characters.
    #[schema(min_length = 10, max_length = 200)]
    password: String,
    /// For people; 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Make an account and sign in.
#[utoipa::path(post, path = "/auth/register", tag = "accounts", request_body = Registrant,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    responses(
        (status = 201, description = "Signed in", body = AccountView),
        (status = 409, description = "`email_taken`", content_type = "application/problem+json",
            body = crate::problem::Problem)))]
#[tracing::instrument(name = "api.account.register", skip_all)]
pub(super) async fn register(
    State(state): State<AppState>,
    Peer(peer): Peer,
    key: IdempotencyKey,
    Body(new): Body<Registrant>,
) -> Result<Response, ApiError> {
    let mut problems = Vec::new();
    let email = check::email(&mut problems, "/email", &new.email);
    let name = check::line(&mut problems, "/name", &new.name, 1..=100);
    check::password(&mut problems, "/password", &new.password);
    ApiError::if_any(problems)?;
    may_register(&email, &state.config)?;
    // Each counts, whether it succeeds or not.
    drop(state.limits.register.take(peer).await?);

    // The password is not part of it: a fast hash of one must not be stored.
    let request_hash = key.request_hash(format!("{email}\n{name}").as_bytes());
    let password_hash = state.passwords.hash(new.password.clone()).await?;
    let mut tx = state.pg.begin().await?;
    let account = NewAccount {
        id: UserId::new(),
        email: &email,
        name: &name,
        password_hash: &password_hash,
        role: AccountRole::Student,
    };
    let in_use = || ApiError::taken("email_taken", "/email", "There is an account with this address already.");
    let account = match account::insert(&mut *tx, &account).await.on_constraint(EMAIL_CONSTRAINT, in_use) {
        Ok(row) => AccountView::from(row),
        Err(taken @ ApiError::Refused { .. }) => {
            tx.rollback().await?;
            let again = again(&state, peer, &key, &request_hash, &email, new.password).await?;
            return again.ok_or(taken);
        }
        Err(other) => return Err(other),
    };
    if let Some(key) = key.as_str() {
        idempotency::claim(&mut tx, account.id, key, &request_hash, 0).await?;
        let body = serde_json::to_value(&account).map_err(anyhow::Error::new)?;
        idempotency::store(&mut tx, account.id, key, 201, None, &body).await?;
    }
    let token = start_session(&mut tx, account.id, &state.config).await?;
    tx.commit().await?;
    tracing::info!(user.id = %account.id, "registered");
    Ok(signed_in(StatusCode::CREATED, &account, &token, &state.config))
}

fn may_register(email: &str, config: &Config) -> Result<(), ApiError> {
    let refused = |code, detail: &str, errors| {
        Err(ApiError::Refused { status: StatusCode::FORBIDDEN, code, detail: detail.to_owned(), errors })
    };
    match config.api.registration {
        Registration::Open => Ok(()),
        Registration::Closed => refused("registration_closed", "New accounts are not open to the public here.", vec![]),
        Registration::Domains => {
            let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
            if config.api.registration_domains.iter().any(|d| d.eq_ignore_ascii_case(domain)) {
                return Ok(());
            }
            let domains = config.api.registration_domains.join(", ");
            let problem = FieldProblem::new("/email", format!("must be an address of {domains}"));
            refused("registration_domain", "Addresses of this domain cannot register here.", vec![problem])
        }
    }
}

/// The answer to a registration that is sent again with its key: whoever knows key, address, name and password sent it.
async fn again(
    state: &AppState,
    peer: std::net::IpAddr,
    key: &IdempotencyKey,
    request_hash: &[u8],
    email: &str,
    password: String,
) -> Result<Option<Response>, ApiError> {
    let Some(key) = key.as_str() else { return Ok(None) };
    let Some(known) = account::credentials(&state.pg, email).await? else { return Ok(None) };
    let stored = idempotency::get(&state.pg, known.account_id, key).await?;
    if stored.is_none_or(|s| s.request_hash != request_hash) {
        return Ok(None);
    }
    let guess = state.limits.login.take((secret::hash(email), peer)).await?;
    if !state.passwords.verify(password, Some(known.password_hash)).await? {
        return Ok(None);
    }
    guess.right();
    let row = account::get(&state.pg, known.account_id).await?.ok_or(ApiError::Unauthenticated)?;
    let mut tx = state.pg.begin().await?;
    let token = start_session(&mut tx, row.account_id, &state.config).await?;
    tx.commit().await?;
    let mut response = signed_in(StatusCode::CREATED, &row.into(), &token, &state.config);
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    Ok(Some(response))
}
