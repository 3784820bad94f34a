//! The two ends of the host's stream, without blocking and with bounds.

use std::io;

use iteratione_harness::{
    frame::{Decoder, FrameError, encode},
    protocol::{FromHarness, ToHarness},
};
use rustix::io::Errno;

/// Bytes waiting for the host, above which nothing more is read from the program.
pub const OUT_ROOM: usize = 1024 * 1024;
/// Answers may still be added above [`OUT_ROOM`], but the host's own frames are not read above this.
const OUT_MOST: usize = OUT_ROOM + 256 * 1024;
/// Bytes that are read at once, from the host or the program.
pub const PIECE: usize = 64 * 1024;

/// Bytes that wait to be written, first in, first out.
#[derive(Debug, Default)]
pub struct Queue {
    bytes: Vec<u8>,
    start: usize,
}

impl Queue {
    /// How many.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// At the end.
    pub fn push(&mut self, bytes: &[u8]) {
        self.room_behind().extend_from_slice(bytes);
    }

    /// Gives memory back that was written already.
    fn room_behind(&mut self) -> &mut Vec<u8> {
        if self.start > 0 && (self.start == self.bytes.len() || self.start >= PIECE) {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        &mut self.bytes
    }

    /// Writes what can be written now.
    pub fn write_to(&mut self, fd: impl std::os::fd::AsFd) -> rustix::io::Result<()> {
        while let Some(rest) = self.bytes.get(self.start..).filter(|r| !r.is_empty()) {
            match rustix::io::write(&fd, rest) {
                Ok(n) => self.start += n,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        if self.bytes.capacity() > 4 * PIECE {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
        self.start = 0;
        Ok(())
    }
}

/// Frames to the host.
#[derive(Debug, Default)]
pub struct Output(Queue);

impl Output {
    /// Whether the program's output may be read.
    pub fn has_room(&self) -> bool {
        self.0.len() < OUT_ROOM
    }

    /// Whether the host's frames may be read: each may have an answer.
    pub fn has_room_for_answers(&self) -> bool {
        self.0.len() < OUT_MOST
    }

    /// Whether there is something to write.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// Adds a message.
    pub fn send(&mut self, message: &FromHarness) -> Result<(), FrameError> {
        encode(message, self.0.room_behind())
    }

    /// Writes what the host takes now.
    pub fn flush(&mut self) -> rustix::io::Result<()> {
        self.write_to(io::stdout())
    }

    /// Writes what a descriptor takes now.
    pub fn write_to(&mut self, fd: impl std::os::fd::AsFd) -> rustix::io::Result<()> {
        self.0.write_to(fd)
    }
}

/// Frames from the host.
#[derive(Debug)]
pub struct Input {
    decoder: Decoder<ToHarness>,
    piece: Vec<u8>,
}

impl Default for Input {
    fn default() -> Self {
        Self { decoder: Decoder::new(), piece: vec![0; PIECE] }
    }
}

impl Input {
    /// The next whole message that has arrived.
    pub fn next(&mut self) -> Result<Option<ToHarness>, FrameError> {
        self.decoder.next()
    }

    /// Reads what is there. `false`: the host is gone.
    pub fn fill(&mut self) -> rustix::io::Result<bool> {
        match rustix::io::read(io::stdin(), &mut self.piece) {
            Ok(0) => Ok(false),
            Ok(n) => {
                self.decoder.push(self.piece.get(..n).unwrap_or_default());
                Ok(true)
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_keeps_its_order_over_partial_writes() {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).expect("a pipe");
        let sent: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        let (mut queue, mut got, mut pieces) = (Queue::default(), Vec::new(), sent.chunks(70_001));
        let mut buffer = vec![0; 30_000];
        while got.len() < sent.len() {
            if let Some(piece) = pieces.next() {
                queue.push(piece);
            }
            queue.write_to(&writer).expect("a pipe takes it");
            if let Ok(n) = rustix::io::read(&reader, &mut buffer) {
                got.extend_from_slice(&buffer[..n]);
            }
        }
        assert_eq!(got, sent);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn a_full_output_still_takes_answers() {
        let mut output = Output::default();
        while output.has_room() {
            output.send(&FromHarness::Stdout(vec![0; PIECE])).expect("fits");
        }
        assert!(output.has_room_for_answers());
    }
}
