//! Seeds the demo course over REST, submits real programs and prints their grades; then runs two at a terminal and types
//! into them. The exit code says whether all went as it should.

use std::process::ExitCode;

use clap::Parser;
use iteratione_demo::{course, run, table, talk};
use serde_json::json;

/// Seeds the demo course and shows how its programs are graded.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the API is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Print all of it as JSON.
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
    let talks = talk::all(&course).await?;
    if arguments.json {
        print!("{}", table::json(&json!({"programs": rows, "terminals": talks}))?);
    } else {
        print!("{}\n{}", table::text(&rows), table::talks(&talks));
    }
    Ok(rows.iter().all(run::Row::is_right) && talks.iter().all(talk::Talk::is_right))
}
