//! What a terminal's host has to say and has not said yet. What waits is merged: nothing here grows beyond the bound of
//! the keystrokes, however slowly the harness listens.

use std::collections::VecDeque;

use crate::{
    SandboxError,
    protocol::{Credit, TERMINAL_INPUT_MOST, Taken, ToHarness, WindowSize},
};

/// Payload of one `Stdin` frame. Small, so that a kill, a resize or a credit is never far behind.
const PIECE: usize = 16 * 1024;
/// Kept of a buffer of keystrokes that was emptied.
const KEPT: usize = 4 * 1024;

/// Waits to be said.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    keys: VecDeque<u8>,
    /// Bytes that were accepted and are not with the program yet, `keys` among them.
    under_way: u64,
    size: Option<WindowSize>,
    credit: u64,
    kill: bool,
}

impl Outbox {
    /// Accepts as much as there is room for.
    pub(super) fn type_in(&mut self, bytes: &[u8]) -> usize {
        let room = usize::try_from(TERMINAL_INPUT_MOST.saturating_sub(self.under_way)).unwrap_or(usize::MAX);
        let accepted = bytes.len().min(room);
        self.keys.extend(&bytes[..accepted]);
        self.under_way = self.under_way.saturating_add(length(accepted));
        accepted
    }

    /// The program has taken so many bytes, or will never get them.
    pub(super) fn taken(&mut self, taken: Taken) -> Result<(), SandboxError> {
        let sent = self.under_way.saturating_sub(length(self.keys.len()));
        if taken.bytes > sent {
            let why = format!("{} bytes of input were taken of the {sent} that were sent", taken.bytes);
            return Err(SandboxError::Protocol(why));
        }
        self.under_way -= taken.bytes;
        Ok(())
    }

    pub(super) fn resize(&mut self, size: WindowSize) {
        self.size = Some(size);
    }

    pub(super) fn credit(&mut self, bytes: u64) {
        self.credit = self.credit.saturating_add(bytes);
    }

    pub(super) fn kill(&mut self) {
        self.kill = true;
    }

    /// The most urgent thing.
    pub(super) fn next(&mut self) -> Option<ToHarness> {
        if std::mem::take(&mut self.kill) {
            return Some(ToHarness::Kill);
        }
        if let Some(size) = self.size.take() {
            return Some(ToHarness::Resize(size));
        }
        if self.credit > 0 {
            return Some(ToHarness::Credit(Credit { bytes: std::mem::take(&mut self.credit) }));
        }
        if self.keys.is_empty() {
            return None;
        }
        let piece = self.keys.drain(..self.keys.len().min(PIECE)).collect();
        if self.keys.is_empty() {
            self.keys.shrink_to(KEPT);
        }
        Some(ToHarness::Stdin(piece))
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

    fn size(cols: u16) -> WindowSize {
        WindowSize { cols, rows: 24 }
    }

    #[test]
    fn what_waits_is_merged_and_the_urgent_goes_first() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.next(), None);
        assert_eq!(outbox.type_in(b"ab"), 2);
        outbox.credit(3);
        outbox.resize(size(80));
        assert_eq!(outbox.type_in(b"c"), 1);
        outbox.resize(size(100));
        outbox.credit(4);
        outbox.kill();
        outbox.kill();
        assert_eq!(outbox.next(), Some(ToHarness::Kill));
        assert_eq!(outbox.next(), Some(ToHarness::Resize(size(100))), "only the last");
        assert_eq!(outbox.next(), Some(ToHarness::Credit(Credit { bytes: 7 })), "their sum");
        assert_eq!(outbox.next(), Some(ToHarness::Stdin(b"abc".to_vec())), "in order");
        assert_eq!(outbox.next(), None);
    }

    #[test]
    fn no_more_is_accepted_than_may_be_under_way_and_what_was_taken_makes_room() {
        let mut outbox = Outbox::default();
        let much: Vec<u8> = (0..MOST + 5).map(|i| u8::try_from(i % 251).expect("small")).collect();
        assert_eq!(outbox.type_in(&much), MOST);
        assert_eq!(outbox.type_in(b"x"), 0);
        let mut sent = Vec::new();
        while let Some(ToHarness::Stdin(piece)) = outbox.next() {
            assert!(piece.len() <= PIECE);
            sent.extend(piece);
        }
        assert!(sent == much[..MOST], "every byte, in order");
        assert_eq!(outbox.type_in(b"x"), 0, "sent is not taken");
        outbox.taken(Taken { bytes: 2 }).expect("of those sent");
        assert_eq!(outbox.type_in(b"xyz"), 2);
        assert!(outbox.keys.capacity() <= 2 * KEPT, "{} bytes are kept", outbox.keys.capacity());
    }

    #[test]
    fn a_harness_that_takes_what_was_never_sent_breaks_the_protocol() {
        let mut outbox = Outbox::default();
        outbox.type_in(b"ab");
        assert!(outbox.taken(Taken { bytes: 1 }).is_err(), "it waits here");
        outbox.next();
        outbox.taken(Taken { bytes: 2 }).expect("both were sent");
        assert!(outbox.taken(Taken { bytes: 1 }).is_err());
    }
}
