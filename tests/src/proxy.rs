//! A way to a server that a test can cut: connections break, new ones are refused, until it is mended.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use crate::stack::free_port;

/// A proxy for bytes.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    open: watch::Sender<bool>,
    task: AbortHandle,
}

impl Proxy {
    /// Begins to pass connections on to `host:port`.
    pub fn start(target: String) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let (open, state) = watch::channel(true);
        // The set aborts what it holds when it is dropped, and the handle ends the set's owner.
        let mut tasks = JoinSet::new();
        let task = tasks.spawn(serve(address, target, state));
        tasks.detach_all();
        Self { address, open, task }
    }

    /// Breaks every connection and refuses new ones.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(address: SocketAddr, target: String, mut open: watch::Receiver<bool>) {
    while open.wait_for(|open| *open).await.is_ok() {
        let listener = TcpListener::bind(address).await.unwrap_or_else(|e| panic!("{address}: {e}"));
        // Dropped with the listener when the way is cut.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                _ = open.wait_for(|open| !*open) => break,
                accepted = listener.accept() => {
                    let Ok((client, _)) = accepted else { continue };
                    connections.spawn(pass(client, target.clone()));
                    while connections.try_join_next().is_some() {}
                }
            }
        }
    }
}

async fn pass(mut client: TcpStream, target: String) {
    if let Ok(mut server) = TcpStream::connect(&target).await {
        // An error is one side's way to end.
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}
