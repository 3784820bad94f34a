//! One question to the runner: will it take this WebSocket?

use anyhow::{Context as _, ensure};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header},
    response::Response,
};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use iteratione_common::lifecycle::Lifecycle;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::tunnel::Side;

/// The most bytes of the head of the runner's answer, and of frames that come right behind it.
const HEAD_MOST: usize = 16 << 10;
/// The most bytes of the body of a refusal.
const REFUSAL_MOST: usize = 64 << 10;

/// Where the runner is: `http://host:port`. Plain HTTP: it is on the private network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RunnerUrl {
    host: String,
    port: u16,
    authority: HeaderValue,
}

/// What the runner said.
#[derive(Debug)]
pub(super) enum Answer {
    /// Yes: the socket is its client's now.
    Agreed {
        /// Of the 101.
        headers: HeaderMap,
        /// The socket.
        runner: Side,
    },
    /// Anything else, to be passed on.
    Refused(Response),
}

impl TryFrom<String> for RunnerUrl {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        const SHAPE: &str = "runner_url must be http://host:port";
        let uri: Uri = text.parse().context(SHAPE)?;
        ensure!(uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none(), SHAPE);
        let authority = uri.authority().filter(|a| !a.as_str().contains('@') && !a.host().is_empty()).context(SHAPE)?;
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str())?,
        })
    }
}

/// Asks. Whoever drops this future ends the conversation. The caller has the deadline.
pub(super) async fn ask(
    url: &RunnerUrl,
    path: &str,
    mut headers: HeaderMap,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect((url.host.as_str(), url.port)).await.context("cannot connect")?;
    // Before anything comes: a window that was once offered is not taken back.
    super::tunnel::bound(&stream)?;
    let (mut sender, conversation) =
        http1::Builder::new().max_buf_size(HEAD_MOST).handshake(TokioIo::new(stream)).await?;
    let hard = lifecycle.hard.clone();
    lifecycle.spawn(async move {
        // It ends when `sender` and the answer's body are gone, or with the 101; how, the asker sees.
        let _ = hard.run_until_cancelled(conversation.with_upgrades()).await;
    });
    headers.insert(header::HOST, url.authority.clone());
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let mut request = Request::builder().uri(path).body(Empty::<Bytes>::new())?;
    *request.headers_mut() = headers;
    let response = sender.send_request(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let headers = response.headers().clone();
        let runner = Side::of(hyper::upgrade::on(response).await?)?;
        return Ok(Answer::Agreed { headers, runner });
    }
    let (mut head, body) = response.into_parts();
    let body = axum::body::to_bytes(Body::new(body), REFUSAL_MOST).await.context("its answer cannot be read")?;
    for name in OF_THE_CONNECTION {
        head.headers.remove(name);
    }
    Ok(Answer::Refused(Response::from_parts(head, Body::from(body))))
}

/// Headers that are not for the next hop.
const OF_THE_CONNECTION: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::TRANSFER_ENCODING,
    header::TRAILER,
    header::TE,
    header::UPGRADE,
    header::CONTENT_LENGTH,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runner_is_named_by_host_and_port_alone() {
        for (text, host, port) in [
            ("http://127.0.0.1:8081", "127.0.0.1", 8081),
            ("http://runner:8081/", "runner", 8081),
            ("http://runner", "runner", 80),
            ("http://[::1]:8081", "::1", 8081),
        ] {
            let url = RunnerUrl::try_from(text.to_owned()).expect(text);
            assert_eq!((url.host.as_str(), url.port), (host, port));
        }
        for text in ["", "runner", "runner:8081", "https://r", "http://u:p@r", "http://r/ws", "http://r/?a", "http://"]
        {
            assert!(RunnerUrl::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
