//! Frames to and from the harness over the attached streams.

use std::io;

use bytes::Bytes;
use iteratione_harness::frame;
use tokio::{
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    task::coop::consume_budget,
};

use crate::{
    SandboxError,
    docker::{
        attach::Attached,
        demux::{Demux, Stream},
    },
    protocol::{FromHarness, ToHarness},
};

/// Read from the socket at once, onto the stack: a jail that says nothing holds no buffer. Docker passes on as much at
/// once.
const READ: usize = 32 * 1024;
/// Written to the socket at once.
const WRITE: usize = 64 * 1024;
/// What a writer keeps of its buffer for the next frame.
const KEPT: usize = 1024;
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
    demux: Demux,
    decoder: frame::Decoder<FromHarness>,
    last_words: Vec<u8>,
}

/// Frames to the harness, gathered until [`FrameWriter::flush`].
#[derive(Debug)]
pub(crate) struct FrameWriter {
    socket: OwnedWriteHalf,
    pending: Vec<u8>,
    /// So much of `pending` is written.
    written: usize,
}

impl Link {
    pub(crate) fn new(attached: Attached) -> Self {
        Self {
            reader: FrameReader {
                socket: attached.reader,
                early: attached.early,
                demux: Demux::new(),
                decoder: frame::Decoder::new(),
                last_words: Vec::new(),
            },
            writer: FrameWriter { socket: attached.writer, pending: Vec::new(), written: 0 },
        }
    }

    /// Sends one frame and flushes.
    pub(crate) async fn send(&mut self, message: &ToHarness) -> Result<(), SandboxError> {
        self.writer.push(message).await?;
        self.writer.flush().await
    }
}

impl FrameReader {
    /// The next frame. A fault or the end of the stream is [`SandboxError::JailLost`]. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<FromHarness, SandboxError> {
        loop {
            match self.decoded()? {
                Some(message) => return Ok(message),
                None => self.fill().await?,
            }
        }
    }

    /// The next frame of those that were read already.
    pub(crate) fn decoded(&mut self) -> Result<Option<FromHarness>, SandboxError> {
        match self.decoder.next() {
            Ok(Some(FromHarness::Fault(fault))) => Err(self.lost(&fault.message)),
            Ok(message) => Ok(message),
            Err(e) => Err(SandboxError::Protocol(e.to_string())),
        }
    }

    /// Waits for more and reads it. Cancel-safe: what was read is with the decoder before anything else is waited for.
    pub(crate) async fn fill(&mut self) -> Result<(), SandboxError> {
        let early = std::mem::take(&mut self.early);
        if !early.is_empty() {
            return self.feed(&early);
        }
        // A jail that always has more to say must not keep a thread from everything else.
        consume_budget().await;
        while !self.read()? {
            if let Err(e) = self.socket.readable().await {
                return Err(self.lost(&format!("its stream broke: {e}")));
            }
        }
        Ok(())
    }

    /// Reads what there is; `false` if there is nothing yet.
    #[expect(clippy::large_stack_arrays, reason = "a buffer for each of hundreds of jails at rest would be larger")]
    fn read(&mut self) -> Result<bool, SandboxError> {
        let mut buffer = [0; READ];
        match self.socket.try_read(&mut buffer) {
            Ok(0) => Err(self.lost("the container ended")),
            Ok(n) => self.feed(&buffer[..n]).map(|()| true),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(e) => Err(self.lost(&format!("its stream broke: {e}"))),
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), SandboxError> {
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
        self.gather(message)?;
        if self.pending.len() >= WRITE { self.flush().await } else { Ok(()) }
    }

    /// Adds a frame.
    pub(crate) fn gather(&mut self, message: &ToHarness) -> Result<(), SandboxError> {
        frame::encode(message, &mut self.pending).map_err(|e| SandboxError::Protocol(e.to_string()))
    }

    /// Writes what has gathered. Cancel-safe: what is written is not written again.
    pub(crate) async fn flush(&mut self) -> Result<(), SandboxError> {
        consume_budget().await;
        while !self.try_flush()? {
            self.writable().await?;
        }
        Ok(())
    }

    /// Writes as much of what has gathered as goes without waiting; whether that is all of it.
    pub(crate) fn try_flush(&mut self) -> Result<bool, SandboxError> {
        while let Some(rest) = self.pending.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.socket.try_write(rest) {
                Ok(n) => self.written += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(e) => {
                    self.forget();
                    return Err(unwritable(&e));
                }
            }
        }
        self.forget();
        Ok(true)
    }

    /// Waits until [`FrameWriter::try_flush`] may get further.
    pub(crate) async fn writable(&self) -> Result<(), SandboxError> {
        self.socket.writable().await.map_err(|e| unwritable(&e))
    }

    /// Whether everything that was gathered is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Much of it is seldom needed twice.
    fn forget(&mut self) {
        self.pending.clear();
        self.pending.shrink_to(KEPT);
        self.written = 0;
    }
}

fn unwritable(error: &io::Error) -> SandboxError {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            SandboxError::JailLost("the container ended".to_owned())
        }
        _ => SandboxError::JailLost(format!("its stream broke: {error}")),
    }
}
