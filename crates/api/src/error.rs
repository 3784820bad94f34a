//! Every way in which a request can be refused.

use std::{sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use iteratione_common::store;

pub use crate::problem::FieldProblem;
use crate::problem::Problem;

/// Why a request is refused. Only [`ApiError::Internal`] is our fault; its cause goes to the log, never to the client.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No session, no token, or one that has ended.
    #[error("Sign in first, or send a valid token.")]
    Unauthenticated,
    /// Wrong address or wrong password; which one is not said.
    #[error("The e-mail address or the password is wrong.")]
    InvalidCredentials,
    /// Known, but without the right.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The token may not do this, whatever its account may; scopes of which one would do, with blanks in between.
    #[error("This token lacks a scope. Any one of these lets it do this: {0}.")]
    InsufficientScope(String),
    /// A request with a cookie that another site has sent.
    #[error("This request came from another site.")]
    CrossSite,
    /// There is no such thing, or it must not be known that there is.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The path leads nowhere.
    #[error("There is nothing at this path.")]
    NoSuchRoute,
    /// The path exists, but not for this method.
    #[error("This path does not take this method.")]
    MethodNotAllowed,
    /// The path is for WebSockets.
    #[error("This path is for WebSockets: ask for an upgrade.")]
    UpgradeRequired,
    /// The body is not JSON.
    #[error("The body is not valid JSON: {0}.")]
    MalformedJson(String),
    /// The body is of another type than the endpoint takes.
    #[error("Send {0}, and say so in Content-Type.")]
    UnsupportedMediaType(&'static str),
    /// The body is larger than the endpoint takes.
    #[error("The body is too large.")]
    TooLarge,
    /// The body did not arrive whole.
    #[error("The body could not be read.")]
    UnreadableBody,
    /// A part of the path or of the query is not what it should be.
    #[error("{0}")]
    BadRequest(String),
    /// Well-formed, but some fields are not what they should be.
    #[error("Some fields are not valid.")]
    Invalid(Vec<FieldProblem>),
    /// At odds with what is there; a stable code and a sentence.
    #[error("{detail}")]
    Conflict {
        /// Stable machine name.
        code: &'static str,
        /// For people.
        detail: String,
    },
    /// A domain rule says no; a status, a stable code and a sentence.
    #[error("{detail}")]
    Refused {
        /// 4xx.
        status: StatusCode,
        /// Stable machine name.
        code: &'static str,
        /// For people.
        detail: String,
        /// The fields that it is about.
        errors: Vec<FieldProblem>,
    },
    /// Too often.
    #[error("Too many requests: try again in {} s.", at_least_a_second(*retry_after))]
    TooMany {
        /// Stable machine name.
        code: &'static str,
        /// When to try again.
        retry_after: Duration,
    },
    /// Something that we need is away for a moment.
    #[error("The service is busy or starting: try again in {} s.", at_least_a_second(*retry_after))]
    Unavailable {
        /// When to try again.
        retry_after: Duration,
        /// For the log.
        cause: Option<anyhow::Error>,
    },
    /// It took too long.
    #[error("The request took too long.")]
    Timeout,
    /// Our fault.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

fn at_least_a_second(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

/// Why a request failed by our fault or for want of something we need: read by the access log, never sent.
#[derive(Debug, Clone)]
pub struct Cause(pub Arc<str>);

impl ApiError {
    /// One wrong field of the body, by its JSON pointer.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem::new(pointer, detail)])
    }

    /// A domain rule that says no with 422.
    pub fn refused(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, code, detail: detail.into(), errors: Vec::new() }
    }

    /// At odds with what is there: 409.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into() }
    }

    /// A field's value belongs to something else already: 409.
    pub fn taken(code: &'static str, pointer: &str, detail: &str) -> Self {
        Self::Refused {
            status: StatusCode::CONFLICT,
            code,
            detail: detail.to_owned(),
            errors: vec![FieldProblem::new(pointer, detail)],
        }
    }

    /// Fails if there are any problems with fields.
    pub fn if_any(errors: Vec<FieldProblem>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self::Invalid(errors)) }
    }

    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "Sign in first"),
            Self::InvalidCredentials => (StatusCode::UNAUTHORIZED, "invalid_credentials", "Wrong address or password"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::InsufficientScope(_) => (StatusCode::FORBIDDEN, "insufficient_scope", "The token may not do this"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross_site_request", "Request from another site"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::NoSuchRoute => (StatusCode::NOT_FOUND, "no_such_route", "No such path"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "No such method here"),
            Self::UpgradeRequired => (StatusCode::UPGRADE_REQUIRED, "upgrade_required", "Not a WebSocket"),
            Self::MalformedJson(_) => (StatusCode::BAD_REQUEST, "malformed_json", "Not JSON"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Wrong content type")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "Body too large"),
            Self::UnreadableBody => (StatusCode::BAD_REQUEST, "unreadable_body", "Body not readable"),
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request", "Bad request"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Not valid"),
            Self::Conflict { code, .. } => (StatusCode::CONFLICT, code, "Conflict"),
            Self::Refused { status, code, .. } => (*status, code, "Refused"),
            Self::TooMany { code, .. } => (StatusCode::TOO_MANY_REQUESTS, code, "Too many requests"),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again soon"),
            Self::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "timeout", "Took too long"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong"),
        }
    }

    fn cause(&self) -> Option<Cause> {
        match self {
            Self::Internal(cause) | Self::Unavailable { cause: Some(cause), .. } => {
                Some(Cause(format!("{cause:#}").into()))
            }
            _ => None,
        }
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match store::failure(&error) {
            store::Failure::Away => {
                let cause = anyhow::Error::new(error).context("database");
                Self::Unavailable { retry_after: Duration::from_secs(2), cause: Some(cause) }
            }
            store::Failure::UnstorableText => Self::refused(
                "unstorable_text",
                "The request holds a NUL character or text that is not Unicode; that cannot be stored.",
            ),
            store::Failure::Other => Self::Internal(anyhow::Error::new(error).context("database")),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, title) = self.parts();
        let cause = self.cause();
        let retry_after = match &self {
            Self::TooMany { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                Some(at_least_a_second(*retry_after))
            }
            Self::Timeout => Some(1),
            _ => None,
        };
        let detail = (!matches!(self, Self::Internal(_))).then(|| self.to_string());
        let challenge = match &self {
            Self::Unauthenticated => Some(HeaderValue::from_static("Bearer")),
            Self::InsufficientScope(scopes) => {
                HeaderValue::from_str(&format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\"")).ok()
            }
            _ => None,
        };
        let upgrade = matches!(self, Self::UpgradeRequired);
        let errors = match self {
            Self::Invalid(errors) | Self::Refused { errors, .. } => errors,
            _ => Vec::new(),
        };
        let problem = Problem {
            kind: format!("/problems/{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail,
            errors,
            request_id: None,
        };
        let mut response = problem.respond(status);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if upgrade {
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// Turns the breach of a named constraint into the domain's own error, at the call that can break it.
pub trait OnConstraint<T> {
    /// `error()` if the constraint or unique index `name` was broken.
    fn on_constraint(self, name: &str, error: impl FnOnce() -> ApiError) -> Result<T, ApiError>;
}

impl<T> OnConstraint<T> for store::Result<T> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> ApiError) -> Result<T, ApiError> {
        self.map_err(|e| match &e {
            store::Error::Database(d) if d.constraint() == Some(name) => error(),
            _ => e.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> serde_json::Value {
        let bytes = axum::body::to_bytes(response.into_body(), 4096).await.expect("body");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[tokio::test]
    async fn a_500_says_nothing_but_keeps_its_cause_for_the_log() {
        let response = ApiError::from(store::Error::RowNotFound).into_response();
        assert_eq!(response.status(), 500);
        assert!(response.extensions().get::<Cause>().expect("cause").0.contains("no rows"));
        insta::assert_json_snapshot!(body(response).await, @r#"
        {
          "code": "internal",
          "status": 500,
          "title": "Something went wrong",
          "type": "/problems/internal"
        }
        "#);
    }

    #[tokio::test]
    async fn a_database_that_is_away_is_a_503_with_retry_after() {
        let response = ApiError::from(store::Error::PoolTimedOut).into_response();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &HeaderValue::from(2)));
        assert!(response.extensions().get::<Cause>().is_some());
    }

    #[tokio::test]
    async fn each_problem_has_its_content_type_and_too_many_says_when() {
        let error = ApiError::TooMany { code: "too_many_logins", retry_after: Duration::from_millis(1500) };
        let response = error.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "2");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
}
