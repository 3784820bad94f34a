use axum::{extract::State, response::IntoResponse as _, routing::get};
use hyper::upgrade::OnUpgrade;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Mutex, mpsc},
};

use super::*;

/// For what must happen, however slow the machine.
const DEADLINE: Duration = Duration::from_secs(60);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

struct Server {
    address: SocketAddr,
    lifecycle: Lifecycle,
    ended: tokio::task::JoinHandle<()>,
    /// A request to `/slow` has come.
    begun: mpsc::Receiver<()>,
    /// Lets it be answered.
    go: mpsc::Sender<()>,
}

type Slow = (mpsc::Sender<()>, Arc<Mutex<mpsc::Receiver<()>>>);

async fn slow(State((begun, go)): State<Slow>) -> &'static str {
    begun.send(()).await.expect("the test listens");
    go.lock().await.recv().await.expect("the test speaks");
    "done"
}

/// Takes the connection over, and its place, until the client ends.
async fn take_over(State(lifecycle): State<Lifecycle>, mut request: Request) -> axum::response::Response {
    let place = request.extensions().get::<Place>().cloned().expect("a place");
    let upgrade = request.extensions_mut().remove::<OnUpgrade>().expect("an upgrade");
    lifecycle.spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.expect("upgrades"));
        stream.write_all(b"yours").await.expect("writes");
        stream.read_to_end(&mut Vec::new()).await.expect("reads");
        drop(place);
    });
    (axum::http::StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "x")]).into_response()
}

async fn server(connections: usize, head: Duration) -> Server {
    // One request each at a time.
    let ((say, begun), (go, wait)) = (mpsc::channel(1), mpsc::channel(1));
    let lifecycle = Lifecycle::new();
    let slow = Router::new().route("/slow", get(slow)).with_state((say, Arc::new(Mutex::new(wait))));
    let router = Router::new()
        .route("/take-over", get(take_over))
        .with_state(lifecycle.clone())
        .route("/", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()))
        .merge(slow);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let inner = lifecycle.clone();
    let bounds = Bounds { connections, head, send_buffer: Some(64 << 10) };
    let ended = lifecycle.spawn(async move { serve(listener, router, bounds, &inner).await });
    Server { address, lifecycle, ended, begun, go }
}

/// What the server sends until it closes.
async fn talk(address: SocketAddr, sent: &[u8]) -> String {
    let all = async {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        // The server may close before all is taken.
        let _ = stream.write_all(sent).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(DEADLINE, all).await.expect("in time")
}

#[tokio::test]
async fn handlers_know_the_clients_address() {
    let server = server(10, DEADLINE).await;
    assert!(talk(server.address, REQUEST).await.ends_with("127.0.0.1"));
}

#[tokio::test]
async fn a_client_that_never_finishes_its_headers_is_dropped_and_frees_its_place() {
    let server = server(1, Duration::from_millis(200)).await;
    let silent = TcpStream::connect(server.address).await.expect("connects");
    let half = talk(server.address, b"GET / HTTP/1.1\r\nhost:").await;
    assert!(!half.contains("200 OK"), "{half}");
    // On a slow machine 200 ms can be over before a good request is sent, too.
    let good = async { while !talk(server.address, REQUEST).await.contains("200 OK") {} };
    tokio::time::timeout(DEADLINE, good).await.expect("a place");
    drop(silent);
}

#[tokio::test]
async fn a_stop_lets_the_answer_under_way_finish_and_takes_nothing_new() {
    let mut server = server(10, DEADLINE).await;
    let request = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";
    let (answer, ()) = tokio::join!(talk(server.address, request), async {
        server.begun.recv().await.expect("a request");
        server.lifecycle.soft.cancel();
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.go.send(()).await.expect("waits");
    });
    assert!(answer.ends_with("done"), "{answer}");
    tokio::time::timeout(DEADLINE, server.ended).await.expect("in time").expect("no panic");
}

#[tokio::test]
async fn a_hard_stop_waits_for_no_answer() {
    let mut server = server(10, DEADLINE).await;
    let (answer, ()) = tokio::join!(talk(server.address, b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"), async {
        server.begun.recv().await.expect("a request");
        server.lifecycle.soft.cancel();
        server.lifecycle.hard.cancel();
    });
    assert_eq!(answer, "");
    tokio::time::timeout(DEADLINE, server.ended).await.expect("in time").expect("no panic");
}

#[tokio::test]
async fn a_connection_that_was_taken_over_keeps_its_place_and_a_stop_waits_for_it() {
    let server = server(1, DEADLINE).await;
    let mut taken = TcpStream::connect(server.address).await.expect("connects");
    let request = b"GET /take-over HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    taken.write_all(request).await.expect("writes");
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\nyours") {
        seen.push(tokio::time::timeout(DEADLINE, taken.read_u8()).await.expect("in time").expect("more"));
    }
    let waits = tokio::time::timeout(Duration::from_millis(300), talk(server.address, REQUEST)).await;
    assert!(waits.is_err(), "there is no place: {waits:?}");
    server.lifecycle.soft.cancel();
    let ended = server.ended;
    tokio::pin!(ended);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut ended).await.is_err(), "it waits");
    drop(taken);
    tokio::time::timeout(DEADLINE, ended).await.expect("in time").expect("no panic");
    assert!(server.lifecycle.finished(DEADLINE).await);
}

#[tokio::test]
async fn what_is_no_http_harms_nobody() {
    let server = server(2, DEADLINE).await;
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
        let answer = tokio::time::timeout(DEADLINE, answer).await.expect("in time");
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    assert!(talk(server.address, REQUEST).await.contains("200 OK"));
}
