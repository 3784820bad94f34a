//! What a run waits for, from its place in the line to its end.

use std::{future::Future, pin::Pin, time::Duration};

use iteratione_common::terminal::Reason;
use iteratione_sandbox::{Jail, SandboxError, Terminal, TerminalEvent, toolchain::Build};
use tokio::time::Instant;

use crate::admission::{Permit, Refusal, Turn, Waiting};

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What is under way. Dropping it at any point frees everything.
pub enum Work {
    /// Getting into the line.
    Joining(Later<Result<Waiting, Refusal>>),
    /// In the line.
    Waiting(Waiting),
    /// Getting a jail and compiling.
    Building(Permit, Later<Result<(Build, Option<Jail>), SandboxError>>),
    /// A program on its terminal.
    Running(Box<Running>),
    /// The jail is lost; finding out whether of its memory limit.
    Lost(#[expect(dead_code, reason = "held until the jail is gone")] Permit, Later<bool>),
    /// Nothing any more.
    Over,
}

/// A program on its terminal.
pub struct Running {
    pub terminal: Terminal,
    /// Freed with the jail.
    pub permit: Permit,
    pub began: Instant,
    /// The last input or output.
    pub active: Instant,
    /// When the CPU period is to be changed.
    pub pace_at: Option<Instant>,
    pub pacing: Option<Later<Result<(), SandboxError>>>,
    /// Why it is being ended, if it is.
    pub ending: Option<Reason>,
    /// The jail is destroyed then, whatever it says.
    pub end_by: Instant,
    /// The client was told that input is thrown away.
    pub overflows: bool,
    /// Until the first output.
    pub silent: bool,
}

/// What became of it.
pub enum WorkEvent {
    Joined(Result<Waiting, Refusal>),
    Turn(Turn),
    Built(Result<Box<(Build, Option<Jail>)>, SandboxError>),
    Terminal(Result<TerminalEvent, SandboxError>),
    Paced(Result<(), SandboxError>),
    /// Whether it died of its memory limit.
    Examined(bool),
}

impl Work {
    /// What happens next. Cancel-safe: what is under way goes on with the next call.
    pub async fn event(&mut self) -> WorkEvent {
        match self {
            Self::Joining(joining) => WorkEvent::Joined(joining.await),
            Self::Waiting(waiting) => WorkEvent::Turn(waiting.next().await),
            Self::Building(_, building) => WorkEvent::Built(building.await.map(Box::new)),
            Self::Running(running) => {
                let Running { terminal, pacing, .. } = &mut **running;
                tokio::select! {
                    event = terminal.event() => WorkEvent::Terminal(event),
                    Some(paced) = maybe(pacing) => WorkEvent::Paced(paced),
                }
            }
            Self::Lost(_, examining) => WorkEvent::Examined(examining.await),
            Self::Over => std::future::pending().await,
        }
    }

    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

impl Running {
    /// Ends it for a reason; the first one counts.
    pub fn kill(&mut self, reason: Reason, patience: Duration) {
        if self.ending.is_none() {
            self.ending = Some(reason);
            self.terminal.kill();
            self.end_by = self.end_by.min(Instant::now() + patience);
        }
    }
}

/// `None` at once, if there is nothing to wait for.
async fn maybe<T>(later: &mut Option<Later<T>>) -> Option<T> {
    match later {
        Some(later) => Some(later.await),
        None => None,
    }
}
