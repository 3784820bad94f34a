//! One WebSocket: what comes in, what goes out, and whether anybody is there.
//!
//! It has one owner and no task. [`Socket::event`] writes as much of the [`Outbox`] as the peer takes and reads the next
//! message, both at once and without waiting for one another. It can be dropped at any point: what was not said yet is said
//! by the next call.
//!
//! What tungstenite does: it writes each frame at once (`write_buffer_size` 0) and holds what the kernel does not take, one
//! frame of ours, because it gets another only when it has none, and its own pongs, which have a bound
//! (`max_write_buffer_size`). It refuses a frame that is too long when it has read its head.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use bytes::Bytes;
use futures_util::{Sink as _, SinkExt as _, Stream as _};
use iteratione_common::{
    language::Languages,
    terminal::{ClientMessage, ServerMessage, close},
};
use iteratione_serving::Place;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite;

use crate::{metrics, outbox::Outbox, ring::Ring};

/// The longest message but a `run`.
const LONGEST: usize = 64 << 10;
/// The least that a `run` may have.
const LONGEST_RUN: usize = 1 << 20;
/// Bytes that are read at one time: a session is to cost little, and nobody types more.
const READ_BUFFER: usize = 8 << 10;
/// What waits for a peer that does not read: one message of ours and some pongs.
const WRITE_BUFFER: usize = 256 << 10;
/// How often a peer must show that it lives, and how long it may take.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// To take the last words.
const FAREWELL: Duration = Duration::from_secs(2);

/// Sets the bounds of a socket before it is one.
pub fn bounded(upgrade: WebSocketUpgrade, languages: &Languages) -> WebSocketUpgrade {
    let sources = languages.iter().map(|language| language.source_limit_kb).max().unwrap_or(0).saturating_mul(1024);
    // Twice: line ends, quotes and foreign letters take more room in JSON than in a file.
    let longest = usize::try_from(sources.saturating_mul(2)).unwrap_or(usize::MAX).clamp(LONGEST_RUN, 64 << 20);
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_message_size(longest)
        .max_frame_size(longest)
}

/// See the module.
pub struct Socket {
    stream: WebSocket,
    /// What is to be said.
    pub outbox: Outbox,
    /// Up to where the kernel has the run's output.
    written: u64,
    /// Nothing more comes from it.
    ended: bool,
    next_ping: Instant,
    /// A ping is out; it is answered by then, or the peer is gone.
    answer_by: Option<Instant>,
    _place: Option<Place>,
}

/// What happens on a socket.
#[derive(Debug)]
pub enum SocketEvent {
    /// A message.
    Said(ClientMessage),
    /// Keystrokes as a binary frame.
    Typed(Bytes),
    /// What is no message, or too long: why, for people.
    Nonsense(String),
    /// All output that was there was given to the kernel.
    Written(u64),
    /// The peer lives.
    Answered,
    /// The end: closed with a code, or simply gone.
    Gone(Option<u16>),
}

impl Socket {
    /// A socket that has just been opened; it keeps its place until it is dropped.
    pub fn new(stream: WebSocket, place: Option<Place>) -> Self {
        Self {
            stream,
            outbox: Outbox::new(),
            written: 0,
            ended: false,
            next_ping: Instant::now() + PING_EVERY,
            answer_by: None,
            _place: place,
        }
    }

    /// The next event. Cancel-safe.
    pub async fn event(&mut self, ring: &Ring) -> SocketEvent {
        loop {
            let alarm = self.answer_by.unwrap_or(self.next_ping);
            tokio::select! {
                biased; // An answer that lies there already counts.
                event = poll_fn(|cx| self.poll(ring, cx)) => return event,
                () = sleep_until(alarm) => {}
            }
            if self.answer_by.is_some() {
                self.ended = true;
                return SocketEvent::Gone(Some(close::IDLE));
            }
            self.ask(PONG_WITHIN);
        }
    }

    /// Asks the peer whether it is there.
    pub fn ask(&mut self, within: Duration) {
        let by = Instant::now() + within;
        self.answer_by = Some(self.answer_by.map_or(by, |before| before.min(by)));
        self.outbox.ping();
    }

    /// A run's output begins at `from`.
    pub fn begin(&mut self, encoding: iteratione_common::terminal::Encoding, from: u64) {
        self.outbox.begin(encoding, from);
        self.written = from;
    }

    /// Says that something is refused, or went wrong.
    pub fn complain(&mut self, code: &str, message: impl Into<String>, retry_after: Option<Duration>) {
        let retry_after = retry_after.map(|after| after.as_secs().max(1));
        self.outbox.say(&ServerMessage::Error { code: code.to_owned(), message: message.into(), retry_after });
    }

    /// Says what is left to say, closes, and waits for the peer to do so too, for a moment.
    pub async fn farewell(mut self, ring: &Ring, code: u16, reason: &'static str) {
        self.outbox.close(code, reason);
        let goodbye = async {
            if self.ended {
                // The stream is readable no more, but what it is told about that, and the answer to its close frame,
                // must be on their way before it is cut. After a close frame only the answer may follow.
                while let Some(message) = self.outbox.next(ring) {
                    if self.stream.send(message).await.is_err() {
                        break;
                    }
                }
                let _ = self.stream.flush().await;
                return;
            }
            while !matches!(self.event(ring).await, SocketEvent::Gone(_)) {}
        };
        // Dropping it is the answer to whoever does not listen.
        let _ = timeout(FAREWELL, goodbye).await;
        if self.ended {
            // What it still sends meets a socket that is there, else its kernel throws away what we have said.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Refuses a socket for good.
    pub async fn refuse(mut self, code: &'static str, message: String, retry_after: Option<Duration>, close: u16) {
        metrics::refused(code);
        self.complain(code, message, retry_after);
        self.farewell(&Ring::new(0), close, code).await;
    }

    fn poll(&mut self, ring: &Ring, cx: &mut Context<'_>) -> Poll<SocketEvent> {
        let Ok(flushed) = self.poll_write(ring, cx) else {
            self.ended = true;
            return Poll::Ready(SocketEvent::Gone(None));
        };
        if flushed && self.written != self.outbox.sent() {
            self.written = self.outbox.sent();
            return Poll::Ready(SocketEvent::Written(self.written));
        }
        if self.ended || self.outbox.is_crowded() {
            return Poll::Pending;
        }
        loop {
            let message = match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(message) => message,
            };
            let event = match message {
                Some(Ok(Message::Ping(_))) => continue,
                Some(Ok(Message::Pong(_))) => {
                    self.alive();
                    SocketEvent::Answered
                }
                Some(Ok(Message::Text(text))) => said(&text),
                Some(Ok(Message::Binary(bytes))) if bytes.len() <= LONGEST => SocketEvent::Typed(bytes),
                Some(Ok(Message::Binary(bytes))) => too_long(bytes.len()),
                Some(Ok(Message::Close(frame))) => {
                    self.ended = true;
                    SocketEvent::Gone(frame.map(|frame| frame.code))
                }
                Some(Err(error)) => {
                    self.ended = true;
                    nonsense(error).map_or(SocketEvent::Gone(None), SocketEvent::Nonsense)
                }
                None => {
                    self.ended = true;
                    SocketEvent::Gone(None)
                }
            };
            return Poll::Ready(event);
        }
    }

    /// Writes until the peer takes no more (`false`) or there is no more (`true`).
    fn poll_write(&mut self, ring: &Ring, cx: &mut Context<'_>) -> Result<bool, axum::Error> {
        loop {
            match Pin::new(&mut self.stream).poll_ready(cx) {
                Poll::Pending => return Ok(false),
                Poll::Ready(ready) => ready?,
            }
            let Some(message) = self.outbox.next(ring) else { break };
            Pin::new(&mut self.stream).start_send(message)?;
        }
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => Ok(false),
            Poll::Ready(flushed) => flushed.map(|()| true),
        }
    }

    fn alive(&mut self) {
        self.answer_by = None;
        self.next_ping = Instant::now() + PING_EVERY;
    }
}

fn said(text: &str) -> SocketEvent {
    match serde_json::from_str::<ClientMessage>(text) {
        Ok(ClientMessage::Run(run)) => SocketEvent::Said(ClientMessage::Run(run)),
        Ok(_) if text.len() > LONGEST => too_long(text.len()),
        Ok(message) => SocketEvent::Said(message),
        Err(error) => SocketEvent::Nonsense(format!("This is no message of the terminal's protocol: {error}.")),
    }
}

fn too_long(bytes: usize) -> SocketEvent {
    SocketEvent::Nonsense(format!("A message of {bytes} bytes is too long: send at most {LONGEST} at once."))
}

/// What is wrong with a peer that is still there.
fn nonsense(error: axum::Error) -> Option<String> {
    let error = error.into_inner();
    match error.downcast_ref::<tungstenite::Error>()? {
        tungstenite::Error::Capacity(error) => Some(format!("That message is too long: {error}.")),
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(error) => Some(format!("That is no WebSocket frame: {error}.")),
        tungstenite::Error::Utf8(_) => Some("A text message must be UTF-8.".to_owned()),
        _ => None,
    }
}
