//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Labs, grades and rejudging for instructors, over the judge's REST API.
///
/// Begin with `itr login URL`. The exit status is 0 if all is well, 1 if the judge found something wrong with what it was
/// given (a lab with errors, a solution that does not get what it claims), 2 if it could not be asked.
#[derive(Debug, Parser)]
#[command(name = "itr", version)]
pub struct Arguments {
    /// The judge to ask, instead of the one that was signed in to; also ITR_URL.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Print the judge's answer as JSON, for scripts.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in: a token is made and kept in the configuration folder.
    Login(Login),
    /// Forget the token, and end it.
    Logout,
    /// Who is signed in, and where.
    Whoami,
    /// Your courses.
    Courses,
    /// Who is in a course.
    #[command(subcommand)]
    Roster(RosterCommand),
    /// Labs: from a folder to the students.
    #[command(subcommand)]
    Lab(LabCommand),
    /// The gradebook of a course.
    Grades(Grades),
    /// What was handed in to a lab, newest first.
    Submissions(Submissions),
    /// Grade again what was handed in: first to look at, then for good.
    #[command(subcommand)]
    Rejudge(RejudgeCommand),
}

/// `itr login`
#[derive(Debug, Args)]
pub struct Login {
    /// Where the judge is, e.g. http://judge.example.edu.
    #[arg(value_name = "URL")]
    pub judge: String,
    /// Your address; asked for unless given.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "token")]
    pub email: Option<String>,
    /// Use this API token instead of a password; without a value it is asked for, or read from standard input.
    #[arg(long, value_name = "TOKEN", num_args = 0..=1, default_missing_value = "")]
    pub token: Option<String>,
}

/// `itr roster …`
#[derive(Debug, Subcommand)]
pub enum RosterCommand {
    /// Add people to a course, or change their roles.
    Import(RosterImport),
}

/// `itr roster import`
#[derive(Debug, Args)]
pub struct RosterImport {
    /// Id or short name of the course.
    pub course: String,
    /// CSV with a column `email` and perhaps `role`, or JSON: a list of `{"email", "role"}`.
    pub file: PathBuf,
}

/// `itr lab …`
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Send a lab: a Kattis/ICPC package, a folder with lab.yaml or lab.json, or one file of those kinds.
    Push(Push),
    /// Send a lab to a course of your own and let the publish gate judge it, where no student sees it.
    Verify(Verify),
    /// Publish the newest revision, and wait for the gate.
    Publish(Publish),
    /// How a lab stands, and what the gate said.
    Status(Status),
    /// Fetch a lab into a folder.
    Pull(Pull),
}

/// `itr lab push`
#[derive(Debug, Args)]
pub struct Push {
    /// The folder, or a .zip, .json or .yaml file.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Id or short name of the course; also ITR_COURSE. Not needed with a single course of yours.
    #[arg(long, short, value_name = "COURSE")]
    pub course: Option<String>,
    /// The lab's address in the course; the folder's name unless given.
    #[arg(long, short, value_name = "SLUG")]
    pub slug: Option<String>,
    /// Publish it too, and wait for the gate.
    #[arg(long, conflicts_with = "dry_run")]
    pub publish: bool,
    /// Only check it: nothing is stored.
    #[arg(long)]
    pub dry_run: bool,
}

/// `itr lab verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// The folder, or a .zip, .json or .yaml file.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Seconds to wait for the gate.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub wait: u64,
}

/// `itr lab publish`
#[derive(Debug, Args)]
pub struct Publish {
    /// The lab: COURSE/LAB by their short names, or its id.
    #[arg(value_name = "COURSE/LAB")]
    pub lab: String,
    /// Seconds to wait for the gate; 0 does not wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub wait: u64,
}

/// `itr lab status`
#[derive(Debug, Args)]
pub struct Status {
    /// The lab: COURSE/LAB by their short names, or its id.
    #[arg(value_name = "COURSE/LAB")]
    pub lab: String,
}

/// `itr lab pull`
#[derive(Debug, Args)]
pub struct Pull {
    /// The lab: COURSE/LAB by their short names, or its id.
    #[arg(value_name = "COURSE/LAB")]
    pub lab: String,
    /// Where to: a folder that is made.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Overwrite files that are there.
    #[arg(long)]
    pub force: bool,
}

/// `itr grades`
#[derive(Debug, Args)]
pub struct Grades {
    /// Id or short name of the course.
    pub course: String,
    /// As CSV, for spreadsheets.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// `itr submissions`
#[derive(Debug, Args)]
pub struct Submissions {
    /// The lab: COURSE/LAB by their short names, or its id.
    #[arg(value_name = "COURSE/LAB")]
    pub lab: String,
    /// Only those of this account: an id, or the address of a member.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
}

/// `itr rejudge …`
#[derive(Debug, Subcommand)]
pub enum RejudgeCommand {
    /// Grade all submissions to a lab again and show what would change; nothing changes yet.
    Preview(RejudgePreview),
    /// How a rejudging stands, and what would change.
    Show {
        /// Its id.
        id: String,
    },
    /// Let the new grades count.
    Apply {
        /// Its id.
        id: String,
    },
    /// Drop the new grades.
    Cancel {
        /// Its id.
        id: String,
    },
}

/// `itr rejudge preview`
#[derive(Debug, Args)]
pub struct RejudgePreview {
    /// The lab: COURSE/LAB by their short names, or its id.
    #[arg(value_name = "COURSE/LAB")]
    pub lab: String,
    /// Seconds to wait for the grading; 0 does not wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub wait: u64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_as_the_manual_has_it() {
        Arguments::command().debug_assert();
        for line in [
            "itr login http://judge --email a@b.edu",
            "itr login http://judge --token",
            "itr login http://judge --token itr_x",
            "itr lab push sum --course cs1 --slug sum --publish --json",
            "itr lab push sum --dry-run",
            "itr --url http://judge lab verify sum",
            "itr lab pull cs1/sum there",
            "itr grades cs1 --csv",
            "itr rejudge preview cs1/sum",
            "itr rejudge apply 01a21c13-1e96-754c-984d-4b7bedfbe08f",
            "itr roster import cs1 people.csv",
        ] {
            Arguments::try_parse_from(line.split(' ')).expect(line);
        }
        for line in ["itr", "itr lab push sum --publish --dry-run", "itr grades cs1 --csv --json", "itr lab push"] {
            Arguments::try_parse_from(line.split(' ')).expect_err(line);
        }
    }
}
