//! Seeds the demo course over REST, submits real programs and prints their grades. The exit code says whether each was
//! graded as it should be.

use std::process::ExitCode;

use clap::Parser;
use iteratione_demo::{course, run, table};

/// Seeds the demo course and shows how its programs are graded.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the API is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Print the grades as JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match demo(&arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("iteratione-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(arguments: &Arguments) -> anyhow::Result<bool> {
    let course = course::prepare(&arguments.url).await?;
    let rows = run::all(&course).await?;
    print!("{}", if arguments.json { table::json(&rows)? } else { table::text(&rows) });
    Ok(rows.iter().all(run::Row::is_right))
}
