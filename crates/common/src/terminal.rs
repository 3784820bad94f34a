//! The messages of a live terminal: what a browser and the runner say to each other as text frames.
//!
//! Binary frames carry raw terminal bytes in both directions. docs/TERMINAL-PROTOCOL.md is the specification.

pub mod ticket;

use serde::{Deserialize, Serialize};

use crate::{diagnostic::Diagnostic, lab::SourceFile};

/// Browser → runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Compile and run. The first message, and again after an `exit`.
    Run(Box<Run>),
    /// Keystrokes as text, instead of a binary frame.
    Stdin {
        /// What was typed.
        data: String,
    },
    /// The window has another size.
    Resize(Size),
    /// So many bytes of the run's output have been shown; counted from its beginning.
    Ack {
        /// Bytes.
        seq: u64,
    },
    /// End the program now.
    Kill,
    /// Go on with a run whose socket broke, instead of a `Run`.
    Resume(Resume),
}

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Id of a language, as `GET /languages` lists them.
    pub language: String,
    /// Flat source files.
    pub files: Vec<SourceFile>,
    /// Which entry point, if there are several.
    #[serde(default)]
    pub main: Option<String>,
    /// Arguments of the program.
    #[serde(default)]
    pub args: Vec<String>,
    /// The window.
    #[serde(flatten)]
    pub size: Size,
    /// How output comes.
    #[serde(default)]
    pub encoding: Encoding,
    /// Whether the client will send `ack`s. Without them what was written to the socket counts as shown.
    #[serde(default)]
    pub acks: bool,
}

/// A run to go on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// As told by `status`.
    pub session: String,
    /// Bytes of output received so far.
    pub seq: u64,
    /// The window, if it may have changed.
    #[serde(default, flatten)]
    pub size: Option<Size>,
    /// As in [`Run`].
    #[serde(default)]
    pub encoding: Encoding,
    /// As in [`Run`].
    #[serde(default)]
    pub acks: bool,
}

/// A window's size in characters, each from 1 to [`Size::MOST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

impl Size {
    /// The most columns, and the most rows.
    pub const MOST: u16 = 1000;

    /// The nearest size that there is.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self { cols: self.cols.clamp(1, Self::MOST), rows: self.rows.clamp(1, Self::MOST) }
    }
}

/// How output comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As binary frames.
    #[default]
    Binary,
    /// As `stdout` messages, never cut inside a character.
    Json,
}

/// Runner → browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// How far a run is.
    Status {
        /// Where it is.
        phase: Phase,
        /// Place in the waiting line, from 1; only while `queued`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u32>,
        /// What to name when resuming: a secret of this run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
    /// What the compiler has to say: errors, before an `exit` with reason `compile`; or warnings.
    Diagnostics {
        /// In the order of the compiler.
        items: Vec<Diagnostic>,
    },
    /// Output as text, if that was asked for.
    Stdout {
        /// What the terminal shows; bytes that are no UTF-8 are replaced.
        data: String,
        /// Bytes of the run's output so far, this included.
        seq: u64,
    },
    /// The run goes on; its output continues at `seq`.
    Resumed {
        /// The run.
        session: String,
        /// The next byte of output is this one, counted from 0.
        seq: u64,
        /// Bytes before it that were not kept.
        missed: u64,
    },
    /// The run is over: always its last message.
    Exit(Exit),
    /// Something to know that ends nothing.
    Notice {
        /// Stable: `restarting`, `input_dropped`.
        code: String,
        /// For people.
        message: String,
    },
    /// What was asked for is refused, or went wrong on our side.
    Error {
        /// Stable.
        code: String,
        /// For people: what happened, and what to do.
        message: String,
        /// Seconds after which it may be tried again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waiting for its turn.
    Queued,
    /// Being compiled.
    Compiling,
    /// Running.
    Running,
}

/// How a run ended, and what it used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit status, if it exited.
    pub code: Option<i32>,
    /// Signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Why it ended.
    pub reason: Reason,
    /// Elapsed milliseconds.
    pub wall_ms: u64,
    /// User + system milliseconds of all its processes.
    pub cpu_ms: u64,
    /// Peak memory in KiB.
    pub memory_kb: u64,
    /// One sentence for people, where the reason alone does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// By itself: see `code` and `signal`.
    Exited,
    /// By a `kill`, the end of the grace after a broken socket, or the end of the runner.
    Killed,
    /// Its CPU time was used up.
    Cpu,
    /// The watchdog's time was over.
    Wall,
    /// Nothing was typed and nothing printed for too long.
    Idle,
    /// The jail's memory was full.
    Memory,
    /// It printed too much.
    Output,
    /// It does not compile, or there is nothing to start.
    Compile,
    /// Something of ours broke: not the program's fault.
    Internal,
}

/// Why the runner closes a socket (4000 and up are ours, see RFC 6455 §7.4.2).
pub mod close {
    /// All is done.
    pub const NORMAL: u16 = 1000;
    /// The runner is restarting: connect again.
    pub const RESTARTING: u16 = 1012;
    /// The ticket is not valid, has expired or was used.
    pub const UNAUTHENTICATED: u16 = 4001;
    /// What was said is not of this protocol, or too large.
    pub const PROTOCOL: u16 = 4002;
    /// No such run for this account.
    pub const NO_SESSION: u16 = 4004;
    /// Nothing was said for too long, or the pings were not answered.
    pub const IDLE: u16 = 4008;
    /// Another socket has this run.
    pub const CONFLICT: u16 = 4009;
    /// Too much is going on: see `retry_after`.
    pub const BUSY: u16 = 4029;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json, to_value};

    use super::*;

    fn understood(message: Value) -> ClientMessage {
        from_value(message).expect("a message of the contract")
    }

    #[test]
    fn a_run_needs_no_more_than_the_contract_says() {
        let ClientMessage::Run(run) = understood(json!({"type": "run", "language": "java",
            "files": [{"name": "Main.java", "content": "…"}], "main": null, "cols": 80, "rows": 24}))
        else {
            panic!("not a run")
        };
        assert_eq!((run.language.as_str(), run.files.len(), run.main), ("java", 1, None));
        assert_eq!((run.size, run.encoding, run.acks), (Size { cols: 80, rows: 24 }, Encoding::Binary, false));
    }

    #[test]
    fn every_message_of_a_browser_is_understood() {
        assert_eq!(understood(json!({"type": "stdin", "data": "x"})), ClientMessage::Stdin { data: "x".to_owned() });
        let size = Size { cols: 132, rows: 50 };
        assert_eq!(understood(json!({"type": "resize", "cols": 132, "rows": 50})), ClientMessage::Resize(size));
        assert_eq!(understood(json!({"type": "kill"})), ClientMessage::Kill);
        assert_eq!(understood(json!({"type": "ack", "seq": 7})), ClientMessage::Ack { seq: 7 });
        let resume = |message| match understood(message) {
            ClientMessage::Resume(resume) => resume,
            other => panic!("{other:?}"),
        };
        assert_eq!(resume(json!({"type": "resume", "session": "s", "seq": 9})).size, None);
        assert_eq!(
            resume(json!({"type": "resume", "session": "s", "seq": 9, "cols": 132, "rows": 50})).size,
            Some(size)
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bad in [
            json!({}),
            json!({"type": "sudo"}),
            json!({"type": "run"}),
            json!({"type": "resize", "cols": -1, "rows": 3}),
            json!({"type": "resize", "cols": 70000, "rows": 3}),
            json!({"type": "ack", "seq": 1.5}),
            json!([1]),
        ] {
            assert!(from_value::<ClientMessage>(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_browser_gets_what_the_contract_says() {
        let status = |phase, position, session: Option<&str>| {
            to_value(ServerMessage::Status { phase, position, session: session.map(str::to_owned) }).expect("JSON")
        };
        assert_eq!(status(Phase::Queued, Some(3), None), json!({"type": "status", "phase": "queued", "position": 3}));
        assert_eq!(
            status(Phase::Running, None, Some("abc")),
            json!({"type": "status", "phase": "running", "session": "abc"})
        );
        let exit = Exit {
            code: Some(0),
            signal: None,
            reason: Reason::Exited,
            wall_ms: 420,
            cpu_ms: 61,
            memory_kb: 38_000,
            message: None,
        };
        assert_eq!(
            to_value(ServerMessage::Exit(exit)).expect("JSON"),
            json!({"type": "exit", "code": 0, "signal": null, "reason": "exited", "wall_ms": 420, "cpu_ms": 61,
                "memory_kb": 38000})
        );
        let stdout = ServerMessage::Stdout { data: "é".to_owned(), seq: 2 };
        assert_eq!(to_value(stdout).expect("JSON"), json!({"type": "stdout", "data": "é", "seq": 2}));
    }

    #[test]
    fn a_window_always_has_a_size() {
        assert_eq!(Size { cols: 0, rows: 60_000 }.clamped(), Size { cols: 1, rows: 1000 });
    }
}
