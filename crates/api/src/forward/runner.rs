//! One question to a runner: will it take this WebSocket?

use std::time::Duration;

use anyhow::Context as _;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use iteratione_common::lifecycle::Lifecycle;
use tokio::net::TcpStream;

use super::{address::RunnerUrl, tunnel::Side};

/// The most bytes of the head of the runner's answer, and of frames that come right behind it.
const HEAD_MOST: usize = 16 << 10;
/// The most bytes of the body of a refusal.
const REFUSAL_MOST: usize = 64 << 10;

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

/// Asks the first of these runners that can be reached, each within its share of `deadline`; once one is, it is asked
/// and no other, because a ticket is good for one question. Whoever drops this future ends the conversation. The caller
/// has the deadline of the whole.
pub(super) async fn ask(
    runners: &[&RunnerUrl],
    deadline: Duration,
    path: &str,
    mut headers: HeaderMap,
    lifecycle: &Lifecycle,
) -> anyhow::Result<Answer> {
    let (url, stream) = reach(runners, deadline).await?;
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

async fn reach<'a>(runners: &[&'a RunnerUrl], deadline: Duration) -> anyhow::Result<(&'a RunnerUrl, TcpStream)> {
    let each = deadline / u32::try_from(runners.len()).unwrap_or(u32::MAX).max(1);
    let mut error = anyhow::anyhow!("there is none");
    for url in runners {
        match tokio::time::timeout(each, TcpStream::connect((url.host.as_str(), url.port))).await {
            Ok(Ok(stream)) => return Ok((url, stream)),
            Ok(Err(e)) => error = anyhow::Error::new(e).context("cannot connect"),
            Err(_) => error = anyhow::anyhow!("cannot connect within {each:?}"),
        }
        tracing::debug!(runner = ?url.authority, error = %error, "not reached");
    }
    Err(error)
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
