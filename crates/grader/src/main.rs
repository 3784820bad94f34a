//! The grader's command line.

use std::{path::Path, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use iteratione_common::{config::process_environment, telemetry};
use iteratione_grader::{App, Config, health};
use iteratione_sandbox::{docker::Docker, fitness};

/// Grades submissions: takes jobs from the queue, runs them in jails, records the grades.
#[derive(Parser)]
#[command(name = "iteratione-grader", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Grade until told to stop (the default).
    Run,
    /// Print the effective settings, secrets masked.
    Config,
    /// Succeed if the grader of these settings is ready.
    Healthcheck,
    /// Print whether this machine is fit to measure programs, and what to do if not.
    Fitness,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command.unwrap_or(Command::Run)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("iteratione-grader: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let environment = process_environment();
    match command {
        Command::Config => print!("{}", Config::effective(&environment)?),
        Command::Healthcheck => health::check(Config::load(&environment)?.grader.metrics_listen).await?,
        Command::Fitness => {
            let sandbox = Config::load(&environment)?.sandbox;
            let engine =
                Docker::connect(&sandbox.docker_host, Duration::from_millis(sandbox.docker_ms)).await?.engine().await?;
            print!("{}", fitness::text(&fitness::observe(Path::new("/"), &engine, &sandbox.runtime)));
        }
        Command::Run => {
            let config = Config::load(&environment)?;
            telemetry::init_logs(&config.log)?;
            App::build(config).await?.run().await?;
        }
    }
    Ok(())
}
