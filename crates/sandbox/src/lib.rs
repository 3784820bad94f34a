//! Everything Docker: jails, their warm pool, the workspace and the reaper.
//!
//! A [`Jail`] is one container with the harness as its first process. It is taken from a [`Sandbox`], used for one
//! submission, and destroyed. Only [`docker`] names bollard.

pub mod config;
pub mod error;
pub mod jail;
pub mod sandbox;

pub use config::{Resources, SandboxConfig};
pub use error::SandboxError;
pub use iteratione_harness::protocol;
pub use jail::{Execution, Fetched, Jail};
pub use sandbox::Sandbox;
