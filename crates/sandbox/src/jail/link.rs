//! Frames to and from the harness over the attached streams.

use std::io;

use bytes::Bytes;
use iteratione_harness::frame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
};

use crate::{
    SandboxError,
    docker::{
        attach::Attached,
        demux::{Demux, Stream},
    },
    protocol::{FromHarness, ToHarness},
};

/// Read from the socket at once; also bounds how many frames wait decoded.
const READ: usize = 64 * 1024;
/// Written to the socket at once.
const WRITE: usize = 64 * 1024;
/// Kept of what the harness says on its standard error, which is only ever said when it breaks.
const LAST_WORDS: usize = 2048;

/// Both directions.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) reader: FrameReader,
    pub(crate) writer: FrameWriter,
}

/// Frames from the harness.
#[derive(Debug)]
pub(crate) struct FrameReader {
    socket: OwnedReadHalf,
    early: Bytes,
    buffer: Box<[u8]>,
    demux: Demux,
    decoder: frame::Decoder<FromHarness>,
    last_words: Vec<u8>,
}

/// Frames to the harness, gathered until [`FrameWriter::flush`].
#[derive(Debug)]
pub(crate) struct FrameWriter {
    socket: OwnedWriteHalf,
    pending: Vec<u8>,
}

impl Link {
    pub(crate) fn new(attached: Attached) -> Self {
        Self {
            reader: FrameReader {
                socket: attached.reader,
                early: attached.early,
                buffer: vec![0; READ].into_boxed_slice(),
                demux: Demux::new(),
                decoder: frame::Decoder::new(),
                last_words: Vec::new(),
            },
            writer: FrameWriter { socket: attached.writer, pending: Vec::new() },
        }
    }

    /// Sends one frame and flushes.
    pub(crate) async fn send(&mut self, message: &ToHarness) -> Result<(), SandboxError> {
        self.writer.push(message).await?;
        self.writer.flush().await
    }
}

impl FrameReader {
    /// The next frame. A fault or the end of the stream is [`SandboxError::JailLost`].
    pub(crate) async fn next(&mut self) -> Result<FromHarness, SandboxError> {
        loop {
            match self.decoder.next() {
                Ok(Some(FromHarness::Fault(fault))) => return Err(self.lost(&fault.message)),
                Ok(Some(message)) => return Ok(message),
                Ok(None) => self.fill().await?,
                Err(e) => return Err(SandboxError::Protocol(e.to_string())),
            }
        }
    }

    async fn fill(&mut self) -> Result<(), SandboxError> {
        let early = std::mem::take(&mut self.early);
        let n = if early.is_empty() {
            match self.socket.read(&mut self.buffer).await {
                Ok(0) => return Err(self.lost("the container ended")),
                Ok(n) => n,
                Err(e) => return Err(self.lost(&format!("its stream broke: {e}"))),
            }
        } else {
            0
        };
        let bytes = if early.is_empty() { &self.buffer[..n] } else { &early[..] };
        let (decoder, last_words) = (&mut self.decoder, &mut self.last_words);
        let fed = self.demux.feed(bytes, |stream, payload| match stream {
            Stream::Stdout => decoder.push(payload),
            Stream::Stderr => {
                let room = LAST_WORDS.saturating_sub(last_words.len());
                last_words.extend_from_slice(&payload[..payload.len().min(room)]);
            }
        });
        fed.map_err(|e| SandboxError::Protocol(e.to_string()))
    }

    fn lost(&self, why: &str) -> SandboxError {
        let said = String::from_utf8_lossy(&self.last_words);
        let said = said.trim();
        if said.is_empty() {
            SandboxError::JailLost(why.to_owned())
        } else {
            SandboxError::JailLost(format!("{why}; the harness said: {said}"))
        }
    }
}

impl FrameWriter {
    /// Adds a frame; writes when much has gathered.
    pub(crate) async fn push(&mut self, message: &ToHarness) -> Result<(), SandboxError> {
        frame::encode(message, &mut self.pending).map_err(|e| SandboxError::Protocol(e.to_string()))?;
        if self.pending.len() >= WRITE { self.flush().await } else { Ok(()) }
    }

    /// Writes what has gathered.
    pub(crate) async fn flush(&mut self) -> Result<(), SandboxError> {
        let written = self.socket.write_all(&self.pending).await;
        self.pending.clear();
        written.map_err(|e| match e.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                SandboxError::JailLost("the container ended".to_owned())
            }
            _ => SandboxError::JailLost(format!("its stream broke: {e}")),
        })
    }
}
