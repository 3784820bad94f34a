//! How every service takes connections: the accept loop of its public port, and the private one of health and metrics.

pub mod health;
mod serve;

pub use serve::{Bounds, Place, serve};
