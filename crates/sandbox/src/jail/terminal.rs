//! A program on a terminal, while somebody sits at it.
//!
//! No task and no channel: the one who owns a [`Terminal`] says what is to be said and asks for the next event in a loop
//! of his own. Whatever he wants said goes out with the next [`Terminal::event`], as much as the jail takes at once, and
//! the rest while he waits.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Jail, conversation::unexpected};
use crate::{
    SandboxError,
    protocol::{ExecRequest, ExecResult, FromHarness, ToHarness, WindowSize},
};

mod outbox;

use outbox::Outbox;

/// What programs are told they write to, unless the request says otherwise.
const TERM: &str = "xterm-256color";
/// After a failed write, the time to find out why from what can still be read.
const CAUSE: Duration = Duration::from_secs(1);

/// A jail with a program on a terminal. Dropping it destroys the jail, as dropping a [`Jail`] does.
#[derive(Debug)]
pub struct Terminal {
    jail: Jail,
    outbox: Outbox,
    /// Bytes that may still come before more are asked for.
    window: u64,
    /// Bytes that may still come at all.
    allowed: u64,
    /// Nothing can be said any more; what is left to read may tell why, until then.
    unheard: Option<(SandboxError, Instant)>,
    /// What every further question is answered with.
    over: Option<SandboxError>,
}

/// What a terminal does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalEvent {
    /// The program's output, cut anywhere.
    Output(Bytes),
    /// The program has ended, and this was all of its output. The last event.
    Exit(ExecResult),
}

impl Terminal {
    pub(super) fn open(mut jail: Jail, mut request: ExecRequest) -> Result<Self, SandboxError> {
        let Some(terminal) = request.terminal else {
            return Err(SandboxError::Protocol("a terminal was to be opened that nobody asked for".to_owned()));
        };
        jail.fit(&mut request);
        request.env.entry("TERM".to_owned()).or_insert_with(|| TERM.to_owned());
        // For good: there is no telling where in the stream its owner leaves it.
        jail.begin()?;
        let allowed = request.limits.output_bytes;
        jail.link.writer.gather(&ToHarness::Exec(request))?;
        Ok(Self { jail, outbox: Outbox::default(), window: terminal.window, allowed, unheard: None, over: None })
    }

    /// Writes what waits to be said and gives what comes next. Cancel-safe: nothing is lost or said twice if the future
    /// is dropped at any point. An error is for good, and so is the end: each further call says the same.
    pub async fn event(&mut self) -> Result<TerminalEvent, SandboxError> {
        if let Some(error) = &self.over {
            return Err(error.clone());
        }
        let outcome = self.next().await;
        self.over = match &outcome {
            Ok(TerminalEvent::Output(_)) => None,
            Ok(TerminalEvent::Exit(_)) => Some(SandboxError::JailLost("its program has ended".to_owned())),
            Err(error) => Some(error.clone()),
        };
        outcome
    }

    /// Keystrokes for the program, as bytes for the line discipline: control characters and all. Gives back how many
    /// were accepted; at most `TERMINAL_INPUT_MOST` bytes may be on their way to the program.
    #[must_use = "what was not accepted is lost"]
    pub fn type_in(&mut self, bytes: &[u8]) -> usize {
        if self.over.is_some() { 0 } else { self.outbox.type_in(bytes) }
    }

    /// The window has another size now. Of several that could not be said yet only the last is.
    pub fn resize(&mut self, size: WindowSize) {
        self.outbox.resize(size);
    }

    /// So many more bytes of output may come, on top of the request's window and what was granted before.
    pub fn credit(&mut self, bytes: u64) {
        self.window = self.window.saturating_add(bytes);
        self.outbox.credit(bytes);
    }

    /// Kills the program and all that it started. The end comes as an event, after the output that is still there: it
    /// needs credit as all output does.
    pub fn kill(&mut self) {
        self.outbox.kill();
    }

    /// Deals the jail's share of the CPUs out in other periods, of 1 to 1000 ms, see [`Jail::set_cpu_period`]. It has
    /// nothing to do with [`Terminal::event`] and may be awaited beside it.
    pub fn pace(&self, period: Duration) -> impl Future<Output = Result<(), SandboxError>> + Send + use<> {
        let (docker, container) = (self.jail.docker.clone(), self.jail.container.clone());
        let resources = self.jail.resources;
        async move { docker.update(&container, resources, period).await }
    }

    /// Whether Docker saw the jail, which has just been lost, die of its memory limit.
    pub async fn died_of_memory(&self) -> bool {
        self.jail.died_of_memory().await
    }

    /// Docker's id of the container.
    pub fn container_id(&self) -> &str {
        self.jail.container_id()
    }

    /// As dropping, but waits for the removal.
    pub async fn destroy(self) {
        self.jail.destroy().await;
    }

    async fn next(&mut self) -> Result<TerminalEvent, SandboxError> {
        loop {
            self.say();
            let link = &mut self.jail.link;
            if let Some(frame) = link.reader.decoded()? {
                match self.heard(frame)? {
                    Some(event) => return Ok(event),
                    None => continue,
                }
            }
            let muffled = self.unheard.is_none() && !link.writer.is_empty();
            let (failed, until) = match &self.unheard {
                Some((error, until)) => (Some(error), *until),
                None => (None, Instant::now()),
            };
            tokio::select! {
                filled = link.reader.fill() => filled?,
                // What went wrong shows when it is tried again.
                _ = link.writer.writable(), if muffled => {}
                () = tokio::time::sleep_until(until), if failed.is_some() => {
                    return Err(failed.cloned().unwrap_or(SandboxError::Timeout("finding out why a jail was lost")));
                }
            }
        }
    }

    /// Says as much as goes without waiting.
    fn say(&mut self) {
        if self.unheard.is_some() {
            return;
        }
        let writer = &mut self.jail.link.writer;
        let said = loop {
            match writer.try_flush() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            let Some(message) = self.outbox.next() else { break Ok(()) };
            if let Err(error) = writer.gather(&message) {
                break Err(error);
            }
        };
        self.unheard = said.err().map(|error| (error, Instant::now() + CAUSE));
    }

    /// A frame that is an event, or only moves the accounts.
    fn heard(&mut self, frame: FromHarness) -> Result<Option<TerminalEvent>, SandboxError> {
        match frame {
            FromHarness::Stdout(bytes) => {
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                (self.window, self.allowed) =
                    self.window.checked_sub(length).zip(self.allowed.checked_sub(length)).ok_or_else(|| {
                        SandboxError::Protocol("it passed on more output than it was given room for".to_owned())
                    })?;
                Ok((!bytes.is_empty()).then(|| TerminalEvent::Output(Bytes::from(bytes))))
            }
            FromHarness::Taken(taken) => self.outbox.taken(taken).map(|()| None),
            FromHarness::Exit(result) => Ok(Some(TerminalEvent::Exit(result))),
            other => Err(unexpected("Stdout, Taken or Exit", &other)),
        }
    }
}
