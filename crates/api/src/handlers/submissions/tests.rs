//! Submissions through the router, against a real PostgreSQL and a real Redis.

mod client;
mod events;
mod exports;
mod faults;
mod see;
