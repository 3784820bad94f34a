//! A small client of the REST API: one account, signed in by a cookie.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use iteratione_client::{Auth, Connector};
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::{Value, json};

use crate::sse::{Message, Parser};

/// No answer to a plain request may take longer.
const DEADLINE: Duration = Duration::from_mins(1);
/// A live stream says something at least every 15 s.
const SILENCE: Duration = Duration::from_secs(45);
/// Body bytes of an answer that are read.
const LONGEST_BODY: usize = 64 << 20;

/// A client with a session of its own.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked, for messages.
    pub request: String,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body: JSON, or what was sent as a text; null if empty.
    pub body: Value,
}

impl Answer {
    /// The body, if the status is one of those; else an error that tells the whole answer.
    pub fn expect(self, statuses: &[u16]) -> anyhow::Result<Value> {
        ensure!(statuses.contains(&self.status), "{} was answered {}: {}", self.request, self.status, self.body);
        Ok(self.body)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The stable code of a problem document.
    pub fn code(&self) -> Option<&str> {
        self.body["code"].as_str()
    }
}

impl Client {
    /// Of the API at `url`, e.g. `http://127.0.0.1:8080`; signed in as nobody.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let http = iteratione_client::http::builder(url)
            .cookie_store(true)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .build()
            .context("no HTTP client")?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned() })
    }

    /// A request below `/api/v1`, with a JSON body if one is given.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        self.call_with(method, path, body, &[]).await
    }

    /// As [`Self::call`], with more headers.
    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let request = format!("{method} {path}");
        let mut builder = self.http.request(method, self.address(path)).timeout(DEADLINE);
        if let Some(body) = body {
            builder = builder.json(body);
        }
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let response = builder.send().await.with_context(|| format!("{request} was not answered"))?;
        answer(request, response).await
    }

    /// `GET`, of which 200 is expected.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await?.expect(&[200])
    }

    /// `POST`, of which 200, 201 or 202 is expected.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await?.expect(&[200, 201, 202])
    }

    /// `PUT`, of which 200 or 201 is expected.
    pub async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(body)).await?.expect(&[200, 201])
    }

    /// `PUT` of a zip archive.
    pub async fn put_archive(&self, path: &str, archive: Vec<u8>) -> anyhow::Result<Answer> {
        let request = format!("PUT {path}");
        let builder = self.http.put(self.address(path)).timeout(DEADLINE).header("content-type", "application/zip");
        let response = builder.body(archive).send().await.with_context(|| format!("{request} was not answered"))?;
        answer(request, response).await
    }

    /// The bytes of a file, of which 200 is expected.
    pub async fn download(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let response = self.http.get(self.address(path)).timeout(DEADLINE).send().await;
        let response = response.with_context(|| format!("GET {path} was not answered"))?.error_for_status()?;
        Ok(response.bytes().await?.to_vec())
    }

    /// A path outside `/api/v1`, e.g. `/livez`.
    pub async fn plain(&self, path: &str) -> anyhow::Result<Answer> {
        let request = format!("GET {path}");
        let response = self.http.get(format!("{}{path}", self.url)).timeout(DEADLINE).send().await;
        answer(request.clone(), response.with_context(|| format!("{request} was not answered"))?).await
    }

    /// Signs in.
    pub async fn login(&self, email: &str, password: &str) -> anyhow::Result<Value> {
        self.post("/auth/login", &json!({"email": email, "password": password})).await
    }

    /// Follows a submission from its beginning, or from after the event with that id. `None`: the end has been seen.
    pub async fn follow(&self, submission: &str, last_event_id: Option<&str>) -> anyhow::Result<Option<Events>> {
        let path = format!("/submissions/{submission}/events");
        let mut builder = self.http.get(self.address(&path)).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            builder = builder.header("last-event-id", id);
        }
        let response = builder.send().await.with_context(|| format!("GET {path} was not answered"))?;
        match response.status().as_u16() {
            200 => Ok(Some(Events::new(response))),
            204 => Ok(None),
            _ => bail!("GET {path}: {:?}", answer(path.clone(), response).await?),
        }
    }

    /// Follows a submission to its end, over as many connections as it takes, and returns its result.
    pub async fn result(&self, submission: &str, within: Duration) -> anyhow::Result<Value> {
        let following = async {
            let mut last: Option<String> = None;
            loop {
                match self.follow(submission, last.as_deref()).await {
                    Ok(None) => return self.get(&format!("/submissions/{submission}")).await,
                    Ok(Some(mut events)) => {
                        while let Ok(Some(message)) = events.next().await {
                            last = message.id.clone().or(last);
                            if message.event == "done" {
                                return Ok(message.json()?);
                            }
                        }
                    }
                    // The service restarts: come back.
                    Err(error) if error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) => {}
                    Err(error) => return Err(error),
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        tokio::time::timeout(within, following)
            .await
            .with_context(|| format!("submission {submission} had no result after {} s", within.as_secs()))?
    }

    /// The way to live terminals, as whoever is signed in here.
    pub fn connector(&self) -> Connector {
        Connector { http: self.http.clone(), api: self.url.clone(), auth: Auth::Cookie }
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.url)
    }
}

async fn answer(request: String, response: Response) -> anyhow::Result<Answer> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.with_context(|| format!("the answer to {request} was cut off"))?);
        ensure!(body.len() <= LONGEST_BODY, "the answer to {request} does not end");
    }
    let body = match serde_json::from_slice(&body) {
        Ok(value) => value,
        Err(_) if body.is_empty() => Value::Null,
        Err(_) => Value::String(String::from_utf8_lossy(&body).into_owned()),
    };
    Ok(Answer { request, status, headers, body })
}

/// The live events of one submission.
pub struct Events {
    chunks: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    parser: Parser,
    ready: std::collections::VecDeque<Message>,
}

impl Events {
    fn new(response: Response) -> Self {
        Self { chunks: response.bytes_stream().boxed(), parser: Parser::default(), ready: [].into() }
    }

    /// The next event; `None` when the server has ended the stream.
    pub async fn next(&mut self) -> anyhow::Result<Option<Message>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(Some(message));
            }
            match self.chunks.next().await {
                None => return Ok(None),
                Some(chunk) => self.ready.extend(self.parser.feed(&chunk.context("the events were cut off")?)?),
            }
        }
    }
}
