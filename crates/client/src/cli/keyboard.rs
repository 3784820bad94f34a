//! Standard input, read by a thread of its own: a read of a terminal cannot be cancelled.

use std::io::{ErrorKind, Read as _, stdin};

use tokio::sync::mpsc;

/// Bytes of one read.
const CHUNK: usize = 16 << 10;
/// Chunks that wait: enough to keep a pipe going, and so few that a fast one waits for the network.
const CHUNKS: usize = 4;

/// Ctrl-D, which ends a program's input if it stands at the beginning of a line.
const END_OF_INPUT: u8 = 0x04;
/// Ctrl-], as telnet has it.
const ESCAPE: u8 = 0x1d;

/// What is typed. The channel closes at the end of the input, or when it cannot be read.
pub fn listen() -> mpsc::Receiver<Vec<u8>> {
    let (keys, listener) = mpsc::channel(CHUNKS);
    // It ends with the process: nothing else ends a read.
    std::thread::spawn(move || {
        let mut stdin = stdin().lock();
        let mut chunk = vec![0; CHUNK];
        loop {
            match stdin.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => {
                    if keys.blocking_send(chunk[..read].to_vec()).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
    listener
}

/// The keys before an escape, and whether there was one.
pub fn before_escape(keys: &[u8]) -> (&[u8], bool) {
    match keys.iter().position(|key| *key == ESCAPE) {
        Some(at) => (&keys[..at], true),
        None => (keys, false),
    }
}

/// What to type at the end of a file or pipe that ended with `last`.
///
/// A terminal has no end: Ctrl-D hands to the program what was typed so far, and only a hand-over of nothing is the end. In
/// an unfinished line two of them would do, but not for a program that edits lines itself (Python's `input()`): there the
/// key means something else within a line. So the line is finished.
pub fn end_of_input(last: Option<u8>) -> &'static [u8] {
    match last {
        None | Some(b'\n' | b'\r') => &[END_OF_INPUT],
        Some(_) => &[b'\n', END_OF_INPUT],
    }
}

/// The end once more: that of a file lasts, that of a terminal is for one read, and is lost on a program that changes the
/// terminal's modes before it has read so far.
pub const END_AGAIN: &[u8] = &[END_OF_INPUT];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_ends_what_was_typed() {
        assert_eq!(before_escape(b"ab\x1dcd"), (&b"ab"[..], true));
        assert_eq!(before_escape(b"\x03\x04\x1b[A"), (&b"\x03\x04\x1b[A"[..], false));
    }

    #[test]
    fn an_unfinished_line_is_finished_before_the_end() {
        assert_eq!(end_of_input(Some(b'\n')), b"\x04");
        assert_eq!(end_of_input(None), b"\x04");
        assert_eq!(end_of_input(Some(b'7')), b"\n\x04");
    }
}
