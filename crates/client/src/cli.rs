//! `iteratione-run`: runs a program in a jail, with this terminal as its terminal.
//!
//! Besides the one task there are two threads, because files of a terminal block: [`keyboard`] reads standard input,
//! [`screen`] writes standard output. Both end with the process.

mod account;
mod arguments;
mod keyboard;
mod play;
mod raw;
mod screen;
mod sources;
mod words;

use std::process::ExitCode;

use anyhow::Context as _;
use iteratione_common::terminal::{Encoding, Run};

use self::{account::Account, screen::Screen};
pub use self::{account::ask_password, arguments::Arguments, words::harmless};
use crate::{Connector, Session};

/// Exit status when something of ours went wrong, as `env`, `nohup` and `docker run` have it.
const FAILED: u8 = 125;

/// Runs what the arguments name; the exit status is the program's, as a shell tells it.
pub async fn main(arguments: &Arguments) -> ExitCode {
    let screen = Screen::new(arguments.quiet);
    match run(arguments, screen).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            raw::restore();
            eprintln!("iteratione-run: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

async fn run(arguments: &Arguments, mut screen: Screen) -> anyhow::Result<u8> {
    let account = Account::new(arguments)?;
    let languages = account.languages().await?;
    let program = sources::gather(&arguments.paths, arguments.language.as_deref(), &languages)?;
    for name in &program.left_out {
        screen.note(&format!("{name} is left out: it is not {}", program.language));
    }
    account.sign_in(arguments.email.as_deref()).await?;
    let connector = Connector { http: account.http.clone(), api: account.api.clone(), auth: account.auth.clone() };
    let run = Run {
        language: program.language,
        files: program.files,
        main: arguments.main.clone(),
        args: arguments.arguments.clone(),
        size: raw::window(),
        encoding: Encoding::Binary,
        acks: true,
    };
    let played = match Session::start(connector, run).await.context("the program was not started") {
        Ok(session) => play::play(session, &mut screen).await,
        Err(error) => Err(error),
    };
    account.sign_out().await;
    played
}
