//! The live terminal: a WebSocket on one side, a jailed program on its terminal on the other.
//!
//! A socket comes with a ticket, is admitted, and one task owns it and its program to the end: see [`router`]. Who may run
//! when, [`admission`] says; the service around it is [`App`].

pub mod admission;
mod app;
pub mod config;
pub mod health;
pub mod metrics;
mod outbox;
pub mod registry;
mod ring;
pub mod router;
mod session;
mod socket;

use iteratione_common::{lifecycle::Lifecycle, runs::Runs, terminal::ticket::TicketKey};
use iteratione_sandbox::Sandbox;

use self::{admission::Admission, registry::Registry};
pub use self::{
    app::App,
    config::{Config, RunnerConfig},
};

/// What a session needs. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Jails.
    pub sandbox: Sandbox,
    /// Who may run when.
    pub admission: Admission,
    /// What all runners know together.
    pub runs: Runs,
    /// What tickets are checked by.
    pub key: TicketKey,
    /// Limits and times.
    pub config: RunnerConfig,
    /// The service's end.
    pub lifecycle: Lifecycle,
    /// The sessions of this runner.
    pub registry: Registry,
}
