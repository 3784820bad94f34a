//! What the services share: domain types, configuration, telemetry, the PostgreSQL store, the Redis queue and events.
//!
//! It knows neither Docker nor HTTP handlers. Only [`store`] names sqlx, only [`queue`], [`events`] and
//! [`runs`] name redis.

pub mod archive;
pub mod config;
pub mod diagnostic;
pub mod events;
pub mod gate;
pub mod ids;
pub mod lab;
pub mod language;
pub mod lifecycle;
pub mod problem;
pub mod queue;
pub mod rescore;
pub mod runs;
pub mod scoring;
pub mod sources;
pub mod store;
pub mod submission;
pub mod telemetry;
pub mod terminal;
pub mod verdict;
