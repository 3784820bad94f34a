//! `iteratione-bench`: see `./iteratione bench`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};
use iteratione_bench::{
    arena::Arena,
    bare, machine,
    plan::{self, Asked, NAMES},
    rejudge,
    report::Report,
    table, targets,
    terminal::{self, Places},
};
use tokio::signal::unix::{SignalKind, signal};

/// Measures jails beside bare processes and beside one container per run.
#[derive(Debug, Parser)]
#[command(name = "iteratione-bench", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Few rounds: about three minutes in all.
    #[arg(long)]
    quick: bool,
    /// Only what has one of these in its name, separated by commas.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds that count, of everything that is measured in rounds.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: Option<u16>,
    /// Writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Folder for what is kept from run to run and what is made meanwhile.
    #[arg(long, default_value = ".local/bench")]
    home: PathBuf,
    /// Folder of the languages.
    #[arg(long, default_value = "images")]
    languages: PathBuf,
    /// The static harness.
    #[arg(long, default_value = "/usr/lib/iteratione/iteratione-harness")]
    harness: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures live terminals instead.
    Terminal(terminal::Asked),
    /// Measures hand-ins beside rejudges instead.
    Rejudge(rejudge::Asked),
    /// Forks bare processes; used by the benchmark itself.
    #[command(hide = true)]
    Bare { root: PathBuf, files: PathBuf },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Some(Command::Bare { root, files }) => bare::serve(root, files),
        Some(Command::Terminal(asked)) => {
            let Arguments { home, languages, harness, .. } = &arguments;
            terminal::run(asked, Places { home, languages, harness })
        }
        Some(Command::Rejudge(asked)) => rejudge::run(asked),
        None => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no runtime")
            .and_then(|runtime| runtime.block_on(bench(&arguments))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("iteratione-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn bench(arguments: &Arguments) -> anyhow::Result<()> {
    let asked =
        Asked { quick: arguments.quick, only: arguments.only.clone(), rounds: arguments.rounds.map(usize::from) };
    ensure!(NAMES.iter().any(|name| asked.wants(name)), "nothing is called so; there are: {}", NAMES.join(", "));
    let mut report = Report { machine: machine::machine(asked.quick).await?, ..Report::default() };
    let arena = Arena::new(&arguments.home, &arguments.languages, &arguments.harness)?;
    let say = |what: &str| eprintln!("    {what}");
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let outcome = tokio::select! {
        outcome = plan::run(&arena, &asked, &mut report, say) => outcome,
        _ = term.recv() => Err(anyhow::anyhow!("stopped by a signal")),
        _ = int.recv() => Err(anyhow::anyhow!("stopped by a signal")),
    };
    let ended = arena.end().await;
    let more = outcome?;
    ended?;
    println!("{}", table::tables(&report));
    let checked = targets::check(&report, &more);
    if !checked.is_empty() {
        println!("\nTargets.\n{}", table::targets(&checked));
    }
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    ensure!(more.failed.is_empty(), "not measured, for the reasons above: {}", more.failed.join(", "));
    Ok(())
}
