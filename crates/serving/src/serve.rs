//! The server's loop: axum's own has neither a bound on connections nor one on the time that headers may take.
//!
//! Tasks: one per connection, tracked; each ends with its client, after the answer under way when the service stops,
//! with the hard stop, or when a handler takes the connection over (a WebSocket): see [`Place`].

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use iteratione_common::lifecycle::Lifecycle;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::ServiceExt as _;

/// Bounds of the server.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Clients at one time; more wait in the kernel's queue.
    pub connections: usize,
    /// A request's head must have come within this time after the connection was made or last used.
    pub head: Duration,
    /// Bytes that the kernel may hold for a client that does not take them (Linux allows itself twice as many); `None`
    /// for the kernel's own measure, which grows to megabytes.
    pub send_buffer: Option<usize>,
}

/// A connection's place among [`Bounds::connections`]: an extension of each request. A handler that takes the connection
/// over keeps a clone until it is done with it; else the place would be free, and the service could end, before.
#[derive(Debug, Clone)]
pub struct Place(#[expect(dead_code, reason = "held, never looked at")] Arc<OwnedSemaphorePermit>);

/// Serves until the soft stop, then until the answers under way are out and all places free, at most until the hard stop.
pub async fn serve(listener: TcpListener, router: Router, bounds: Bounds, lifecycle: &Lifecycle) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    loop {
        let place = tokio::select! {
            () = lifecycle.soft.cancelled() => break,
            place = places.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let (stream, peer) = tokio::select! {
            () = lifecycle.soft.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // Out of descriptors, or the client was gone already: neither is a reason to end.
                    tracing::warn!(error = %e, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let (router, lifecycle_of_it, place) = (router.clone(), lifecycle.clone(), Place(Arc::new(place)));
        lifecycle.spawn(async move { converse(stream, peer, router, place, bounds, &lifecycle_of_it).await });
    }
    drop(listener);
    let all = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
    tokio::select! {
        _ = places.acquire_many(all) => {}
        () = lifecycle.hard.cancelled() => tracing::warn!("stopped with requests under way"),
    }
}

/// One connection to its end.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    place: Place,
    bounds: Bounds,
    lifecycle: &Lifecycle,
) {
    // Small answers and events must not wait for more.
    if let Err(e) = stream.set_nodelay(true) {
        tracing::debug!(error = %e, "no TCP_NODELAY");
    }
    if let Some(bytes) = bounds.send_buffer
        && let Err(e) = rustix::net::sockopt::set_socket_send_buffer_size(&stream, bytes)
    {
        tracing::warn!(error = %e, "cannot bound what the kernel holds for a client");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(place.clone());
        router.clone().oneshot(request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                // A client that breaks off or writes no HTTP is its own business.
                if let Err(e) = ended {
                    tracing::debug!(error = %e, "connection ended");
                }
                return;
            }
            () = lifecycle.soft.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = lifecycle.hard.cancelled() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    struct Server {
        address: SocketAddr,
        lifecycle: Lifecycle,
        ended: tokio::task::JoinHandle<()>,
    }

    async fn server(connections: usize, head: Duration) -> Server {
        let slow = async || {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "done"
        };
        let router = Router::new()
            .route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
            .route("/slow", get(slow));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let lifecycle = Lifecycle::new();
        let (inner, outer) = (lifecycle.clone(), lifecycle);
        let bounds = Bounds { connections, head, send_buffer: Some(64 << 10) };
        let ended = outer.spawn(async move { serve(listener, router, bounds, &inner).await });
        Server { address, lifecycle: outer, ended }
    }

    /// What the server sends until it closes; panics if it does not within five seconds.
    async fn talk(address: SocketAddr, sent: &[u8]) -> String {
        let all = async {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            stream.write_all(sent).await.expect("writes");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.expect("reads");
            String::from_utf8_lossy(&answer).into_owned()
        };
        tokio::time::timeout(Duration::from_secs(5), all).await.expect("in time")
    }

    #[tokio::test]
    async fn handlers_know_the_clients_address() {
        let server = server(10, Duration::from_secs(5)).await;
        assert!(talk(server.address, REQUEST).await.ends_with("127.0.0.1"));
    }

    #[tokio::test]
    async fn a_client_that_never_finishes_its_headers_is_dropped_and_frees_its_place() {
        let server = server(1, Duration::from_millis(200)).await;
        let slow = TcpStream::connect(server.address).await.expect("connects");
        let (half, whole) = tokio::join!(talk(server.address, b"GET / HTTP/1.1\r\nhost:"), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            talk(server.address, REQUEST).await
        });
        assert!(!half.contains("200 OK"), "{half}");
        assert!(whole.contains("200 OK"), "{whole}");
        drop(slow);
    }

    #[tokio::test]
    async fn a_stop_lets_the_answer_under_way_finish_and_takes_nothing_new() {
        let server = server(10, Duration::from_secs(5)).await;
        let request = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";
        let (answer, ()) = tokio::join!(talk(server.address, request), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.lifecycle.soft.cancel();
        });
        assert!(answer.ends_with("done"), "{answer}");
        tokio::time::timeout(Duration::from_secs(5), server.ended).await.expect("in time").expect("no panic");
        assert!(TcpStream::connect(server.address).await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_http_harms_nobody() {
        let server = server(2, Duration::from_secs(5)).await;
        let endless = vec![b'a'; 2 << 20];
        for junk in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\r\n\r\nnope\r\n\r\n", &endless[..400_000]] {
            let answer = async {
                let mut stream = TcpStream::connect(server.address).await.expect("connects");
                // The server may close before all is written.
                stream.write_all(junk).await.ok();
                stream.shutdown().await.ok();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await.ok();
                answer
            };
            let answer = tokio::time::timeout(Duration::from_secs(5), answer).await.expect("in time");
            assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
        }
        assert!(talk(server.address, REQUEST).await.contains("200 OK"));
    }
}
