//! The queue worker: a jail, checkers, verdicts and scoring make a grade.
//!
//! One submission's way through this crate: [`worker`] takes it from the queue and claims it, [`jailed`] hands it to
//! [`grading`], which runs it in a jail; [`worker`] records what came out.

pub mod app;
pub mod checkers;
pub mod config;
pub mod grading;
pub mod health;
pub mod jailed;
pub mod verdict;
pub mod worker;

pub use app::App;
pub use config::Config;
pub use iteratione_common::scoring;
