//! A program on a terminal, in real jails of the pool.

use std::time::Duration;

use iteratione_common::language::Languages;
use iteratione_sandbox::{
    Jail, Terminal, TerminalEvent, TerminalRequest, WindowSize,
    protocol::{ExecRequest, ExecResult},
};

use crate::support::{DEADLINE, Site, program, repository};

mod flow;
mod languages;
mod losses;

const WINDOW: u64 = 64 << 10;

/// Somebody who sits at a terminal and reads all that comes.
struct Screen {
    terminal: Terminal,
    /// Everything so far.
    seen: Vec<u8>,
    /// So much of it was waited for.
    read: usize,
}

fn size(cols: u16, rows: u16) -> WindowSize {
    WindowSize { cols, rows }
}

/// On a terminal of 80 × 24.
fn on_terminal(mut request: ExecRequest) -> ExecRequest {
    request.limits.wall_ms = 600_000;
    request.limits.cpu_ms = 600_000;
    request.limits.output_bytes = 16 << 20;
    request.terminal = Some(TerminalRequest { size: size(80, 24), window: WINDOW });
    request
}

fn python(code: &str) -> ExecRequest {
    on_terminal(program(&["python3", "-c", code]))
}

impl Screen {
    fn open(jail: Jail, request: ExecRequest) -> Self {
        let terminal = jail.open_terminal(request).expect("nothing was said to the jail before");
        Self { terminal, seen: Vec::new(), read: 0 }
    }

    async fn opened(jail: Jail, request: ExecRequest, first: &str) -> Self {
        let mut screen = Self::open(jail, request);
        screen.until(first).await;
        screen
    }

    fn type_in(&mut self, keys: &str) {
        assert_eq!(self.terminal.type_in(keys.as_bytes()), keys.len(), "there is room");
    }

    /// The end, or nothing if it was output.
    async fn look(&mut self) -> Option<ExecResult> {
        match self.terminal.event().await.expect("the jail works") {
            TerminalEvent::Output(bytes) => {
                assert!(!bytes.is_empty());
                self.seen.extend_from_slice(&bytes);
                self.terminal.credit(bytes.len() as u64);
                None
            }
            TerminalEvent::Exit(result) => Some(result),
        }
    }

    /// Waits for something that was not waited for before.
    async fn until(&mut self, what: &str) {
        let waiting = async {
            loop {
                let rest = &self.seen[self.read..];
                if let Some(at) = rest.windows(what.len()).position(|w| w == what.as_bytes()) {
                    self.read += at + what.len();
                    return;
                }
                let end = self.look().await;
                assert!(end.is_none(), "{end:?} after {}", String::from_utf8_lossy(&self.seen));
            }
        };
        let came = tokio::time::timeout(DEADLINE, waiting).await.is_ok();
        assert!(came, "{what:?} does not come after {:?}", String::from_utf8_lossy(&self.seen[self.read..]));
    }

    async fn end(&mut self) -> ExecResult {
        let ending = async {
            loop {
                if let Some(result) = self.look().await {
                    return result;
                }
            }
        };
        tokio::time::timeout(DEADLINE, ending).await.expect("it ends in time")
    }
}

/// The repository's own languages, without compilers that stay: every container is a jail.
fn site() -> Site {
    let mut site = Site::base();
    site.languages = Languages::read(&repository().join("images")).expect("languages");
    site.config.compilers = 0;
    site
}

async fn gone(site: &Site, container: &str) {
    let waiting = async {
        while site.containers().iter().any(|id| id == container) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.expect("the container goes");
}
