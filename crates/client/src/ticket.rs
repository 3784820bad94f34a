//! Tickets for one connection each, from the API.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Response, header};
use serde::Deserialize;
use serde_json::json;

use crate::ClientError;

/// No answer of the API may take longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read.
const LONGEST_BODY: usize = 1 << 20;

/// Whose ticket it is.
#[derive(Clone)]
pub enum Auth {
    /// An API token, `itr_…`.
    Token(String),
    /// The HTTP client holds the cookie of a session.
    Cookie,
}

/// A ticket: good for one connection, for a few seconds.
#[derive(Clone)]
pub struct RunTicket {
    /// `ws://…/ws/run?ticket=…`, to be given to [`crate::Terminal::connect`]. A secret.
    pub url: String,
    /// Until when the connection must be made.
    pub expires_at: Timestamp,
}

/// Asks the API at `api` (`http://host:port`) for a ticket.
pub async fn fetch(http: &reqwest::Client, api: &str, auth: &Auth) -> Result<RunTicket, ClientError> {
    #[derive(Deserialize)]
    struct Answer {
        url: String,
        expires_at: Timestamp,
    }
    let api = api.trim_end_matches('/');
    let request = http.post(format!("{api}/api/v1/run-tickets")).json(&json!({}));
    let answer: Answer = json(call(request, api, auth).await?).await?;
    Ok(RunTicket { url: absolute(api, &answer.url)?, expires_at: answer.expires_at })
}

/// Sends a request as that account; an answer that is no success is an error.
pub(crate) async fn call(request: reqwest::RequestBuilder, api: &str, auth: &Auth) -> Result<Response, ClientError> {
    let request = match auth {
        Auth::Token(token) => request.bearer_auth(token),
        // What a browser would say: the API takes a cookie only from its own pages.
        Auth::Cookie => request.header(header::ORIGIN, api),
    };
    let response = request.timeout(DEADLINE).send().await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status().as_u16();
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Err(problem(status, retry_after, &body(response, LONGEST_BODY).await?))
}

/// An answer's JSON.
pub(crate) async fn json<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, ClientError> {
    serde_json::from_slice(&body(response, LONGEST_BODY).await?)
        .map_err(|error| ClientError::Garbled(error.to_string()))
}

/// An answer's body, of at most so many bytes.
pub(crate) async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > most {
            return Err(ClientError::Garbled(format!("it is longer than {most} bytes")));
        }
    }
    Ok(body)
}

/// The error in a problem document, or in whatever came instead of one.
pub(crate) fn problem(status: u16, retry_after: Option<u64>, body: &[u8]) -> ClientError {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem {
        code: String,
        title: String,
        detail: Option<String>,
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let detail = problem.detail.filter(|detail| !detail.is_empty()).unwrap_or(problem.title);
    ClientError::Refused {
        status,
        code: problem.code,
        detail: if detail.is_empty() { "the judge refused".to_owned() } else { detail },
        retry_after: retry_after.map(Duration::from_secs),
    }
}

/// The address of the terminal: the API gives a path of its own origin, or a whole address.
fn absolute(api: &str, url: &str) -> Result<String, ClientError> {
    let whole = if url.starts_with('/') { format!("{api}{url}") } else { url.to_owned() };
    match whole.split_once("://") {
        Some(("http" | "ws", rest)) => Ok(format!("ws://{rest}")),
        _ => Err(ClientError::Address(api.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_where_the_api_is_unless_it_says_otherwise() {
        let of = |api, url| absolute(api, url).expect("an address");
        assert_eq!(of("http://127.0.0.1:8080", "/ws/run?ticket=a.b"), "ws://127.0.0.1:8080/ws/run?ticket=a.b");
        assert_eq!(of("http://judge", "ws://other:1/ws/run?ticket=x"), "ws://other:1/ws/run?ticket=x");
        assert!(matches!(absolute("https://judge", "/ws/run"), Err(ClientError::Address(_))));
    }

    #[test]
    fn a_problem_is_told_in_its_own_words() {
        let body = br#"{"code":"too_many","title":"Too many","status":429,"detail":"Wait a little."}"#;
        let error = problem(429, Some(7), body);
        assert_eq!(error.to_string(), "Wait a little. (HTTP 429, too_many)");
        assert_eq!((error.retry_after(), error.is_passing()), (Some(Duration::from_secs(7)), true));
        assert!(!problem(401, None, b"<html>").is_passing());
    }
}
