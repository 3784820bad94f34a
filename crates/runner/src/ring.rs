//! The last output of a run, for whoever comes back.

use std::collections::VecDeque;

/// The last bytes of a stream, at their offsets in it. Takes memory only for what it holds.
#[derive(Debug)]
pub struct Ring {
    kept: VecDeque<u8>,
    start: u64,
    most: usize,
}

impl Ring {
    /// Keeps at most `most` bytes.
    pub const fn new(most: usize) -> Self {
        Self { kept: VecDeque::new(), start: 0, most }
    }

    /// The stream goes on; what no longer fits is forgotten, the oldest first.
    pub fn push(&mut self, bytes: &[u8]) {
        let over = (self.kept.len() + bytes.len()).saturating_sub(self.most);
        let old = over.min(self.kept.len());
        self.kept.drain(..old);
        self.kept.extend(&bytes[over - old..]);
        self.start += over as u64;
    }

    /// Offset of the oldest byte that is kept.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// Length of the stream so far.
    pub fn end(&self) -> u64 {
        self.start + self.kept.len() as u64
    }

    /// At most `most` bytes from an offset on; from the oldest one on, if that is later.
    pub fn copy(&self, from: u64, most: usize) -> Vec<u8> {
        let skipped = usize::try_from(from.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.kept.len());
        let length = (self.kept.len() - skipped).min(most);
        let (head, tail) = self.kept.as_slices();
        let mut copy = Vec::with_capacity(length);
        let in_head = head.get(skipped..).unwrap_or_default();
        copy.extend_from_slice(&in_head[..in_head.len().min(length)]);
        let in_tail = tail.get(skipped.saturating_sub(head.len())..).unwrap_or_default();
        copy.extend_from_slice(&in_tail[..length - copy.len()]);
        copy
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn a_ring_keeps_the_end_of_the_stream_and_knows_where_it_is() {
        let mut ring = Ring::new(4);
        assert_eq!((ring.start(), ring.end(), ring.copy(0, 9)), (0, 0, vec![]));
        ring.push(b"abc");
        ring.push(b"def");
        assert_eq!((ring.start(), ring.end()), (2, 6));
        assert_eq!(ring.copy(0, 9), b"cdef");
        assert_eq!(ring.copy(4, 1), b"e");
        assert_eq!(ring.copy(7, 1), b"");
        ring.push(b"0123456789");
        assert_eq!((ring.start(), ring.copy(12, 9)), (12, b"6789".to_vec()));
    }

    proptest! {
        #[test]
        fn a_ring_is_the_end_of_everything_that_was_pushed(
            most in 1_usize..40,
            pushes in vec(vec(any::<u8>(), 0..30), 0..30),
            from in 0_usize..400,
            length in 0_usize..50,
        ) {
            let mut ring = Ring::new(most);
            let mut all = Vec::new();
            for push in &pushes {
                ring.push(push);
                all.extend_from_slice(push);
                prop_assert!(ring.kept.len() <= most);
            }
            let start = all.len().saturating_sub(most);
            prop_assert_eq!((ring.start(), ring.end()), (start as u64, all.len() as u64));
            let rest = &all[from.clamp(start, all.len())..];
            prop_assert_eq!(ring.copy(from as u64, length), &rest[..rest.len().min(length)]);
        }
    }
}
