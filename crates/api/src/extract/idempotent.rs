//! `Idempotency-Key`: a request that creates something may be sent twice and happens once.
//!
//! The key, what it answers and the work itself live in one transaction. A twin that comes while the first is at work
//! waits for its end on the key's row; when the first fails, its key is rolled back and the twin does the work.
//! Only answers of success are kept, for a day.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use iteratione_common::{
    ids::UserId,
    store::{self, PgPool, PgTransaction, idempotency},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::body::{parse_json, read_body, require_json};
use crate::error::ApiError;

/// The request header.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is a stored one.
pub const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Characters of a key.
pub const MAX_KEY_LENGTH: usize = 200;
/// A twin waits so long for the first to end.
const TWIN_WAIT_MS: u32 = 5_000;

/// The key of a request, if it has one, with what else identifies the request but its body.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    key: Option<String>,
    line: String,
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let key = match parts.headers.get(KEY_HEADER) {
            None => None,
            Some(value) => match value.to_str() {
                Ok(key) if (1..=MAX_KEY_LENGTH).contains(&key.len()) && !key.contains(char::is_control) => {
                    Some(key.to_owned())
                }
                _ => {
                    return Err(ApiError::BadRequest(format!(
                        "Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters."
                    )));
                }
            },
        };
        let path = parts.uri.path_and_query().map_or("", |p| p.as_str());
        Ok(Self { key, line: format!("{} {path}\n", parts.method) })
    }
}

impl IdempotencyKey {
    /// The key as sent.
    pub fn as_str(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// SHA-256 of the request, with `body` standing for its body.
    pub fn request_hash(&self, body: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.line.as_bytes()).chain_update(body).finalize().into()
    }

    /// Begins a transaction for the request with this body, or finds the answer that was given to it before.
    pub async fn begin(self, pg: &PgPool, account: UserId, body: &[u8]) -> Result<Begun, ApiError> {
        let mut tx = pg.begin().await?;
        let Some(key) = self.key.clone() else { return Ok(Begun::Fresh(Work { tx, account, key: None })) };
        let hash = self.request_hash(body);
        let stored = match idempotency::claim(&mut tx, account, &key, &hash, TWIN_WAIT_MS).await {
            Ok(stored) => stored,
            Err(e) if store::is_lock_timeout(&e) => {
                return Err(ApiError::conflict("idempotency_key_in_use", "The same request is still at work."));
            }
            Err(e) => return Err(e.into()),
        };
        match stored {
            None => Ok(Begun::Fresh(Work { tx, account, key: Some(key) })),
            Some(answer) if answer.request_hash == hash => Ok(Begun::Replay(replay(&answer)?)),
            Some(_) => Err(ApiError::refused(
                "idempotency_key_reused",
                "This Idempotency-Key came with another request before: take a new one.",
            )),
        }
    }
}

fn replay(answer: &idempotency::StoredAnswer) -> Result<Response, ApiError> {
    let status = u16::try_from(answer.status).ok().and_then(|s| StatusCode::from_u16(s).ok());
    let status = status.ok_or_else(|| anyhow::anyhow!("stored answer with status {}", answer.status))?;
    let mut response = respond(status, answer.location.as_deref(), &answer.body)?;
    response.headers_mut().insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    Ok(response)
}

fn respond(status: StatusCode, location: Option<&str>, body: &impl Serialize) -> Result<Response, ApiError> {
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(location) = location {
        let value = HeaderValue::from_str(location).map_err(|e| anyhow::Error::new(e).context("Location"))?;
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// What [`IdempotencyKey::begin`] found.
#[derive(Debug)]
pub enum Begun {
    /// Nothing yet: do the work.
    Fresh(Work),
    /// This request was answered before: send this.
    Replay(Response),
}

/// A transaction that ends with an answer. Dropping it rolls it back, its key too.
#[derive(Debug)]
pub struct Work {
    tx: PgTransaction<'static>,
    account: UserId,
    key: Option<String>,
}

impl Work {
    /// The transaction to work in.
    pub fn tx(&mut self) -> &mut PgTransaction<'static> {
        &mut self.tx
    }

    /// Stores the answer, commits, and answers.
    pub async fn commit(
        self,
        status: StatusCode,
        location: Option<&str>,
        body: &impl Serialize,
    ) -> Result<Response, ApiError> {
        self.commit_showing(status, location, body, body).await
    }

    /// As [`Work::commit`], but a replay shows `stored` instead of `shown`: for answers that hold a secret.
    pub async fn commit_showing(
        mut self,
        status: StatusCode,
        location: Option<&str>,
        shown: &impl Serialize,
        stored: &impl Serialize,
    ) -> Result<Response, ApiError> {
        if let Some(key) = &self.key {
            let body = serde_json::to_value(stored).map_err(anyhow::Error::new)?;
            let code = i16::try_from(status.as_u16()).map_err(anyhow::Error::new)?;
            idempotency::store(&mut self.tx, self.account, key, code, location, &body).await?;
        }
        let response = respond(status, location, shown)?;
        self.tx.commit().await?;
        Ok(response)
    }
}

/// A JSON body together with the request's key: `Body` for requests that create something.
#[derive(Debug)]
pub struct Idempotent<T> {
    /// The body.
    pub body: T,
    key: IdempotencyKey,
    bytes: axum::body::Bytes,
}

impl<T> Idempotent<T> {
    /// Begins a transaction for this request, or finds the answer that was given to it before.
    pub async fn begin(self, pg: &PgPool, account: UserId) -> Result<(Begun, T), ApiError> {
        Ok((self.key.begin(pg, account, &self.bytes).await?, self.body))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Idempotent<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        let key = IdempotencyKey::from_request_parts(&mut parts, state).await?;
        let bytes = read_body(Request::from_parts(parts, body), state).await?;
        Ok(Self { body: parse_json(&bytes)?, key, bytes })
    }
}

#[cfg(test)]
mod tests;
