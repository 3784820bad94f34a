//! The command line.

use std::path::PathBuf;

/// Runs a program in a jail of the judge, with this terminal as its terminal.
///
/// What you type goes to the program as it is, Ctrl-C and Ctrl-D too; Ctrl-] ends it. A file or pipe as standard input is
/// typed for you, with an end of line and Ctrl-D at its end. Standard output is what the program's terminal shows, the echo of what was
/// typed included; where it is no terminal, lines end with LF alone. The exit status is the program's, or 128 and the
/// signal that ended it; 126: it does not compile; 125: something else than the program went wrong.
#[derive(Debug, clap::Parser)]
#[command(name = "iteratione-run", version)]
pub struct Arguments {
    /// Where the judge is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// An API token, itr_…; better in the variable ITERATIONE_TOKEN, where other users of this machine do not see it.
    #[arg(long, value_name = "TOKEN", conflicts_with = "email")]
    pub token: Option<String>,
    /// Sign in with this address instead; the password is asked for, or taken from the variable ITERATIONE_PASSWORD.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// The language; without it, what the files' names tell.
    #[arg(long, short, value_name = "ID")]
    pub language: Option<String>,
    /// The entry point, if there are several.
    #[arg(long, short, value_name = "NAME")]
    pub main: Option<String>,
    /// Say nothing of the run itself: no progress, no last line.
    #[arg(long, short)]
    pub quiet: bool,
    /// Source files, and folders of them.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub paths: Vec<PathBuf>,
    /// The program's arguments.
    #[arg(last = true, value_name = "ARGUMENT")]
    pub arguments: Vec<String>,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn what_follows_two_dashes_is_the_programs() {
        Arguments::command().debug_assert();
        let line = ["iteratione-run", "-l", "java25", "A.java", "src", "--", "--main", "x", "-1"];
        let arguments = Arguments::try_parse_from(line).expect("parses");
        assert_eq!(arguments.paths, [PathBuf::from("A.java"), PathBuf::from("src")]);
        assert_eq!(arguments.arguments, ["--main", "x", "-1"]);
        assert_eq!((arguments.language.as_deref(), arguments.main), (Some("java25"), None));
    }

    #[test]
    fn no_file_and_two_accounts_are_mistakes() {
        assert!(Arguments::try_parse_from(["iteratione-run"]).is_err());
        assert!(Arguments::try_parse_from(["iteratione-run", "--token", "t", "--email", "e", "a.c"]).is_err());
    }
}
