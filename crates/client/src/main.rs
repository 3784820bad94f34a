//! `iteratione-run`: runs a program in a jail, with this terminal as its terminal.

use std::process::ExitCode;

use clap::Parser as _;
use iteratione_client::cli::{self, Arguments};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    cli::main(&Arguments::parse()).await
}
