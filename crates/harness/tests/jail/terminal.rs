//! Programs on a terminal, and somebody who sits at it.

use std::time::Instant;

use iteratione_harness::protocol::{
    Credit, ExecRequest, ExecResult, FromHarness, TerminalRequest, ToHarness, WindowSize,
};

use crate::support::{DEADLINE, Jail, Options};

#[path = "terminal/flow.rs"]
mod flow;
#[path = "terminal/keys.rs"]
mod keys;
#[path = "terminal/life.rs"]
mod life;

/// More than any of these programs prints.
const WIDE: u64 = 1 << 40;
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_BACKSLASH: &str = "\x1c";
const CTRL_Z: &str = "\x1a";

fn size(cols: u16, rows: u16) -> WindowSize {
    WindowSize { cols, rows }
}

/// A jail with a program on a terminal, and all that was seen of it.
struct Screen {
    jail: Jail,
    seen: Vec<u8>,
    /// So much of it was waited for.
    read: usize,
    typed: u64,
    taken: u64,
    end: Option<ExecResult>,
}

impl Screen {
    fn open(request: ExecRequest) -> Self {
        Self::with_window(request, WIDE)
    }

    fn with_window(request: ExecRequest, window: u64) -> Self {
        Self::within(Jail::with(Options { cpus: "1", ..Options::default() }), request, window)
    }

    fn within(mut jail: Jail, mut request: ExecRequest, window: u64) -> Self {
        request.limits.wall_ms = 120_000;
        request.limits.cpu_ms = 60_000;
        request.terminal = Some(TerminalRequest { size: size(80, 24), window });
        jail.send(&ToHarness::Exec(request));
        Self { jail, seen: Vec::new(), read: 0, typed: 0, taken: 0, end: None }
    }

    fn type_in(&mut self, keys: impl AsRef<[u8]>) {
        for piece in keys.as_ref().chunks(16_000) {
            self.typed += piece.len() as u64;
            self.jail.send(&ToHarness::Stdin(piece.to_vec()));
        }
    }

    fn credit(&mut self, bytes: u64) {
        self.jail.send(&ToHarness::Credit(Credit { bytes }));
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// The next frame; gives it back if it was a `Pong`.
    #[track_caller]
    fn look(&mut self) -> bool {
        assert_eq!(self.end, None, "{:?}", self.text());
        let Ok(message) = self.jail.receive_within(DEADLINE) else {
            panic!("nothing comes any more after {:?}", self.text());
        };
        match message {
            FromHarness::Stdout(bytes) => self.seen.extend(bytes),
            FromHarness::Taken(taken) => {
                assert!(taken.bytes > 0);
                self.taken += taken.bytes;
                assert!(self.taken <= self.typed, "{} of {}", self.taken, self.typed);
            }
            FromHarness::Exit(result) => self.end = Some(result),
            FromHarness::Pong => return true,
            other => panic!("{other:?}"),
        }
        false
    }

    /// Takes all that was said before the harness heard this.
    #[track_caller]
    fn sync(&mut self) {
        self.jail.send(&ToHarness::Ping);
        while !self.look() {}
    }

    #[track_caller]
    fn wait(&mut self, what: &str, mut until: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !until(self) {
            assert!(Instant::now() < deadline, "{what} does not come: {:?}", self.text());
            self.look();
        }
    }

    /// Waits for something that was not waited for before.
    #[track_caller]
    fn until(&mut self, what: &str) {
        self.wait(what, |screen| screen.find(what).is_some());
        self.read += self.find(what).expect("found") + what.len();
    }

    fn find(&self, what: &str) -> Option<usize> {
        self.seen[self.read..].windows(what.len()).position(|w| w == what.as_bytes())
    }

    #[track_caller]
    fn until_taken(&mut self) {
        self.wait("the last Taken", |screen| screen.taken == screen.typed);
    }

    /// The end of the program.
    #[track_caller]
    fn end(&mut self) -> ExecResult {
        self.wait("the end", |screen| screen.end.is_some());
        let result = self.end.take().expect("it has come");
        assert_eq!((result.stdout_bytes, result.stderr_bytes), (self.seen.len() as u64, 0));
        result
    }

    /// The end, and that the jail is as new after it.
    #[track_caller]
    fn end_clean(mut self) -> ExecResult {
        let result = self.end();
        self.jail.send(&ToHarness::StdinEnd);
        self.jail.is_as_new();
        result
    }
}
