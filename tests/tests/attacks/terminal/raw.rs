//! A WebSocket by hand: nothing keeps this client from saying what no library would say.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::PATIENCE;

/// First bytes of whole frames.
pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8a;
/// Bytes that are kept of what comes, at most.
const KEPT: usize = 64 << 20;

/// A connection after its upgrade, or after the refusal of one.
pub struct Raw {
    stream: TcpStream,
    /// HTTP status of the upgrade.
    pub status: u16,
    /// What has come and is no whole frame yet.
    rest: Vec<u8>,
    /// Output of the program so far.
    pub output: Vec<u8>,
    /// Messages so far.
    pub messages: Vec<Value>,
    /// The code with which the other side has closed.
    pub code: Option<u16>,
    /// Nothing more comes.
    pub ended: bool,
    /// So often it was asked whether somebody is there. Only [`Self::read`] answers.
    pub pings: usize,
}

/// How a frame begins: the mask is there, and all zero.
pub fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..126 => head.push(0x80 | u8::try_from(length).expect("below 126")),
        126..65536 => {
            head.push(0xfe);
            head.extend_from_slice(&u16::try_from(length).expect("below 65536").to_be_bytes());
        }
        _ => {
            head.push(0xff);
            head.extend_from_slice(&length.to_be_bytes());
        }
    }
    head.extend_from_slice(&[0; 4]);
    head
}

/// A whole frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len() as u64);
    frame.extend_from_slice(payload);
    frame
}

impl Raw {
    /// Connects and sends bytes, which need not be an upgrade, and waits for nothing.
    pub async fn connect(address: &str, first: &[u8]) -> Self {
        let host = address.split('/').nth(2).expect("an address");
        let stream = timeout(PATIENCE, TcpStream::connect(host)).await.expect("in time").expect("connects");
        let mut raw = Self {
            stream,
            status: 0,
            rest: Vec::new(),
            output: Vec::new(),
            messages: Vec::new(),
            code: None,
            ended: false,
            pings: 0,
        };
        raw.bytes(first).await;
        raw
    }

    /// Connects and upgrades.
    pub async fn open(address: &str) -> Self {
        let mut parts = address.splitn(4, '/').skip(2);
        let (host, path) = (parts.next().expect("a host"), parts.next().expect("a path"));
        let request = format!(
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let mut raw = Self::connect(address, request.as_bytes()).await;
        raw.status = raw.status_line().await.expect("an answer to the upgrade");
        raw
    }

    /// Reads the head of an HTTP answer; gives back its status, or nothing if none came.
    pub async fn status_line(&mut self) -> Option<u16> {
        let end = loop {
            if let Some(end) = self.rest.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        let head: Vec<u8> = self.rest.drain(..end).collect();
        String::from_utf8_lossy(&head).split(' ').nth(1)?.parse().ok()
    }

    /// As [`Self::open`], and then a `run`.
    pub async fn run(address: &str, run: &Value) -> Self {
        let mut raw = Self::open(address).await;
        assert_eq!(raw.status, 101, "the upgrade");
        assert!(raw.text(&run.to_string()).await, "hung up before the run");
        raw
    }

    /// Sends bytes; `false` if the other side has hung up.
    pub async fn bytes(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("the other side reads").is_ok()
    }

    /// As [`Self::bytes`], and goes on reading meanwhile, as two ends that both wait for the other would wait for ever.
    pub async fn bytes_and_read(&mut self, bytes: &[u8]) -> bool {
        let (mut reading, mut writing) = self.stream.split();
        let mut got = Vec::new();
        let sent = async {
            let mut piece = vec![0; 64 << 10];
            let mut write = std::pin::pin!(writing.write_all(bytes));
            let mut open = true;
            loop {
                tokio::select! {
                    sent = &mut write => return sent.is_ok(),
                    read = reading.read(&mut piece), if open => match read {
                        Ok(length) if length > 0 => got.extend_from_slice(&piece[..length]),
                        _ => open = false,
                    },
                }
            }
        };
        let sent = timeout(PATIENCE, sent).await.expect("the other side reads");
        self.rest.extend_from_slice(&got);
        self.take();
        sent
    }

    /// Sends a text frame.
    pub async fn text(&mut self, text: &str) -> bool {
        self.bytes(&frame(TEXT, text.as_bytes())).await
    }

    /// Types.
    pub async fn keys(&mut self, keys: &[u8]) -> bool {
        self.bytes(&frame(BINARY, keys)).await
    }

    /// Closes with a code; whether somebody listens is another matter.
    pub async fn close(&mut self, code: u16) {
        self.bytes(&frame(CLOSE, &code.to_be_bytes())).await;
    }

    /// Reads until the other side has ended the connection; gives back its code, if it gave one.
    pub async fn closed(&mut self) -> Option<u16> {
        while self.code.is_none() && self.more().await {
            self.take();
        }
        self.code
    }

    /// Reads until there is such a message.
    pub async fn message(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(found) = self.messages.iter().find(|m| is(m)) {
                return found.clone();
            }
            assert!(self.read().await, "no {what}; closed with {:?}: {:?}", self.code, self.messages);
        }
    }

    /// Waits for an `error`; gives back its code.
    pub async fn error(&mut self) -> String {
        let error = self.message("error", |m| m["type"] == "error").await;
        error["code"].as_str().expect("a code").to_owned()
    }

    /// Waits until the run is in that phase; gives back its secret.
    pub async fn phase(&mut self, phase: &str) -> String {
        let status = self.message(phase, |m| m["type"] == "status" && m["phase"] == phase).await;
        status["session"].as_str().expect("a session").to_owned()
    }

    /// Waits for the end of the run.
    pub async fn exit(&mut self) -> Value {
        self.message("exit", |m| m["type"] == "exit").await
    }

    /// Waits until the output has a text.
    pub async fn shown(&mut self, text: &str) {
        while !self.shows(text) {
            let (tail, messages) = (self.tail(), &self.messages);
            let over = messages.iter().any(|m| m["type"] == "exit");
            assert!(!over && !self.ended, "{text:?} was not shown: {tail:?}, {messages:?}");
            self.read().await;
        }
    }

    /// Whether the output has a text.
    pub fn shows(&self, text: &str) -> bool {
        self.output.windows(text.len()).any(|w| w == text.as_bytes())
    }

    /// The end of the output.
    pub fn tail(&self) -> String {
        String::from_utf8_lossy(&self.output[self.output.len().saturating_sub(600)..]).into_owned()
    }

    /// Reads something, and shows that somebody is there if that was asked; `false` at the end.
    pub async fn read(&mut self) -> bool {
        let (asked, more) = (self.pings, self.code.is_none() && self.more().await);
        self.take();
        if self.pings > asked {
            self.bytes(&frame(PONG, b"")).await;
        }
        self.ended = !more;
        more
    }

    async fn more(&mut self) -> bool {
        assert!(self.rest.len() < KEPT, "more than anybody would keep");
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.rest)).await.expect("something comes in time");
        read.is_ok_and(|length| length > 0)
    }

    /// Takes all whole frames out of what has come.
    fn take(&mut self) {
        let mut at = 0;
        while let Some((first, begin, end)) = whole(&self.rest[at..]) {
            let payload = &self.rest[at + begin..at + end];
            match first & 0x0f {
                1 => self.messages.push(serde_json::from_slice(payload).expect("a message is JSON")),
                2 => self.output.extend_from_slice(payload),
                9 => self.pings += 1,
                8 => self.code = payload.first_chunk().map(|code| u16::from_be_bytes(*code)),
                _ => {}
            }
            at += end;
        }
        self.rest.drain(..at);
    }
}

/// The first byte of the frame that the bytes begin with, if it is whole, and where its payload is.
fn whole(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (begin, length) = match second {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let end = begin + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((first, begin, end))
}
