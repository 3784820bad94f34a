//! Path and query parameters.

use axum::{
    extract::{FromRequestParts, Path, path::ErrorKind, rejection::PathRejection},
    http::request::Parts,
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::error::ApiError;

/// Path parameters. A part that cannot be what it should be, such as an id that is no UUID, names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct PathOf<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(e)) => Err(match e.into_kind() {
                ErrorKind::WrongNumberOfParameters { got, expected } => {
                    ApiError::Internal(anyhow::anyhow!("the route has {got} parameters, the handler takes {expected}"))
                }
                ErrorKind::UnsupportedType { name } => {
                    ApiError::Internal(anyhow::anyhow!("the handler's path type {name} is not supported"))
                }
                ErrorKind::InvalidUtf8InPathParam { key } => {
                    ApiError::BadRequest(format!("`{key}` in the path is not UTF-8."))
                }
                _ => ApiError::NotFound("thing"),
            }),
            Err(other) => Err(ApiError::Internal(anyhow::Error::new(other))),
        }
    }
}

/// Query parameters; a wrong one is named.
#[derive(Debug, Clone, Copy)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let axum_extra::extract::Query(value) = axum_extra::extract::Query::from_request_parts(parts, state)
            .await
            .map_err(|e| ApiError::BadRequest(format!("The query is not valid: {}.", source_of(&e))))?;
        Ok(Self(value))
    }
}

/// For optional parameters that are no texts: `user=` names nobody and is refused. An `Option` alone would take it for
/// nothing, and a list of one account's for everybody's.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn source_of(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string().trim_end_matches('.').to_owned()
}
