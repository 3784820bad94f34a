//! The command line.

mod healthcheck;
mod seed_demo;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use iteratione_common::{config as common_config, telemetry};

use crate::{
    app::{self, App},
    config::{Config, DEFAULTS},
};

/// REST API of Iteratione. Settings come from the environment: see `iteratione-api config`.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Migrate the database and serve (the default).
    Run,
    /// Print the effective settings, secrets masked.
    Config,
    /// Ask the running service whether it is ready; the exit code says.
    Healthcheck,
    /// Make the demo's accounts; in dev only.
    SeedDemo,
    /// Print the OpenAPI document.
    Openapi,
}

/// Runs the program to its end.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Run);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime");
    match runtime.and_then(|runtime| runtime.block_on(perform(command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("iteratione-api: {e:#}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(command: Command) -> anyhow::Result<()> {
    let environment = common_config::process_environment();
    match command {
        Command::Run => {
            let config = Config::load(&environment)?;
            telemetry::init_logs(&config.log)?;
            App::build(config).await?.run().await
        }
        Command::Config => print(&common_config::effective(DEFAULTS, &environment, &common_config::SECTIONS)?),
        Command::Healthcheck => healthcheck::ask(Config::load(&environment)?.api.listen).await,
        Command::SeedDemo => seed_demo::seed(Config::load(&environment)?).await,
        Command::Openapi => print(&document_text()?),
    }
}

/// The OpenAPI document as it is kept in `docs/openapi.json`.
pub fn document_text() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&app::document())? + "\n")
}

fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(text.as_bytes()).context("cannot write")
}
