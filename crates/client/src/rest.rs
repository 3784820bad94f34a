//! The REST API for programs that people run: one account, repeatable requests, patience with a busy judge.

use std::{io, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, RequestBuilder, Url,
    header::{self, HeaderMap},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{Auth, ClientError, ticket::body};

/// Tries of one request.
const TRIES: u32 = 6;
/// Tries where nobody answers: most often the address is wrong.
const TRIES_IN_VAIN: u32 = 3;
/// Waiting that one request may cost in all.
const PATIENCE: Duration = Duration::from_secs(90);
/// The first pause where the judge names none; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
/// One try, with a package on a slow line.
const DEADLINE: Duration = Duration::from_mins(10);
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read: a package can be large.
const LONGEST_BODY: usize = 256 << 20;

/// A way to the API.
pub struct Rest {
    http: reqwest::Client,
    base: Url,
    auth: Option<Auth>,
    waits: Waits,
}

/// Is told of a pause, and why there is one.
type Waits = Box<dyn Fn(Duration, &str) + Send + Sync>;

/// What is sent along.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing.
    None,
    /// JSON.
    Json(Value),
    /// Anything else.
    Bytes {
        /// Its type.
        content_type: &'static str,
        /// Itself.
        bytes: Bytes,
    },
}

/// A request: where to, and what with.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    content: Content,
    accept: &'static str,
    headers: Vec<(&'static str, String)>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Call {
    /// A request below `/api/v1`; each step of the path is escaped by itself.
    pub fn new<'a>(method: Method, path: impl IntoIterator<Item = &'a str>) -> Self {
        let path = path.into_iter().map(str::to_owned).collect();
        Self {
            method,
            path,
            query: Vec::new(),
            content: Content::None,
            accept: "application/json",
            headers: Vec::new(),
        }
    }

    /// With a parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Wanting another type than JSON.
    #[must_use]
    pub fn accept(mut self, content_type: &'static str) -> Self {
        self.accept = content_type;
        self
    }
}

impl Answer {
    /// Whether what was asked for was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn retry_after(&self) -> Option<Duration> {
        let passing = matches!(self.status, 429 | 502 | 503 | 504);
        let named = || self.header("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
        passing.then(|| named().unwrap_or_default())
    }
}

impl Rest {
    /// Of the judge at `url`. `waits` is told of each pause, and why there is one.
    pub fn new(
        url: &str,
        auth: Option<Auth>,
        agent: &str,
        waits: impl Fn(Duration, &str) + Send + Sync + 'static,
    ) -> Result<Self, ClientError> {
        let base = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let base = base.ok_or_else(|| ClientError::Address(url.to_owned()))?;
        let http = crate::http::builder(url).connect_timeout(CONNECT).timeout(DEADLINE).user_agent(agent).build()?;
        Ok(Self { http, base, auth, waits: Box::new(waits) })
    }

    /// Sends a request, and again while the judge is busy or away: each carries an `Idempotency-Key`, so that nothing
    /// is done twice. An answer that is no success is an answer too.
    pub async fn call(&self, call: &Call) -> Result<Answer, ClientError> {
        let key = Uuid::new_v4().to_string();
        let (mut pause, mut left) = (PAUSE, PATIENCE);
        for attempt in 1.. {
            let (wait, why, tries, outcome) = match self.once(call, &key).await {
                Ok(answer) => match answer.retry_after() {
                    Some(wait) => (wait.max(pause), "the judge is busy", TRIES, Ok(answer)),
                    None => return Ok(answer),
                },
                Err(error) if error.is_passing() => (pause, "the judge does not answer", TRIES_IN_VAIN, Err(error)),
                Err(error) => return Err(error),
            };
            if attempt >= tries || wait > left {
                return outcome;
            }
            (self.waits)(wait, why);
            tokio::time::sleep(wait).await;
            left = left.saturating_sub(wait);
            pause *= 2;
        }
        unreachable!("the last try returns")
    }

    async fn once(&self, call: &Call, key: &str) -> Result<Answer, ClientError> {
        let response = self.request(call, key)?.send().await.map_err(|error| self.unreachable(error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: body(response, LONGEST_BODY).await? })
    }

    fn request(&self, call: &Call, key: &str) -> Result<RequestBuilder, ClientError> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::Address(self.base.to_string()))?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http.request(call.method.clone(), url).header(header::ACCEPT, call.accept);
        if call.method == Method::POST {
            request = request.header("idempotency-key", key);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(Auth::Token(token)) = &self.auth {
            request = request.bearer_auth(token);
        }
        Ok(match &call.content {
            Content::None => request,
            Content::Json(value) => request.json(value),
            Content::Bytes { content_type, bytes } => {
                request.header(header::CONTENT_TYPE, *content_type).body(bytes.clone())
            }
        })
    }

    fn unreachable(&self, error: reqwest::Error) -> ClientError {
        if error.is_timeout() {
            let host = self.base.host_str().unwrap_or_default().to_owned();
            return ClientError::Late { host, within: if error.is_connect() { CONNECT } else { DEADLINE } };
        }
        let why = deepest(&error);
        if error.is_connect() {
            let host = self.base.host_str().unwrap_or_default().to_owned();
            return ClientError::Unreachable { host, source: io::Error::other(why) };
        }
        ClientError::Http(error)
    }
}

/// The cause of all causes: what happened, without the layers that it went through.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{
        Router,
        extract::State,
        http::{HeaderMap, StatusCode},
        routing::{get, post},
    };
    use serde_json::json;

    use super::*;

    /// Keys of the requests that came.
    type Seen = Arc<Mutex<Vec<String>>>;

    /// A judge that is busy at first.
    async fn peer() -> (String, Seen) {
        async fn busy(State(seen): State<Seen>, headers: HeaderMap) -> (StatusCode, [(&'static str, &'static str); 1]) {
            let mut seen = seen.lock().expect("no panic");
            seen.push(headers["idempotency-key"].to_str().expect("ASCII").to_owned());
            let status = if seen.len() < 3 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::CREATED };
            (status, [("retry-after", "1")])
        }
        let seen = Seen::default();
        let closed = get(async || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "3000")], "later"));
        let routes = Router::new().route("/api/v1/things/{thing}", post(busy)).route("/api/v1/closed", closed);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let app = routes.with_state(seen.clone());
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, app).await });
        (url, seen)
    }

    fn rest(url: &str) -> (Rest, Arc<Mutex<Vec<Duration>>>) {
        let waits: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let told = waits.clone();
        let rest = Rest::new(url, None, "test", move |wait, _| told.lock().expect("no panic").push(wait));
        (rest.expect("an address"), waits)
    }

    #[tokio::test]
    async fn a_busy_judge_is_asked_again_when_it_says_with_the_same_key() {
        let (url, seen) = peer().await;
        let (rest, waits) = rest(&url);
        let call = Call::new(Method::POST, ["things", "a/b?c"]).content(Content::Json(json!({})));
        assert_eq!(rest.call(&call).await.expect("an answer").status, 201);
        let seen = seen.lock().expect("no panic");
        assert!(seen.len() == 3 && seen.iter().all(|key| *key == seen[0]), "{seen:?}");
        assert_eq!(*waits.lock().expect("no panic"), [Duration::from_secs(1), Duration::from_secs(1)]);
    }

    #[tokio::test]
    async fn a_wait_of_an_hour_is_the_callers_to_decide() {
        let (url, _) = peer().await;
        let (rest, waits) = rest(&url);
        let answer = rest.call(&Call::new(Method::GET, ["closed"])).await.expect("an answer");
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("3000")));
        assert!(waits.lock().expect("no panic").is_empty());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["judge", "ftp://judge", "http://", "judge:8080"] {
            let refused = Rest::new(url, None, "test", |_, _| {}).err();
            assert!(matches!(refused, Some(ClientError::Address(_))), "{url}");
        }
    }
}
