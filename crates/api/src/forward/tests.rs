//! The whole service on a port of its own, before runners that the tests play.

mod ends;
mod refusals;
mod runners;
mod secrecy;
mod shutdown;
mod websocket;

use std::{net::SocketAddr, time::Duration};

use iteratione_common::store::PgPool;
use iteratione_serving::{Bounds, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{state::AppState, testing::TestApp};

/// For what must happen, however slow the machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// What a runner says that takes the socket.
const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-accept: as-the-runner-says\r\n\r\n";

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The API, serving.
struct Judge {
    address: SocketAddr,
    state: AppState,
    served: JoinHandle<()>,
}

impl Judge {
    async fn before(runner: SocketAddr, pg: PgPool, settings: &[(&str, &str)]) -> Self {
        let url = format!("http://{runner}");
        // As patient as the tests are.
        let ours = [("ITERATIONE_API__RUNNER_URL", url.as_str()), ("ITERATIONE_API__RUNNER_TIMEOUT_MS", "60000")];
        let settings: Vec<_> = ours.iter().chain(settings).copied().collect();
        let app = TestApp::with(pg, &settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let bounds = Bounds { connections: 100, head: DEADLINE, send_buffer: None };
        let (router, state) = (app.router, app.state);
        let lifecycle = state.lifecycle.clone();
        let served = state.lifecycle.spawn(async move { serve(listener, router, bounds, &lifecycle).await });
        Self { address, state, served }
    }

    async fn connect(&self) -> TcpStream {
        within("a connection", TcpStream::connect(self.address)).await.expect("connects")
    }

    /// Sends these bytes and reads until the other side closes.
    async fn talk(&self, sent: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(sent.as_bytes()).await.expect("sends");
        let mut answer = Vec::new();
        within("the whole answer", stream.read_to_end(&mut answer)).await.expect("reads");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A terminal: the browser's socket and the runner's.
    async fn join(&self, runner: &TcpListener) -> (TcpStream, TcpStream) {
        self.join_at("/ws/run?ticket=t", runner).await
    }

    async fn join_at(&self, path: &str, runner: &TcpListener) -> (TcpStream, TcpStream) {
        let mut browser = self.connect().await;
        browser.write_all(upgrade(path).as_bytes()).await.expect("asks");
        let (mut at_runner, _) = taken(runner).await;
        at_runner.write_all(AGREED.as_bytes()).await.expect("agrees");
        let head = head_of(&mut browser).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (browser, at_runner)
    }

    /// Waits until so many terminals are open.
    async fn until_open(&self, count: usize) {
        let wait = async {
            while self.state.tunnels.open() != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within("the number of terminals", wait).await;
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// A connection that the runner gets, and the head of the request on it.
async fn taken(runner: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = within("the API at the runner", runner.accept()).await.expect("accepts");
    let head = head_of(&mut stream).await;
    (stream, head)
}

/// What comes up to the first empty line, and not a byte more.
async fn head_of(stream: &mut TcpStream) -> String {
    let read = async {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(
                stream.read_u8().await.unwrap_or_else(|e| panic!("{e} after {:?}", String::from_utf8_lossy(&head))),
            );
        }
        String::from_utf8(head).expect("text")
    };
    within("a head", read).await
}

/// A browser's request for a WebSocket.
fn upgrade(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: judge.test\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         accept-encoding: gzip, br\r\ncookie: itr_session=of-the-browser\r\nauthorization: Bearer itr_of_the_browser\r\n\r\n"
    )
}

/// Drops a socket so that the other side sees it reset.
fn reset(stream: TcpStream) {
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("linger");
    drop(stream);
}

/// Whether the other side is gone: nothing but its end or a breakdown is to be read.
async fn gone(stream: &mut TcpStream) -> bool {
    let mut rest = [0; 64];
    matches!(within("the end of a socket", stream.read(&mut rest)).await, Ok(0) | Err(_))
}

/// A body that shows if any of it is missing, twice there or moved.
fn pattern(bytes: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_be_bytes).take(bytes).collect()
}
