//! One question, one answer, one connection.

use std::{fmt, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

use super::{Guard, Refused, Resolver, Target};

/// The most bytes of an answer's head.
const HEAD_MOST: usize = 16 << 10;
/// One address may take so long to take the connection, TLS included.
const CONNECT: Duration = Duration::from_secs(5);

/// Asks other machines.
#[derive(Clone)]
pub struct Client {
    resolver: Resolver,
    tls: Arc<ClientConfig>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// GET or POST.
    pub method: Method,
    /// Beside `Host`, `User-Agent` and what belongs to the connection.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Bytes,
    /// All of it together may take so long.
    pub deadline: Duration,
    /// The most bytes of the answer that are kept; the rest is not read.
    pub answer_most: usize,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The beginning of its body.
    pub body: Bytes,
    /// There was more.
    pub cut: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It may not be asked.
    #[error("The address {0}.")]
    Refused(#[from] Refused),
    /// It took too long.
    #[error("There was no answer in time.")]
    Late,
    /// Anything else.
    #[error("{0:#}")]
    Broken(#[from] anyhow::Error),
}

impl Client {
    /// Trusts the machine's certificate authorities.
    pub fn new(resolver: Resolver) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (known, _) = roots.add_parsable_certificates(found.certs);
        if known == 0 {
            tracing::warn!("this machine knows no certificate authorities: nothing can be asked over HTTPS");
        }
        Self::trusting(resolver, roots)
    }

    /// Trusts these authorities alone.
    pub fn trusting(resolver: Resolver, roots: RootCertStore) -> anyhow::Result<Self> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { resolver, tls: Arc::new(tls) })
    }

    /// Checks where an address of the web leads, as [`Client::ask`] will again.
    pub async fn check(&self, url: &str, guard: &Guard) -> Result<(), Refused> {
        guard.target(url, &self.resolver).await.map(drop)
    }

    /// Asks.
    pub async fn ask(&self, url: &str, guard: &Guard, question: Question) -> Result<Answer, Failed> {
        match timeout(question.deadline, self.ask_now(url, guard, question)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failed::Late),
        }
    }

    async fn ask_now(&self, url: &str, guard: &Guard, question: Question) -> Result<Answer, Failed> {
        let target = guard.target(url, &self.resolver).await?;
        let stream = reach(&target).await?;
        if target.url.scheme() == "http" {
            return Ok(converse(stream, &target, question).await?);
        }
        let name = ServerName::try_from(target.host.clone()).context("its host cannot be in a certificate")?;
        let connector = TlsConnector::from(self.tls.clone());
        let stream = match timeout(CONNECT, connector.connect(name, stream)).await {
            Ok(stream) => stream.context("TLS")?,
            Err(_) => return Err(Failed::Late),
        };
        Ok(converse(stream, &target, question).await?)
    }
}

/// Connects to one of the addresses that were checked, to nothing else.
async fn reach(target: &Target) -> Result<TcpStream, Failed> {
    let mut failed = Failed::Late;
    for address in &target.addresses {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => failed = anyhow::Error::new(e).context("cannot connect").into(),
            Err(_) => failed = Failed::Late,
        }
    }
    Err(failed)
}

async fn converse<S>(stream: S, target: &Target, question: Question) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEAD_MOST).handshake(TokioIo::new(stream)).await?;
    let mut path = target.url.path().to_owned();
    if let Some(query) = target.url.query() {
        path = format!("{path}?{query}");
    }
    let mut request = Request::builder().method(question.method).uri(path).body(Full::new(question.body))?;
    *request.headers_mut() = question.headers;
    let host = match (target.url.host_str().unwrap_or_default(), target.url.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    request.headers_mut().insert(header::HOST, HeaderValue::from_str(&host)?);
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    request
        .headers_mut()
        .insert(header::USER_AGENT, HeaderValue::from_static(concat!("Iteratione/", env!("CARGO_PKG_VERSION"))));
    let asked = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let (body, cut) = beginning(Body::new(body), question.answer_most).await?;
        Ok(Answer { status: head.status, headers: head.headers, body, cut })
    };
    // Both in this future: dropped with it, the connection is gone.
    tokio::pin!(asked, connection);
    tokio::select! {
        answer = &mut asked => answer,
        ended = &mut connection => {
            ended.context("the connection broke")?;
            asked.await
        }
    }
}

/// As much of a body as is wanted.
async fn beginning(mut body: Body, most: usize) -> anyhow::Result<(Bytes, bool)> {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = most - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return Ok((kept.into(), true));
        }
    }
    Ok((kept.into(), false))
}
