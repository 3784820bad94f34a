//! The REST API: accounts, courses, labs, submissions and their live events.
//!
//! A handler reads: extractors (who asks, what they may) → check → begin → store → commit → answer. Every refusal is
//! an [`error::ApiError`] and goes out as a problem document.

pub mod access;
pub mod app;
pub mod auth;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod extract;
pub mod forward;
pub mod handlers;
mod layers;
pub mod live;
pub mod oidc;
pub mod openapi;
pub mod outbound;
pub mod problem;
pub mod request_id;
pub mod state;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod visibility;
pub mod webhooks;
#[cfg(test)]
mod world;
