//! The first process of every jail. See `docs/HARNESS-PROTOCOL.md`.
//!
//! `iteratione-harness` serves the protocol on its standard streams and must be PID 1 of a container;
//! `iteratione-harness probe FILE` prints a file, for the proof that a folder is the one that it should be;
//! `iteratione-harness --version` says what it is.

mod cgroup;
mod clean;
mod fetch;
mod identity;
mod job;
mod meter;
mod probe;
mod put;
mod resident;
mod server;
mod spawn;
mod streams;
mod sys;
mod wire;

use std::process::ExitCode;

use iteratione_harness::protocol::PROTOCOL_VERSION;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next().as_deref().and_then(std::ffi::OsStr::to_str), arguments.next(), arguments.next()) {
        (None, None, None) => server::main(),
        (Some("probe"), Some(file), None) => probe::main(&file),
        (Some("--version"), None, None) => {
            println!("iteratione-harness {} (protocol {PROTOCOL_VERSION})", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: iteratione-harness [probe FILE | --version]");
            ExitCode::from(2)
        }
    }
}
