//! The runner's command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use iteratione_common::{config::process_environment, telemetry};
use iteratione_runner::{App, Config, health};

/// Live terminals: takes a WebSocket with a ticket, runs what it sends in a jail, and passes the keystrokes and the output.
#[derive(Parser)]
#[command(name = "iteratione-runner", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to stop (the default).
    Run,
    /// Print the effective settings, secrets masked.
    Config,
    /// Succeed if the runner of these settings is ready.
    Healthcheck,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command.unwrap_or(Command::Run)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("iteratione-runner: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let environment = process_environment();
    match command {
        Command::Config => print!("{}", Config::effective(&environment)?),
        Command::Healthcheck => health::check(Config::load(&environment)?.runner.metrics_listen).await?,
        Command::Run => {
            let config = Config::load(&environment)?;
            telemetry::init_logs(&config.log)?;
            App::build(config).await?.run().await?;
        }
    }
    Ok(())
}
