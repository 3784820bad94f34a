//! The frames of a container's streams when it has no TTY: `[stream 0..=2, 0, 0, 0, length u32 big-endian]`, payload.
//!
//! Frames are cut where the daemon read, not at anything of meaning. Payload is passed on as it comes: the announced
//! length is only counted down, never allocated.

/// Which stream bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A header that no daemon writes: the stream is not what we think it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the container's stream is not framed as Docker frames it (header {0:?})")]
pub struct BadHeader(pub [u8; 8]);

/// Takes framed bytes in any pieces and gives payload in pieces.
#[derive(Debug, Default)]
pub struct Demux {
    header: [u8; 8],
    have: usize,
    stream: Option<Stream>,
    left: u32,
}

impl Demux {
    /// A stream at its start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the bytes so far end with a whole frame.
    pub fn at_boundary(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// Passes the payload within `bytes` to `sink`.
    pub fn feed(&mut self, mut bytes: &[u8], mut sink: impl FnMut(Stream, &[u8])) -> Result<(), BadHeader> {
        while !bytes.is_empty() {
            if let (Some(stream), true) = (self.stream, self.left > 0) {
                let n = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                let (payload, rest) = bytes.split_at(n);
                sink(stream, payload);
                self.left -= u32::try_from(n).unwrap_or(self.left);
                bytes = rest;
                continue;
            }
            let n = bytes.len().min(self.header.len() - self.have);
            let (piece, rest) = bytes.split_at(n);
            self.header[self.have..self.have + n].copy_from_slice(piece);
            self.have += n;
            bytes = rest;
            if self.have == self.header.len() {
                let [stream, 0, 0, 0, length @ ..] = self.header else { return Err(BadHeader(self.header)) };
                self.stream = Some(match stream {
                    0 | 1 => Stream::Stdout,
                    2 => Stream::Stderr,
                    _ => return Err(BadHeader(self.header)),
                });
                self.left = u32::from_be_bytes(length);
                self.have = 0;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(stream: Stream, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![if stream == Stream::Stdout { 1 } else { 2 }, 0, 0, 0];
        out.extend(u32::try_from(payload.len()).expect("small").to_be_bytes());
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn a_huge_announced_length_allocates_nothing_and_passes_what_is_there() {
        let mut demux = Demux::new();
        let mut got = Vec::new();
        demux
            .feed(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, b'a', b'b'], |s, p| got.push((s, p.to_vec())))
            .expect("framed");
        assert_eq!(got, [(Stream::Stdout, b"ab".to_vec())]);
        assert!(!demux.at_boundary());
    }

    #[test]
    fn an_unknown_stream_or_padding_is_an_error() {
        for header in [[3, 0, 0, 0, 0, 0, 0, 1], [1, 0, 1, 0, 0, 0, 0, 1], *b"hello wo"] {
            assert_eq!(Demux::new().feed(&header, |_, _| {}), Err(BadHeader(header)));
        }
    }

    proptest! {
        #[test]
        fn any_frames_cut_anywhere_give_the_same_two_streams(
            frames in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..40)), 0..20),
            cuts in prop::collection::vec(1usize..23, 1..60),
        ) {
            let mut wire = Vec::new();
            let mut expected = (Vec::new(), Vec::new());
            for (err, payload) in &frames {
                let stream = if *err { Stream::Stderr } else { Stream::Stdout };
                wire.extend(frame(stream, payload));
                if *err { expected.1.extend_from_slice(payload) } else { expected.0.extend_from_slice(payload) }
            }
            let mut demux = Demux::new();
            let mut got = (Vec::new(), Vec::new());
            let mut rest = &wire[..];
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at(rest.len().min(*cuts.next().expect("cycles")));
                demux.feed(piece, |s, p| match s {
                    Stream::Stdout => got.0.extend_from_slice(p),
                    Stream::Stderr => got.1.extend_from_slice(p),
                }).expect("framed");
                rest = tail;
            }
            prop_assert_eq!(got, expected);
            prop_assert!(demux.at_boundary());
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_never_give_more_than_they_are(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut given = 0;
            let _ = Demux::new().feed(&bytes, |_, p| given += p.len());
            prop_assert!(given <= bytes.len());
        }
    }
}
