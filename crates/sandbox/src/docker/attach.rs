//! The raw streams of a container.
//!
//! bollard guesses from the first byte whether a stream is framed, and is wrong under a TTY; so this speaks HTTP to the
//! socket itself, asks for the upgrade, and hands out the bytes as they are.

use std::path::Path;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::{
    UnixStream,
    unix::{OwnedReadHalf, OwnedWriteHalf},
};

/// Both directions of an attached container. The container's stdin ends when this is dropped.
#[derive(Debug)]
pub struct Attached {
    /// Bytes that came with the answer's head, to be read before `reader`.
    pub early: Bytes,
    /// From the container, framed unless it has a TTY.
    pub reader: OwnedReadHalf,
    /// To the container's standard input, raw.
    pub writer: OwnedWriteHalf,
}

/// Asks for stdin, stdout and stderr of container `id`. `api` is the version prefix, such as `v1.41`.
pub async fn attach(socket: &Path, api: &str, id: &str) -> anyhow::Result<Attached> {
    let stream =
        UnixStream::connect(socket).await.with_context(|| format!("cannot connect to {}", socket.display()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::post(format!("/{api}/containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1"))
        .header("host", "docker")
        .header("connection", "Upgrade")
        .header("upgrade", "tcp")
        .body(Empty::<Bytes>::new())?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = response.status();
            let body = Limited::new(response.into_body(), 4096)
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            bail!("the daemon answered {status}: {}", String::from_utf8_lossy(&body).trim());
        }
        Ok(hyper::upgrade::on(response).await?)
    };
    // The connection has to be driven for the exchange to go on; with the upgrade it hands over its socket and ends.
    let (driven, upgraded) = tokio::join!(connection.with_upgrades(), exchange);
    let upgraded = upgraded?;
    driven?;
    let Ok(parts) = upgraded.downcast::<TokioIo<UnixStream>>() else {
        bail!("the connection is not the one we opened")
    };
    let (reader, writer) = parts.io.into_inner().into_split();
    Ok(Attached { early: parts.read_buf, reader, writer })
}
