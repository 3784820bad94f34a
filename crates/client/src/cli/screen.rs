//! What this terminal shows: the program's output as standard output, and what is said of it as standard error.

use std::{
    io::{self, IsTerminal as _, Write as _, stderr, stdout},
    sync::mpsc,
    thread::JoinHandle,
};

use bytes::Bytes;
use tokio::sync::watch;

use super::words;

/// Lines about the run, and one that is written over again and again.
pub struct Screen {
    quiet: bool,
    terminal: bool,
    /// The line that changes is there now.
    status: bool,
    /// The cursor may stand behind a part of a line of the program.
    mid_line: bool,
}

impl Screen {
    pub fn new(quiet: bool) -> Self {
        Self { quiet, terminal: stderr().is_terminal(), status: false, mid_line: false }
    }

    /// Something to know; several lines, if it has them.
    pub fn note(&mut self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// As [`Self::note`], said even to those who want quiet.
    pub fn say(&mut self, text: &str) {
        self.erase();
        // In a raw terminal a line feed goes straight down.
        let end = if self.terminal { "\r\n" } else { "\n" };
        let begin = if std::mem::take(&mut self.mid_line) { end } else { "" };
        let text = words::harmless(text).replace('\n', end);
        // Nothing can be done about a closed standard error.
        let _ = write!(stderr(), "{begin}{text}{end}");
    }

    /// The line that changes; only on a terminal, where it can.
    pub fn status(&mut self, text: &str) {
        if self.quiet || !self.terminal {
            return;
        }
        if std::mem::take(&mut self.mid_line) {
            let _ = write!(stderr(), "\r\n");
        }
        let _ = write!(stderr(), "\r\x1b[K{text}");
        self.status = true;
    }

    /// Takes that line away.
    pub fn erase(&mut self) {
        if std::mem::take(&mut self.status) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    /// The program's output has come so far.
    pub fn follows(&mut self, output: &[u8]) {
        self.erase();
        if let Some(last) = output.last() {
            self.mid_line = self.terminal && stdout().is_terminal() && *last != b'\n';
        }
    }
}

/// Standard output, written by a thread of its own: while it is held up, keys and pings still go through.
pub struct Output {
    /// Unbounded, but not endless: the runner sends no more than its window beyond what was told to be shown.
    chunks: Option<mpsc::Sender<Bytes>>,
    writer: Option<JoinHandle<()>>,
    shown: watch::Receiver<u64>,
    given: u64,
    told: u64,
    open: bool,
}

impl Output {
    /// Starts the thread, which ends when this is dropped or standard output is closed.
    pub fn start() -> Self {
        let (chunks, listener) = mpsc::channel::<Bytes>();
        let (progress, shown) = watch::channel(0);
        let plain = !stdout().is_terminal();
        let writer = std::thread::spawn(move || {
            let mut lines = plain.then(Lines::default);
            let mut total = 0;
            for chunk in listener {
                let written = match &mut lines {
                    Some(lines) => write(&lines.plain(&chunk)),
                    None => write(&chunk),
                };
                if written.is_err() {
                    return;
                }
                total += chunk.len() as u64;
                progress.send_replace(total);
            }
            if lines.is_some_and(|lines| lines.held) {
                let _ = write(b"\r");
            }
        });
        Self { chunks: Some(chunks), writer: Some(writer), shown, given: 0, told: 0, open: true }
    }

    pub fn show(&mut self, bytes: Bytes) {
        self.given += bytes.len() as u64;
        // A closed standard output shows in `shown`.
        let _ = self.chunks.as_ref().map(|chunks| chunks.send(bytes));
    }

    /// Whether standard output takes anything.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// How many bytes more were shown; `None` when standard output is closed.
    pub async fn shown(&mut self) -> Option<u64> {
        self.open = self.shown.changed().await.is_ok();
        if !self.open {
            return None;
        }
        let total = *self.shown.borrow_and_update();
        Some(total - std::mem::replace(&mut self.told, total))
    }

    /// Whether all of it was shown.
    pub fn is_done(&self) -> bool {
        *self.shown.borrow() == self.given
    }

    /// Ends the thread, when all is done.
    pub fn finish(&mut self) {
        self.chunks = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// A terminal ends lines with CR LF; files and pipes want what the program wrote.
#[derive(Debug, Default)]
struct Lines {
    /// A CR that may be the first half of a line end.
    held: bool,
}

impl Lines {
    fn plain(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            if std::mem::replace(&mut self.held, byte == b'\r') && byte != b'\n' {
                text.push(b'\r');
            }
            if byte != b'\r' {
                text.push(byte);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_plain_wherever_the_output_is_cut() {
        let text = b"a\r\nb\rc\r\r\n\nd\r\n";
        for cut in 0..=text.len() {
            let mut lines = Lines::default();
            let mut plain = lines.plain(&text[..cut]);
            plain.extend(lines.plain(&text[cut..]));
            assert_eq!(plain, b"a\nb\rc\r\n\nd\n", "cut at {cut}");
        }
    }
}
