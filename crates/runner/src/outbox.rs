//! What is to be said on a socket, in order.
//!
//! Output is not copied into it: it has a place in the run's [`Ring`], and takes from there when the socket takes more. So
//! whatever came while the socket was busy goes out in few frames, what comes while it is idle at once, and a client that
//! does not read costs no memory beside the ring and a few messages.

mod text;

use std::collections::VecDeque;

use axum::extract::ws::{CloseFrame, Message};
use bytes::Bytes;
use iteratione_common::terminal::{Encoding, Phase, ServerMessage};

use crate::ring::Ring;

/// Bytes of output in one frame: few enough that a message comes between them soon.
const FRAME: usize = 16 << 10;
/// Messages that wait while the socket takes nothing. With so many, nothing more is read from the client either, which
/// alone can cause them.
const CROWD: usize = 16;

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    ping: bool,
    messages: VecDeque<(Kind, String)>,
    encoding: Encoding,
    /// The next byte of the run's output to be sent.
    sent: u64,
    /// After all output.
    last: Option<String>,
    /// The run is over: no character will become whole any more.
    over: bool,
    /// After everything else.
    close: Option<CloseFrame>,
}

/// Whether one message makes another one needless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Position,
    Notice,
    Other,
}

impl Outbox {
    /// With nothing in it.
    pub const fn new() -> Self {
        Self {
            ping: false,
            messages: VecDeque::new(),
            encoding: Encoding::Binary,
            sent: 0,
            last: None,
            over: false,
            close: None,
        }
    }

    /// From here on a run's output is sent, from an offset on.
    pub fn begin(&mut self, encoding: Encoding, from: u64) {
        (self.encoding, self.sent, self.last, self.over) = (encoding, from, None, false);
    }

    /// Something is to be said, before any more output.
    pub fn say(&mut self, message: &ServerMessage) {
        let kind = match message {
            ServerMessage::Status { phase: Phase::Queued, .. } => Kind::Position,
            ServerMessage::Notice { .. } => Kind::Notice,
            _ => Kind::Other,
        };
        let text = json(message);
        match self.messages.back_mut() {
            Some((last, old)) if *last == kind && (kind == Kind::Position || *old == text) => *old = text,
            _ => self.messages.push_back((kind, text)),
        }
    }

    /// The run is over; this is said after all of its output.
    pub fn finish(&mut self, message: &ServerMessage) {
        (self.last, self.over) = (Some(json(message)), true);
    }

    /// The peer is to show that it lives.
    pub fn ping(&mut self) {
        self.ping = true;
    }

    /// The socket is to be closed when all is said.
    pub fn close(&mut self, code: u16, reason: &'static str) {
        self.close = Some(CloseFrame { code, reason: reason.into() });
    }

    /// Bytes of the run's output that were handed over, from its beginning.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether too much waits.
    pub fn is_crowded(&self) -> bool {
        self.messages.len() >= CROWD
    }

    /// Whether the last message of the run was handed over, or there is none.
    pub const fn is_finished(&self) -> bool {
        self.last.is_none()
    }

    /// The next frame, if there is one.
    pub fn next(&mut self, ring: &Ring) -> Option<Message> {
        if std::mem::take(&mut self.ping) {
            return Some(Message::Ping(Bytes::new()));
        }
        if let Some((_, message)) = self.messages.pop_front() {
            return Some(Message::Text(message.into()));
        }
        if let Some(output) = self.output(ring) {
            return Some(output);
        }
        let last = self.last.take().map(|last| Message::Text(last.into()));
        last.or_else(|| self.close.take().map(|close| Message::Close(Some(close))))
    }

    fn output(&mut self, ring: &Ring) -> Option<Message> {
        if self.sent >= ring.end() {
            return None;
        }
        // Nothing that was not acknowledged is ever forgotten; a client that was told to be sent less has lost it.
        let from = self.sent.max(ring.start());
        let bytes = ring.copy(from, FRAME);
        match self.encoding {
            Encoding::Binary => {
                self.sent = from + bytes.len() as u64;
                Some(Message::Binary(bytes.into()))
            }
            Encoding::Json => {
                let (data, taken) = text::decode(&bytes, self.over && from + bytes.len() as u64 == ring.end());
                self.sent = from + taken as u64;
                let message = ServerMessage::Stdout { data, seq: self.sent };
                (taken > 0).then(|| Message::Text(json(&message).into()))
            }
        }
    }
}

/// A message of ours always has a JSON form: it has no keys but texts, and no floats.
fn json(message: &ServerMessage) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use iteratione_common::terminal::{Exit, Reason};
    use serde_json::Value;

    use super::*;

    fn notice(message: &str) -> ServerMessage {
        ServerMessage::Notice { code: "n".to_owned(), message: message.to_owned() }
    }

    fn exit() -> ServerMessage {
        ServerMessage::Exit(Exit {
            code: Some(0),
            signal: None,
            reason: Reason::Exited,
            wall_ms: 1,
            cpu_ms: 1,
            memory_kb: 1,
            message: None,
        })
    }

    fn kinds(outbox: &mut Outbox, ring: &Ring) -> Vec<String> {
        std::iter::from_fn(|| outbox.next(ring))
            .map(|message| match message {
                Message::Text(text) => {
                    let value: Value = serde_json::from_str(&text).expect("JSON");
                    value["type"].as_str().expect("a type").to_owned()
                }
                Message::Binary(bytes) => format!("{} bytes", bytes.len()),
                Message::Ping(_) => "ping".to_owned(),
                Message::Close(_) => "close".to_owned(),
                Message::Pong(_) => "pong".to_owned(),
            })
            .collect()
    }

    #[test]
    fn messages_come_before_output_and_the_exit_after_it() {
        let (mut outbox, mut ring) = (Outbox::new(), Ring::new(100_000));
        ring.push(&vec![b'x'; FRAME + 5]);
        outbox.begin(Encoding::Binary, 0);
        outbox.close(1000, "done");
        outbox.finish(&exit());
        outbox.say(&notice("a"));
        outbox.ping();
        assert!(!outbox.is_finished());
        assert_eq!(
            kinds(&mut outbox, &ring),
            ["ping", "notice", &format!("{FRAME} bytes"), "5 bytes", "exit", "close"]
        );
        assert!(outbox.is_finished());
        assert_eq!(outbox.sent(), ring.end());
    }

    #[test]
    fn of_many_positions_in_the_line_the_last_is_said() {
        let (mut outbox, ring) = (Outbox::new(), Ring::new(10));
        for position in [9, 8, 7] {
            outbox.say(&ServerMessage::Status { phase: Phase::Queued, position: Some(position), session: None });
        }
        let Some(Message::Text(text)) = outbox.next(&ring) else { panic!("no message") };
        assert!(text.contains("\"position\":7"), "{text}");
        assert!(outbox.next(&ring).is_none());
    }

    #[test]
    fn output_as_text_is_never_cut_inside_a_character() {
        let (mut outbox, mut ring) = (Outbox::new(), Ring::new(100));
        outbox.begin(Encoding::Json, 0);
        ring.push(&"aé".as_bytes()[..2]);
        assert_eq!(kinds(&mut outbox, &ring), ["stdout"]);
        assert_eq!(outbox.sent(), 1);
        assert_eq!(kinds(&mut outbox, &ring), [""; 0]);
        ring.push(&"é".as_bytes()[1..]);
        let Some(Message::Text(text)) = outbox.next(&ring) else { panic!("no message") };
        assert_eq!(text.as_str(), r#"{"type":"stdout","data":"é","seq":3}"#);
        ring.push(b"\xf0\x9f");
        assert_eq!(kinds(&mut outbox, &ring), [""; 0]);
        outbox.finish(&exit());
        assert_eq!(kinds(&mut outbox, &ring), ["stdout", "exit"]);
    }
}
