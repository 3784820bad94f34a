//! The body of every error: RFC 9457 problem details.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
pub use iteratione_common::problem::Problem as FieldProblem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::request_id;

/// What went wrong, for programs (`code`) and for people (`detail`).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ProblemDocument)]
pub struct Problem {
    /// Names the kind of problem; `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable machine name of the kind.
    pub code: String,
    /// This occurrence in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Which parts of the request are wrong: a JSON pointer into the body, or the name of a query parameter.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<FieldProblem>,
    /// Names this request in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// The problem as a response with its content type, naming the request that is under way.
    pub fn respond(mut self, status: StatusCode) -> Response {
        self.request_id = request_id::current();
        let body = serde_json::to_vec(&self).unwrap_or_else(|_| b"{}".to_vec());
        let content_type = HeaderValue::from_static("application/problem+json");
        (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
    }
}
