//! The wire protocol between a service and the harness, the first process of every jail.
//!
//! The specification for people is `docs/HARNESS-PROTOCOL.md`. Both ends use these types, so that they cannot
//! disagree. Nothing here trusts the other end: lengths are capped before a byte is allocated.

pub mod frame;
pub mod protocol;
