//! What can go wrong between this client and the judge.

use std::{io, time::Duration};

/// Why something did not work.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An address that is none, or of a kind that this client cannot call.
    #[error("{0} is no address that this client can call: it begins with http:// or ws://")]
    Address(String),
    /// Nobody answers.
    #[error("no connection to {host}: {source}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// No answer in time.
    #[error("no answer from {host} within {} s", within.as_secs())]
    Late {
        /// Host and port, or what was asked.
        host: String,
        /// The deadline.
        within: Duration,
    },
    /// The judge answered with a problem instead of what was asked for.
    #[error("{detail} (HTTP {status}, {code})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code of the problem document; empty if the answer was none.
        code: String,
        /// For people.
        detail: String,
        /// When it may be tried again.
        retry_after: Option<Duration>,
    },
    /// The runner said no.
    #[error("{message}")]
    Runner {
        /// Stable.
        code: String,
        /// For people: what happened, and what to do.
        message: String,
        /// When it may be tried again.
        retry_after: Option<Duration>,
    },
    /// An HTTP request that did not come through.
    #[error("the request failed: {0}")]
    Http(#[from] reqwest::Error),
    /// An answer of another shape than the contract's.
    #[error("an answer that makes no sense: {0}")]
    Garbled(String),
    /// The connection, as a WebSocket.
    #[error("the connection failed: {0}")]
    Socket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// The connection is closed already.
    #[error("the connection is closed")]
    Closed,
    /// The run could not be resumed: it is gone, or there was no way back to it in time.
    #[error("the connection to the program was lost: {0}")]
    Lost(String),
}

impl ClientError {
    /// Whether the same may work a little later: the judge is away, restarting, or busy.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Late { .. } | Self::Socket(_) | Self::Closed => true,
            Self::Http(error) => !error.is_builder() && !error.is_decode(),
            Self::Refused { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Runner { retry_after, .. } => retry_after.is_some(),
            Self::Address(_) | Self::Garbled(_) | Self::Lost(_) => false,
        }
    }

    /// How long the judge asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } | Self::Runner { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for ClientError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}
