//! `itr`: the instructors' command line.

use std::process::ExitCode;

use clap::Parser as _;
use iteratione_itr::{Arguments, main as run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(Arguments::parse()).await
}
