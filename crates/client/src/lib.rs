//! A client of the live terminal (docs/TERMINAL-PROTOCOL.md): the protocol as a library, and `iteratione-run` for
//! people, tests and load.
//!
//! * [`Terminal`] is one connection and hides nothing: no acknowledgement, no second try.
//! * [`Session`] is one run on as many connections as it takes: it acknowledges what was received, so that a program is
//!   never faster than its reader, and resumes after a broken connection.
//! * [`rest`] is the REST API, for `itr`.
//! * [`cli`] is the program `iteratione-run`.

pub mod cli;
pub mod error;
pub mod http;
pub mod rest;
pub mod session;
pub mod terminal;
pub mod ticket;

pub use error::ClientError;
pub use session::{Connector, Session, Update};
pub use terminal::{Event, Terminal};
pub use ticket::{Auth, RunTicket};
