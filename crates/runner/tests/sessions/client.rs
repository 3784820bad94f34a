//! A client that does nothing by itself but answer pings, and that only while it reads.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use iteratione_common::terminal::{Encoding, Exit, Phase, Reason, ServerMessage};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::stage::within;

pub struct Client {
    socket: WebSocketStream<TcpStream>,
    /// Output of the last run, as bytes.
    pub output: Vec<u8>,
    /// Everything else that was said.
    pub said: Vec<ServerMessage>,
    /// Nothing more comes.
    pub closed: bool,
    /// With which code the socket was closed; `None` for one that just broke.
    pub code: Option<u16>,
}

/// A run of one Bash script.
pub fn bash(script: &str) -> Value {
    run("bash", "main.sh", script)
}

pub fn run(language: &str, name: &str, content: &str) -> Value {
    json!({"type": "run", "language": language, "files": [{"name": name, "content": content}], "cols": 80, "rows": 24})
}

/// The same with acknowledgements.
pub fn with_acks(mut run: Value) -> Value {
    run["acks"] = json!(true);
    run
}

impl Client {
    pub async fn connect(address: SocketAddr, ticket: &str) -> Self {
        let stream = within(TcpStream::connect(address)).await.expect("connects");
        stream.set_nodelay(true).expect("a socket");
        let url = format!("ws://{address}/ws/run?ticket={ticket}");
        let (socket, _) = within(client_async(url, stream)).await.expect("upgrades");
        Self { socket, output: Vec::new(), said: Vec::new(), closed: false, code: None }
    }

    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        within(self.socket.send(message)).await.expect("sent");
    }

    /// As `send_raw`, to somebody who may have hung up.
    pub async fn try_send(&mut self, message: Message) -> bool {
        within(self.socket.send(message)).await.is_ok()
    }

    pub async fn type_in(&mut self, keys: &str) {
        self.send_raw(Message::binary(keys.as_bytes().to_vec())).await;
    }

    /// Begins another run.
    pub async fn run(&mut self, run: Value) {
        self.output.clear();
        self.said.clear();
        self.send(run).await;
    }

    /// Says goodbye with a code.
    pub async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        self.send_raw(Message::Close(Some(frame))).await;
    }

    /// Takes in the next message.
    pub async fn read(&mut self) {
        match self.socket.next().await {
            Some(Ok(Message::Binary(bytes))) => self.output.extend_from_slice(&bytes),
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text).expect("a message") {
                ServerMessage::Stdout { data, seq } => {
                    self.output.extend_from_slice(data.as_bytes());
                    assert!(seq > 0);
                }
                message => self.said.push(message),
            },
            Some(Ok(Message::Close(frame))) => (self.closed, self.code) = (true, frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => self.closed = true,
        }
    }

    /// Reads until something holds.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let reading = async {
            while !holds(self) {
                assert!(!self.closed, "closed with {:?} before {what}: {:?}", self.code, self.said);
                self.read().await;
            }
        };
        let read = tokio::time::timeout(crate::stage::DEADLINE, reading).await;
        assert!(read.is_ok(), "in vain: {what}; {:?}, {:?}", self.said, tail(&self.output));
    }

    pub async fn until_shown(&mut self, text: &str) {
        self.until(&format!("{text:?} is shown"), |c| c.shows(text)).await;
    }

    pub fn shows(&self, text: &str) -> bool {
        self.output.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub async fn until_running(&mut self) {
        self.until("it runs", |c| c.phases().contains(&Phase::Running)).await;
    }

    pub async fn until_exit(&mut self) -> Exit {
        self.until("it is over", |c| c.exit().is_some()).await;
        self.exit().expect("an exit")
    }

    pub async fn until_ended_by(&mut self, reason: Reason) -> Exit {
        let exit = self.until_exit().await;
        assert_eq!(exit.reason, reason, "{exit:?}, {:?}", tail(&self.output));
        exit
    }

    /// Reads until the socket is closed; gives the code.
    pub async fn until_closed(&mut self) -> Option<u16> {
        let reading = async {
            while !self.closed {
                self.read().await;
            }
        };
        within(reading).await;
        self.code
    }

    pub async fn until_error(&mut self, code: &str) -> String {
        let found = |c: &Self| c.errors().find(|(has, _)| *has == code).map(|(_, message)| message.to_owned());
        self.until(code, |c| found(c).is_some()).await;
        found(self).expect("an error")
    }

    pub fn errors(&self) -> impl Iterator<Item = (&str, &str)> {
        self.said.iter().filter_map(|message| match message {
            ServerMessage::Error { code, message, .. } => Some((code.as_str(), message.as_str())),
            _ => None,
        })
    }

    pub fn notices(&self, code: &str) -> usize {
        let of_it =
            |message: &&ServerMessage| matches!(message, ServerMessage::Notice { code: has, .. } if has == code);
        self.said.iter().filter(of_it).count()
    }

    pub fn phases(&self) -> Vec<Phase> {
        self.said
            .iter()
            .filter_map(|message| match message {
                ServerMessage::Status { phase, .. } => Some(*phase),
                _ => None,
            })
            .collect()
    }

    pub fn exit(&self) -> Option<Exit> {
        self.said.iter().find_map(|message| match message {
            ServerMessage::Exit(exit) => Some(exit.clone()),
            _ => None,
        })
    }

    /// The run's secret.
    pub fn session(&self) -> String {
        let told = self.said.iter().find_map(|message| match message {
            ServerMessage::Status { session, .. } => session.clone(),
            _ => None,
        });
        told.expect("a session was told")
    }

    /// Where output goes on after a `resume`, and how much is missing.
    pub fn resumed(&self) -> Option<(u64, u64)> {
        self.said.iter().find_map(|message| match message {
            ServerMessage::Resumed { seq, missed, .. } => Some((*seq, *missed)),
            _ => None,
        })
    }

    pub async fn resume(&mut self, session: &str, seq: usize, acks: bool) {
        self.send(json!({"type": "resume", "session": session, "seq": seq, "acks": acks})).await;
    }

    pub async fn ack(&mut self, seq: usize) {
        self.send(json!({"type": "ack", "seq": seq})).await;
    }
}

/// Asks for JSON.
pub fn as_json(mut run: Value) -> Value {
    run["encoding"] = serde_json::to_value(Encoding::Json).expect("JSON");
    run
}

fn tail(output: &[u8]) -> String {
    String::from_utf8_lossy(&output[output.len().saturating_sub(300)..]).into_owned()
}
