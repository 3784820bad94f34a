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
mod tests;
