//! One connection to a runner.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use iteratione_common::terminal::{ClientMessage, ServerMessage};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message,
        error::ProtocolError,
        http::{Response, Uri, header::RETRY_AFTER},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use crate::{ClientError, ticket};

/// From calling to the upgrade's answer.
const CONNECTING: Duration = Duration::from_secs(30);
/// The longest message that is taken from a runner: the diagnostics of a large program.
const LONGEST_MESSAGE: usize = 16 << 20;

/// What a runner sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Output of the program as its terminal gives it, cut anywhere.
    Output(Bytes),
    /// A control message.
    Message(ServerMessage),
    /// The connection is at its end, and every later event is this one again.
    Closed {
        /// What the runner gave as its reason; `None` when the connection just broke.
        code: Option<u16>,
        /// For people; may be empty.
        reason: String,
    },
}

/// A frame, pings included: whoever watches over the connection wants to know of them.
#[derive(Debug)]
pub(crate) enum Frame {
    Event(Event),
    Beat,
    /// What had been held up is sent.
    Sent,
}

/// One connection. It acknowledges nothing and tries nothing twice; pings are answered while [`Terminal::next`] is
/// awaited, and only then.
pub struct Terminal {
    socket: WebSocketStream<TcpStream>,
    /// Something written may still be in the socket's buffer here.
    unflushed: bool,
    /// And the system takes no more of it now.
    held_up: bool,
    closed: Option<(Option<u16>, String)>,
}

impl Terminal {
    /// Connects to `ws://host:port/ws/run?ticket=…`.
    pub async fn connect(ws_url: &str) -> Result<Self, ClientError> {
        // The address holds a ticket: no error repeats it.
        let uri: Uri = ws_url.parse().map_err(|_| ClientError::Address("the terminal's address".to_owned()))?;
        let (Some("ws"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(ClientError::Address(format!("{}://…", uri.scheme_str().unwrap_or_default())));
        };
        let address = format!("{host}:{}", uri.port_u16().unwrap_or(80));
        let late = |_| ClientError::Late { host: address.clone(), within: CONNECTING };
        let connecting = async {
            let unreachable = |source| ClientError::Unreachable { host: address.clone(), source };
            let stream = TcpStream::connect(&address).await.map_err(unreachable)?;
            // A keystroke must not wait for the answer to the one before it.
            stream.set_nodelay(true).map_err(unreachable)?;
            let config = WebSocketConfig::default()
                .max_message_size(Some(LONGEST_MESSAGE))
                .max_frame_size(Some(LONGEST_MESSAGE));
            match client_async_with_config(ws_url, stream, Some(config)).await {
                Ok((socket, _)) => Ok(Self { socket, unflushed: false, held_up: false, closed: None }),
                Err(tungstenite::Error::Http(response)) => Err(refused(&response)),
                Err(error) => Err(error.into()),
            }
        };
        timeout(CONNECTING, connecting).await.map_err(late)?
    }

    /// Sends a control message and waits until it has been handed to the system.
    pub async fn send(&mut self, message: &ClientMessage) -> Result<(), ClientError> {
        self.queue(message)?;
        self.flush().await
    }

    /// Sends keystrokes as a binary frame.
    pub async fn type_in(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.queue_keys(Bytes::copy_from_slice(bytes))?;
        self.flush().await
    }

    /// Sends any text, whether it is of the protocol or not.
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<(), ClientError> {
        self.put(Message::text(text.into()))?;
        self.flush().await
    }

    /// The next event. Cancel-safe: what has been received is never lost. Also sends what is queued.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Frame::Event(event) = self.frame().await? {
                return Ok(event);
            }
        }
    }

    /// Says goodbye and waits for the runner's, at most for `within`.
    pub async fn close(mut self, within: Duration) {
        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let closing = async {
            if self.socket.close(Some(goodbye)).await.is_ok() {
                while let Ok(event) = self.next().await {
                    if matches!(event, Event::Closed { .. }) {
                        break;
                    }
                }
            }
        };
        // Whoever does not answer is hung up on.
        let _ = timeout(within, closing).await;
    }

    /// As [`Self::next`], with pings.
    pub(crate) async fn frame(&mut self) -> Result<Frame, ClientError> {
        poll_fn(|context| self.poll_frame(context)).await
    }

    /// Queues a control message; what the network does not take at once [`Self::frame`] sends.
    pub(crate) fn queue(&mut self, message: &ClientMessage) -> Result<(), ClientError> {
        let text = serde_json::to_string(message).map_err(|error| ClientError::Garbled(error.to_string()))?;
        self.put(Message::text(text))
    }

    /// Queues keystrokes, as [`Self::queue`] does.
    pub(crate) fn queue_keys(&mut self, bytes: Bytes) -> Result<(), ClientError> {
        self.put(Message::binary(bytes))
    }

    /// Whether something is queued that the network would not take yet.
    pub(crate) fn is_held_up(&self) -> bool {
        self.held_up
    }

    fn put(&mut self, message: Message) -> Result<(), ClientError> {
        if self.closed.is_some() {
            return Err(ClientError::Closed);
        }
        self.unflushed = true;
        self.socket.start_send_unpin(message).map_err(|error| match error {
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => ClientError::Closed,
            error => error.into(),
        })?;
        // Out with it if the system takes it at once; whatever is left, or wrong, is for the next read.
        self.unflushed =
            !matches!(self.socket.poll_flush_unpin(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(())));
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ClientError> {
        self.socket.flush().await?;
        (self.unflushed, self.held_up) = (false, false);
        Ok(())
    }

    /// Writes and reads at once: two ends that both wait for the other to read would wait for ever.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, ClientError>> {
        if let Some((code, reason)) = &self.closed {
            return Poll::Ready(Ok(Frame::Event(Event::Closed { code: *code, reason: reason.clone() })));
        }
        if self.unflushed {
            // An error shows again when reading, which may still find why: a close frame that came before.
            self.unflushed = self.socket.poll_flush_unpin(context).is_pending();
            if std::mem::replace(&mut self.held_up, self.unflushed) && !self.unflushed {
                return Poll::Ready(Ok(Frame::Sent));
            }
        }
        loop {
            let message = match self.socket.poll_next_unpin(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(message) => message,
            };
            let event = match message {
                Some(Ok(Message::Binary(bytes))) => Event::Output(bytes),
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(message) => Event::Message(message),
                    Err(error) => return Poll::Ready(Err(ClientError::Garbled(error.to_string()))),
                },
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                    self.unflushed = true;
                    return Poll::Ready(Ok(Frame::Beat));
                }
                Some(Ok(Message::Frame(_))) => continue,
                Some(Ok(Message::Close(frame))) => {
                    // Our half of the goodbye, as far as it goes without waiting.
                    let _ = self.socket.poll_flush_unpin(context);
                    let said = frame.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                    self.end(said.as_ref().map(|(code, _)| *code), said.map_or_else(String::new, |(_, reason)| reason))
                }
                None => self.end(None, String::new()),
                Some(Err(tungstenite::Error::Io(error))) => self.end(None, error.to_string()),
                Some(Err(tungstenite::Error::Protocol(error @ ProtocolError::ResetWithoutClosingHandshake))) => {
                    self.end(None, error.to_string())
                }
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
            };
            return Poll::Ready(Ok(Frame::Event(event)));
        }
    }

    fn end(&mut self, code: Option<u16>, reason: String) -> Event {
        self.closed = Some((code, reason.clone()));
        Event::Closed { code, reason }
    }
}

/// The upgrade was answered by a problem document.
fn refused(response: &Response<Option<Vec<u8>>>) -> ClientError {
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.body().as_deref().unwrap_or_default();
    ticket::problem(response.status().as_u16(), retry_after, body)
}

impl From<io::Error> for ClientError {
    fn from(error: io::Error) -> Self {
        tungstenite::Error::Io(error).into()
    }
}
