//! A real client and a real server of WebSockets, with the API between them.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Uri};
use futures_util::{SinkExt as _, StreamExt as _};
use iteratione_common::{lifecycle::Lifecycle, store::PgPool};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async, client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest as _,
        handshake::{
            client::Response as Agreement,
            server::{ErrorResponse, Request, Response},
        },
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{Judge, listener, pattern, within};

/// A runner that says back whatever it hears, and what it was asked.
async fn echo(lifecycle: &Lifecycle) -> (SocketAddr, mpsc::Receiver<(Uri, HeaderMap)>) {
    let (listener, address) = listener().await;
    // As many as a test opens sockets.
    let (asked, questions) = mpsc::channel(10);
    let of_each = lifecycle.clone();
    lifecycle.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            of_each.spawn(say_back(stream, asked.clone()));
        }
    });
    (address, questions)
}

async fn say_back(stream: TcpStream, asked: mpsc::Sender<(Uri, HeaderMap)>) {
    #[expect(clippy::result_large_err, reason = "the library's")]
    let note = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        asked.try_send((request.uri().clone(), request.headers().clone())).expect("room");
        if let Some(wanted) = request.headers().get("sec-websocket-protocol") {
            response.headers_mut().insert("sec-websocket-protocol", wanted.clone());
        }
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, note).await.expect("a handshake");
    while let Some(Ok(message)) = socket.next().await {
        // Closing answers itself.
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn open(judge: &Judge, path: &str, headers: &[(&'static str, &str)]) -> (WebSocketStream<TcpStream>, Agreement) {
    let mut request = format!("ws://{}{path}", judge.address).into_client_request().expect("request");
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().expect("header"));
    }
    within("the handshake", client_async(request, judge.connect().await)).await.expect("a WebSocket")
}

async fn heard(socket: &mut WebSocketStream<TcpStream>) -> Message {
    within("a message", socket.next()).await.expect("not the end").expect("a message")
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn what_is_said_comes_back_and_the_rest_of_the_service_goes_on(pg: PgPool) {
    let lifecycle = Lifecycle::new();
    let (runner, _questions) = echo(&lifecycle).await;
    let judge = Judge::before(runner, pg, &[]).await;
    let (mut socket, agreement) = open(&judge, "/ws/run?ticket=t", &[]).await;
    assert_eq!(agreement.status(), 101);
    judge.until_open(1).await;
    for message in [
        Message::text("{\"type\":\"kill\"}"),
        Message::text("ä€😀"),
        Message::binary(vec![0, 3, 4, 255]),
        Message::binary(Vec::new()),
        Message::binary(pattern(5 << 20)),
    ] {
        within("sending", socket.send(message.clone())).await.expect("sends");
        assert!(heard(&mut socket).await == message, "{} bytes were changed", message.len());
    }
    within("a ping", socket.send(Message::Ping("p".into()))).await.expect("sends");
    assert_eq!(heard(&mut socket).await, Message::Pong("p".into()));
    let alive = judge.talk("GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(alive.starts_with("HTTP/1.1 200 ") && alive.ends_with("ok\n"), "{alive}");

    let goodbye = CloseFrame { code: CloseCode::Library(4008), reason: "idle".into() };
    within("closing", socket.close(Some(goodbye.clone()))).await.expect("closes");
    assert_eq!(heard(&mut socket).await, Message::Close(Some(goodbye)));
    assert!(within("the end", socket.next()).await.is_none());
    drop(socket);
    judge.until_open(0).await;
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_runner_is_told_who_asks_but_gets_no_credentials(pg: PgPool) {
    let lifecycle = Lifecycle::new();
    let (runner, mut questions) = echo(&lifecycle).await;
    let judge = Judge::before(runner, pg, &[("ITERATIONE_API__TRUSTED_PROXIES", "1")]).await;
    let origin = format!("http://{}", judge.address);
    let headers = [
        ("origin", origin.as_str()),
        ("user-agent", "a browser"),
        ("sec-websocket-protocol", "terminal"),
        ("x-request-id", "from-the-browser"),
        ("x-forwarded-for", "6.6.6.6, 10.1.2.3"),
        ("x-forwarded-proto", "https"),
        ("cookie", "itr_session=secret"),
        ("authorization", "Bearer secret"),
    ];
    let (_socket, agreement) = open(&judge, "/ws/run?ticket=a-b_c&x=%20", &headers).await;
    assert_eq!(agreement.headers()["sec-websocket-protocol"], "terminal");
    assert_eq!(agreement.headers()["x-request-id"], "from-the-browser");
    let (uri, told) = within("the question", questions.recv()).await.expect("a question");
    assert_eq!(uri, "/ws/run?ticket=a-b_c&x=%20");
    for (name, value) in [
        ("host", runner.to_string().as_str()),
        ("origin", origin.as_str()),
        ("user-agent", "a browser"),
        ("sec-websocket-version", "13"),
        ("x-request-id", "from-the-browser"),
        ("x-forwarded-for", "10.1.2.3"),
        ("x-forwarded-proto", "https"),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert!(!told.contains_key("cookie") && !told.contains_key("authorization"), "{told:?}");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn what_no_proxy_of_ours_said_is_not_believed(pg: PgPool) {
    let lifecycle = Lifecycle::new();
    let (runner, mut questions) = echo(&lifecycle).await;
    let judge = Judge::before(runner, pg, &[]).await;
    let (_socket, _) = open(&judge, "/ws/run", &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https")]).await;
    let (_, told) = within("the question", questions.recv()).await.expect("a question");
    assert_eq!(
        (&told["x-forwarded-for"], &told["x-forwarded-proto"]),
        (&"127.0.0.1".parse().expect("v"), &"http".parse().expect("v"))
    );
    assert_eq!(told["x-request-id"].len(), 36);
}
