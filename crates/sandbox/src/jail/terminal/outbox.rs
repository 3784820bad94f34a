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

/// Room that only keys which usually mean a signal get, so that they come through however much was typed in vain. The
/// harness lets them overtake what nobody reads, if that is what they mean.
const SIGNAL_ROOM: u64 = 256;
/// Ctrl-C, Ctrl-\, Ctrl-Z.
const SIGNAL_KEYS: [u8; 3] = [0x03, 0x1c, 0x1a];

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
    /// Accepts as much as there is room for, and of the rest the last of each key that usually means a signal.
    pub(super) fn type_in(&mut self, bytes: &[u8]) -> usize {
        let room = usize::try_from((TERMINAL_INPUT_MOST - SIGNAL_ROOM).saturating_sub(self.under_way));
        let (fits, rest) = bytes.split_at(bytes.len().min(room.unwrap_or(usize::MAX)));
        self.accept(fits);
        let mut signals: Vec<usize> =
            SIGNAL_KEYS.iter().filter_map(|key| rest.iter().rposition(|byte| byte == key)).collect();
        signals.sort_unstable();
        let room = usize::try_from(TERMINAL_INPUT_MOST.saturating_sub(self.under_way)).unwrap_or(usize::MAX);
        let signals: Vec<u8> = signals.into_iter().take(room).filter_map(|at| rest.get(at).copied()).collect();
        self.accept(&signals);
        fits.len() + signals.len()
    }

    fn accept(&mut self, bytes: &[u8]) {
        self.keys.extend(bytes);
        self.under_way = self.under_way.saturating_add(length(bytes.len()));
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

    const MOST: usize = (1 << 20) - 256;

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
    fn keys_that_mean_a_signal_find_room_where_others_do_not_and_not_without_end() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.type_in(&vec![b'x'; 2 * MOST]), MOST);
        assert_eq!(outbox.type_in(b"a\x03b\x1ac\x03d\x1ce"), 3, "the last of each");
        assert_eq!(outbox.keys.iter().skip(MOST).copied().collect::<Vec<_>>(), b"\x1a\x03\x1c", "in their order");
        let more = (0..1000).filter(|_| outbox.type_in(b"\x03") == 1).count();
        assert_eq!(more, 253, "what the harness would not take is never sent");
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
