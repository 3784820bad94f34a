//! What the black-box tests stand on: a private installation for each test, clients, programs, and the proof that
//! nothing was left behind.
//!
//! [`stack::with_stack`] is the way in. Everything here fails by panicking, because only tests use it.

pub mod classroom;
pub mod console;
pub mod database;
pub mod host;
pub mod labs;
pub mod leftovers;
pub mod observer;
pub mod programs;
pub mod proxy;
pub mod redis_server;
pub mod service;
pub mod settings;
pub mod spy;
pub mod stack;
pub mod statistics;
pub mod turn;
pub mod wait;

pub use iteratione_demo::client::{Answer, Client, Events};
