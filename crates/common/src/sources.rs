//! Which source files are accepted: by their number, size, content and, above all, by their names.
//!
//! A name that passes is one harmless step of a path on every system, is no option and no `@file` of a command line,
//! and needs no quoting in any place where people see it. What the judge cannot take is said before anything is
//! stored or compiled, with the file's name and what to do about it.

use std::{collections::HashMap, fmt::Write as _};

use unicode_normalization::UnicodeNormalization as _;

pub use crate::problem::Problem as SourceProblem;
use crate::{lab::SourceFile, language::Language};

/// The most files of one submission.
pub const MOST_FILES: usize = 100;
/// The longest name in characters…
pub const NAME_CHARS: usize = 100;
/// …and in bytes, so that with a few more of its own a tool stays below the 255 of a file system.
pub const NAME_BYTES: usize = 200;
/// The longest name of an entry point in characters.
pub const MAIN_CHARS: usize = 300;

/// Whether a text may name an entry point: one line, not too long. Whether there is such a one, compiling tells.
pub fn may_be_main(main: &str) -> bool {
    main.chars().count() <= MAIN_CHARS && !main.chars().any(char::is_control)
}

/// Checks the files of a submission; pointers begin with `/files`.
pub fn check(language: &Language, files: &[SourceFile]) -> Result<(), Vec<SourceProblem>> {
    check_at("/files", language, files)
}

/// As [`check`], for a list of files that stands elsewhere in a document: `at` is its JSON pointer.
pub fn check_at(at: &str, language: &Language, files: &[SourceFile]) -> Result<(), Vec<SourceProblem>> {
    if files.is_empty() {
        return Err(vec![SourceProblem::new(at, "There is no file: send at least one.")]);
    }
    if files.len() > MOST_FILES {
        let detail = format!("There are {} files: send at most {MOST_FILES}.", files.len());
        return Err(vec![SourceProblem::new(at, detail)]);
    }
    let mut problems = Vec::new();
    let bytes = files.iter().map(|f| f.content.len() as u64).fold(0_u64, u64::saturating_add);
    if bytes > language.source_limit_kb.saturating_mul(1024) {
        let detail = format!(
            "The files are {} KiB together: at most {} KiB are allowed.",
            bytes.div_ceil(1024),
            language.source_limit_kb
        );
        problems.push(SourceProblem::new(at, detail));
    }
    let mut seen = HashMap::new();
    for (i, file) in files.iter().enumerate() {
        let name = &file.name;
        if let Err(why) = check_name(language, name) {
            problems.push(SourceProblem::new(format!("{at}/{i}/name"), format!("{} {why}", quote(name))));
        } else if let Some(twin) = seen.insert(name.to_lowercase(), name) {
            let detail = if twin == name {
                format!("{} is there twice: send each file once.", quote(name))
            } else {
                format!(
                    "{} and {} differ only in upper and lower case, which many systems take for the same: \
                     rename one of them.",
                    quote(twin),
                    quote(name)
                )
            };
            problems.push(SourceProblem::new(format!("{at}/{i}/name"), detail));
        }
        if file.content.contains('\0') {
            let detail = format!("{} holds NUL bytes: send source text, not a compiled file.", quote(name));
            problems.push(SourceProblem::new(format!("{at}/{i}/content"), detail));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// What is wrong with one name: the rest of a sentence that begins with it.
fn check_name(language: &Language, name: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(why.to_owned());
    let Some(first) = name.chars().next() else {
        return refuse("is empty: name the file.");
    };
    let chars = name.chars().count();
    if chars > NAME_CHARS || name.len() > NAME_BYTES {
        return Err(format!("is {chars} characters long: use at most {NAME_CHARS} (and {NAME_BYTES} bytes)."));
    }
    if name.contains(['/', '\\']) {
        return refuse("has folders in it: send the bare file name, the judge makes the folders.");
    }
    if !name.nfc().eq(name.chars()) {
        return refuse("is not in Unicode normal form C (macOS is known for that): type its accented letters again.");
    }
    if let Some(c) = name.chars().find(|&c| !allowed(c)) {
        // Not as it is, if it cannot be seen or turns the rest of the sentence round.
        let unseen = c.is_control() || c.escape_debug().len() > 2;
        let c = if unseen { format!("U+{:04X}", u32::from(c)) } else { format!("“{c}”") };
        return Err(format!("has the character {c} in it: use letters, digits, spaces and _ $ . - + only."));
    }
    if !(first.is_alphanumeric() || first == '_' || first == '$') {
        return refuse("must begin with a letter, a digit, _ or $.");
    }
    if name.contains("..") {
        return refuse("has two dots in a row: use one.");
    }
    if name.ends_with(['.', ' ']) {
        return refuse("ends with a dot or a blank: leave it out.");
    }
    if is_device(name) {
        return refuse("is the name of a device on Windows: choose another.");
    }
    if !language.accepts(name) {
        let mut endings = String::new();
        for (i, ending) in language.extensions.iter().enumerate() {
            let glue = if i == 0 { "" } else { ", " };
            let _ = write!(endings, "{glue}.{ending}");
        }
        return Err(format!("does not end as a {} file does: {endings}.", language.name));
    }
    Ok(())
}

fn allowed(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '-' | '+' | ' ')
}

/// `CON`, `nul.java`, `COM1.tar.gz`: devices on Windows, whatever their ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")).unwrap_or("");
    let mut digits = port.chars();
    matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
}

/// A foreign text inside a sentence: quoted, escaped and cut.
fn quote(text: &str) -> String {
    let mut cut: String = text.chars().take(NAME_CHARS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("“{}”", cut.escape_debug())
}

#[cfg(test)]
mod tests;
