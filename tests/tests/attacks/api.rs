//! A1, A2: uploads and malformed requests. Whatever is sent, the answer is a problem document with a reason, and the
//! service stays small.

mod archives;
mod malformed;

use std::time::Duration;

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use testkit::{Client, classroom::text};

use crate::frame::Arena;

/// For one answer.
const DEADLINE: Duration = Duration::from_secs(60);

/// A client that sends bytes as they are.
struct Raw {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Debug)]
struct Reply {
    status: u16,
    content_type: String,
    body: Value,
}

impl Raw {
    /// Of nobody.
    fn anonymous(arena: &Arena<'_>) -> Self {
        // A connection for each request: the service may close one after a refusal whose body it has not read.
        let http =
            iteratione_client::http::plain().timeout(DEADLINE).pool_max_idle_per_host(0).build().expect("a client");
        Self { http, base: arena.stack.url.clone(), token: None }
    }

    /// Of somebody who is signed in.
    async fn of(arena: &Arena<'_>, client: &Client) -> Self {
        let made = client.post("/me/tokens", &json!({"name": "raw"})).await.expect("a token");
        Self { token: Some(text(&made, "token")), ..Self::anonymous(arena) }
    }

    /// Sends bytes to `/api/v1{path}`.
    async fn send(&self, method: Method, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
        self.send_with(method, path, &[(CONTENT_TYPE.as_str(), content_type.as_bytes())], body).await
    }

    /// As [`Raw::send`], where the connection may be closed before everything is sent.
    async fn try_send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Reply> {
        self.request(method, path, &[(CONTENT_TYPE.as_str(), content_type.as_bytes())], body).await
    }

    /// With any headers.
    async fn send_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &[u8])],
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        self.request(method, path, headers, body).await.unwrap_or_else(|e| panic!("{path}: {e:?}"))
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &[u8])],
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Reply> {
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        if let Some(token) = self.token.as_ref().filter(|_| !headers.iter().any(|(name, _)| *name == "authorization")) {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            let value = reqwest::header::HeaderValue::from_bytes(value).expect("a header");
            request = request.header(*name, value);
        }
        let answer = request.body(body).send().await?;
        let status = answer.status().as_u16();
        let content_type = answer.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let content_type = content_type.to_owned();
        let bytes = answer.bytes().await?;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        Ok(Reply { status, content_type, body })
    }
}

impl Reply {
    /// Fails unless it is a refusal as the API promises them.
    fn is_refused(&self, what: &str) {
        assert!((400..500).contains(&self.status), "{what}: {self:?}");
        assert_eq!(self.content_type, "application/problem+json", "{what}: {self:?}");
        assert_eq!(self.body["status"], self.status, "{what}: {self:?}");
        assert!(self.body["code"].as_str().is_some_and(|c| !c.is_empty()), "{what}: {self:?}");
        assert!(self.body["request_id"].is_string(), "{what}: {self:?}");
        assert!(self.body.to_string().len() < 256 * 1024, "{what}: a refusal of {} bytes", self.body.to_string().len());
    }

    /// Fails if it is our fault.
    fn is_no_fault(&self, what: &str) {
        assert!(self.status < 500, "{what}: {self:?}");
        if self.status >= 400 {
            self.is_refused(what);
        }
    }
}
