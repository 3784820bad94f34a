//! Everything Docker: jails, their warm pool, the workspace and the reaper.
//!
//! A [`Jail`] is one container with the harness as its first process. It is taken from a [`Sandbox`], used for one
//! submission, and destroyed. Only [`docker`] names bollard, and only [`docker::host_config`] says what a jail is.

mod compilers;
pub mod config;
pub mod docker;
pub mod error;
pub mod fitness;
pub mod jail;
pub mod labels;
mod paths;
mod pool;
mod probe;
mod readiness;
mod reaper;
pub mod sandbox;
pub mod toolchain;
pub mod workspace;

pub use config::{DEFAULTS, Resources, SandboxConfig};
pub use error::SandboxError;
pub use iteratione_harness::protocol;
pub use jail::{Execution, Fetched, Jail, Met, Side, Terminal, TerminalEvent, ended_first, join};
pub use protocol::{TERMINAL_INPUT_MOST, TerminalRequest, WindowSize};
pub use sandbox::Sandbox;
