//! Collects problems, bounded, and knows the checks that every text and number needs.

use super::{MOST_PROBLEMS, Problem};

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<Problem>,
    more: usize,
}

impl Report {
    /// One more problem.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem::new(pointer, detail));
        } else {
            self.more += 1;
        }
    }

    /// All of them, or that there is none.
    pub fn finish(mut self) -> Result<(), Vec<Problem>> {
        if self.problems.is_empty() {
            return Ok(());
        }
        if self.more > 0 {
            self.problems.push(Problem::new("", format!("and {} more problems like these", self.more)));
        }
        Err(self.problems)
    }

    /// A one-line name for people: not blank, bounded, without control characters.
    pub fn label(&mut self, pointer: impl Into<String>, text: &str, most_chars: usize) {
        let pointer = pointer.into();
        if text.trim().is_empty() {
            self.add(pointer, "must not be empty");
        } else if text.chars().count() > most_chars {
            self.add(pointer, format!("must not be longer than {most_chars} characters"));
        } else if text.chars().any(char::is_control) {
            self.add(pointer, "must be one line without control characters");
        } else if text.trim() != text {
            self.add(pointer, "must not begin or end with a blank");
        }
    }

    /// Any text, bounded. PostgreSQL's JSON cannot hold NUL characters.
    pub fn text(&mut self, pointer: impl Into<String>, text: &str, most_bytes: usize) {
        if text.len() > most_bytes {
            self.add(pointer, format!("must not be longer than {} KiB", most_bytes / 1024));
        } else if text.contains('\0') {
            self.add(pointer, "must not contain the character U+0000");
        }
    }

    /// A number between bounds; neither NaN nor an infinity is.
    pub fn number(&mut self, pointer: impl Into<String>, number: f64, least: f64, most: f64) {
        if !(least..=most).contains(&number) {
            self.add(pointer, format!("must be a number from {least} to {most}, not {number}"));
        }
    }
}

/// One step of a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A foreign text inside a sentence: quoted, escaped and cut.
pub fn quote(text: &str) -> String {
    let mut cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("{cut:?}")
}
