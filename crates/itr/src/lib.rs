//! `itr`, the instructors' command line: labs from folders, the publish gate, grades, submissions and rejudging, all of it
//! over the REST API.
//!
//! * [`Arguments`] is the command line; each command has a module of its own.
//! * [`session`] knows who asks whom; `judge` is the API as far as it is used here.
//! * [`folder`] makes a lab of a folder: a package as it is, or a document with its files beside it.
//! * [`output`] is all that is printed: tables for people, JSON for scripts.
//!
//! The exit status is 0 if all is well, 1 if the judge found something wrong with what it was given, 2 if it could not be
//! asked.

mod arguments;
mod courses;
pub mod folder;
mod grades;
mod judge;
mod lab;
mod login;
pub mod output;
mod rejudge;
mod roster;
pub mod session;
mod submissions;
mod terms;

use std::process::ExitCode;

pub use self::arguments::Arguments;
use self::{
    arguments::{Command, LabCommand, RejudgeCommand, RosterCommand},
    judge::Judge,
    output::Output,
    session::Settings,
};

/// What a command that could be carried out has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Good,
    /// Something is wrong with what the judge was given; it was printed.
    Bad,
}

impl Outcome {
    fn of(good: bool) -> Self {
        if good { Self::Good } else { Self::Bad }
    }
}

/// Does what the arguments say.
pub async fn main(arguments: Arguments) -> ExitCode {
    let output = Output::new(arguments.json);
    match perform(arguments, &output).await {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::from(1),
        Err(error) => {
            output.failure(&error);
            ExitCode::from(2)
        }
    }
}

async fn perform(arguments: Arguments, output: &Output) -> anyhow::Result<Outcome> {
    let settings = Settings::read(arguments.url)?;
    let judge = || Judge::signed_in(&settings);
    match arguments.command {
        Command::Login(login) => login::login(settings, login, output).await,
        Command::Logout => login::logout(settings, output).await,
        Command::Whoami => login::whoami(&judge()?, output).await,
        Command::Courses => courses::list(&judge()?, output).await,
        Command::Roster(RosterCommand::Import(import)) => roster::import(&judge()?, &import, output).await,
        Command::Lab(command) => {
            let judge = judge()?;
            match command {
                LabCommand::Push(push) => lab::push(&judge, &settings, &push, output).await,
                LabCommand::Verify(verify) => lab::verify(&judge, &verify, output).await,
                LabCommand::Publish(publish) => lab::publish(&judge, &publish, output).await,
                LabCommand::Status(status) => lab::status(&judge, &status.lab, output).await,
                LabCommand::Pull(pull) => lab::pull(&judge, &pull, output).await,
            }
        }
        Command::Grades(grades) => grades::show(&judge()?, &grades, output).await,
        Command::Submissions(wanted) => submissions::list(&judge()?, &wanted, output).await,
        Command::Rejudge(command) => {
            let judge = judge()?;
            match command {
                RejudgeCommand::Preview(preview) => rejudge::preview(&judge, &preview, output).await,
                RejudgeCommand::Show { id } => rejudge::show(&judge, &id, output).await,
                RejudgeCommand::Apply { id } => rejudge::decide(&judge, &id, "apply", output).await,
                RejudgeCommand::Cancel { id } => rejudge::decide(&judge, &id, "cancel", output).await,
            }
        }
    }
}
