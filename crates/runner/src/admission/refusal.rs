//! Why somebody may not run.

use std::time::Duration;

use iteratione_common::terminal::close;

use super::line::Closed;

/// What a client is told who may not run: an `error` message, then the socket is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable.
    pub code: &'static str,
    /// For people: what happened, and what to do.
    pub message: String,
    /// After this it may be tried again.
    pub retry_after: Option<Duration>,
    /// How the socket is closed; `None` leaves it open for another try.
    pub close: Option<u16>,
}

impl Refusal {
    /// The service ends.
    pub fn restarting() -> Self {
        Self {
            code: "restarting",
            message: "The terminal service is being restarted: connect again in a few seconds.".to_owned(),
            retry_after: Some(Duration::from_secs(2)),
            close: Some(close::RESTARTING),
        }
    }

    /// The account has all the sessions that it may have.
    pub fn account_full(limit: u32) -> Self {
        let message = if limit == 1 {
            "You already have a running program: end it, or wait until it has ended, then run again.".to_owned()
        } else {
            format!("You already have {limit} running programs: end one of them, then run again.")
        };
        Self { code: "too_many_sessions", message, retry_after: Some(Duration::from_secs(5)), close: Some(close::BUSY) }
    }

    /// The line is full.
    pub fn busy() -> Self {
        Self {
            code: "busy",
            message: "Too many people are waiting for a terminal: try again in half a minute.".to_owned(),
            retry_after: Some(Duration::from_secs(30)),
            close: Some(close::BUSY),
        }
    }

    /// Redis does not answer, so nothing new can begin.
    pub fn unavailable() -> Self {
        Self {
            code: "unavailable",
            message: "No terminal can be opened just now: try again in a few seconds.".to_owned(),
            retry_after: Some(Duration::from_secs(5)),
            close: Some(close::BUSY),
        }
    }

    pub(super) fn closed(closed: Closed) -> Self {
        match closed {
            Closed::Full => Self::busy(),
            Closed::ForGood => Self::restarting(),
        }
    }
}
