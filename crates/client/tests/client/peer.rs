//! An API and a runner that say what the test wants.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use iteratione_client::{Auth, Connector};
use iteratione_common::terminal::{ClientMessage, Phase, Resume, Run, ServerMessage};
use serde_json::json;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

/// Nothing takes longer, however busy the machine is.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// The token that is good.
pub const TOKEN: &str = "itr_good";

/// Both, on a port of their own, until the test ends.
pub struct Peer {
    pub url: String,
    sockets: mpsc::Receiver<WebSocket>,
}

#[derive(Clone)]
struct Desk {
    tickets: Arc<AtomicUsize>,
    used: Arc<AtomicUsize>,
    sockets: mpsc::Sender<WebSocket>,
}

impl Peer {
    pub async fn new() -> Self {
        // As many connections as a test may leave unanswered.
        let (sender, sockets) = mpsc::channel(16);
        let desk = Desk { tickets: Arc::default(), used: Arc::default(), sockets: sender };
        let router = Router::new()
            .route("/api/v1/languages", get(languages))
            .route("/api/v1/run-tickets", post(ticket))
            .route("/ws/run", get(socket))
            .with_state(desk);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        #[expect(clippy::disallowed_methods, reason = "the test's runtime ends it")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, sockets }
    }

    pub fn connector(&self) -> Connector {
        Connector {
            http: iteratione_client::http::plain().build().expect("a client"),
            api: self.url.clone(),
            auth: Auth::Token(TOKEN.to_owned()),
        }
    }

    /// The next connection.
    pub async fn accept(&mut self) -> Socket {
        Socket(timeout(DEADLINE, self.sockets.recv()).await.expect("a connection in time").expect("a connection"))
    }

    /// The next connection, which asks for a run; told that it runs, under the name of `session`.
    pub async fn accept_run(&mut self, session: &str) -> (Socket, Run) {
        let mut socket = self.accept().await;
        let run = socket.run().await;
        socket
            .say(ServerMessage::Status { phase: Phase::Running, position: None, session: Some(session.to_owned()) })
            .await;
        (socket, run)
    }
}

async fn languages() -> Response {
    Json(json!({"items": [{"id": "java", "name": "Java", "extensions": ["java"]},
        {"id": "python", "name": "Python", "extensions": ["py"]}], "next": null}))
    .into_response()
}

async fn ticket(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {TOKEN}")) {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"code": "unauthenticated", "title": "Who are you?", "status": 401})),
        )
            .into_response();
    }
    let number = desk.tickets.fetch_add(1, Ordering::SeqCst) + 1;
    let body = json!({"ticket": number.to_string(), "url": format!("/ws/run?ticket={number}"),
        "expires_at": "2100-01-01T00:00:00Z"});
    (StatusCode::CREATED, Json(body)).into_response()
}

/// Each ticket is good once, in the order in which they were given.
async fn socket(State(desk): State<Desk>, uri: Uri, upgrade: WebSocketUpgrade) -> Response {
    let number: usize = uri.query().and_then(|query| query.strip_prefix("ticket=")?.parse().ok()).unwrap_or_default();
    if desk.used.fetch_max(number, Ordering::SeqCst) >= number {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.on_upgrade(|socket| async move {
        let _ = desk.sockets.send(socket).await;
    })
}

/// One connection, seen from the runner.
pub struct Socket(pub WebSocket);

impl Socket {
    pub async fn say(&mut self, message: ServerMessage) {
        let text = serde_json::to_string(&message).expect("JSON");
        self.0.send(Message::text(text)).await.expect("sent");
    }

    pub async fn show(&mut self, output: &[u8]) {
        self.0.send(Message::binary(output.to_vec())).await.expect("sent");
    }

    pub async fn hang_up(mut self, code: u16) {
        let frame = axum::extract::ws::CloseFrame { code, reason: "".into() };
        self.0.send(Message::Close(Some(frame))).await.expect("sent");
    }

    /// What the client says next.
    pub async fn said(&mut self) -> Said {
        loop {
            let message = timeout(DEADLINE, self.0.recv()).await.expect("a message in time").expect("a message");
            match message.expect("a message") {
                Message::Text(text) => return Said::Message(serde_json::from_str(&text).expect("of the protocol")),
                Message::Binary(bytes) => return Said::Keys(bytes.to_vec()),
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return Said::Goodbye,
            }
        }
    }

    pub async fn run(&mut self) -> Run {
        match self.said().await {
            Said::Message(ClientMessage::Run(run)) => *run,
            other => panic!("{other:?}"),
        }
    }

    pub async fn resume(&mut self) -> Resume {
        match self.said().await {
            Said::Message(ClientMessage::Resume(resume)) => resume,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for a kill, whatever is typed meanwhile.
    pub async fn killed(&mut self) {
        loop {
            match self.said().await {
                Said::Message(ClientMessage::Kill) => return,
                Said::Keys(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Keys until there are so many.
    pub async fn keys(&mut self, count: usize) -> Vec<u8> {
        let mut keys = Vec::new();
        while keys.len() < count {
            match self.said().await {
                Said::Keys(more) => keys.extend(more),
                other => panic!("{other:?} after {keys:?}"),
            }
        }
        keys
    }
}

/// What a client says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Message(ClientMessage),
    Keys(Vec<u8>),
    Goodbye,
}
