//! All that is printed: tables and sentences for people, JSON for scripts. What comes from the judge is foreign text and
//! never reaches a terminal with control characters in it.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};

use iteratione_client::cli::harmless;
use serde::Serialize;
use serde_json::json;

use crate::terms::Refusal;

/// Where things are printed, and how.
#[derive(Debug)]
pub struct Output {
    json: bool,
    colour: bool,
    silent: bool,
}

/// How a cell is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it is.
    Plain,
    /// Good news.
    Good,
    /// Bad news.
    Bad,
    /// Worth a look.
    Doubtful,
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub struct Cell(String, Mood);

impl Cell {
    /// With a mood.
    pub fn new(text: impl Into<String>, mood: Mood) -> Self {
        Self(text.into(), mood)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self(text.into(), Mood::Plain)
    }
}

impl Output {
    /// To this process's standard output; `json` leaves out what is for people.
    pub fn new(json: bool) -> Self {
        Self { json, colour: stdout().is_terminal() && stderr().is_terminal() && !json, silent: false }
    }

    /// To nobody: for a step that has been told of already.
    pub fn silent() -> Self {
        Self { json: false, colour: false, silent: true }
    }

    /// Whether a script reads it.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// The answer, for scripts alone.
    pub fn json(&self, answer: &impl Serialize) {
        if self.json
            && let Ok(text) = serde_json::to_string_pretty(answer)
        {
            Self::write(&text);
        }
    }

    /// A sentence, for people alone.
    pub fn say(&self, text: &str) {
        if !self.json && !self.silent {
            Self::write(&harmless(text));
        }
    }

    /// A sentence about what is going on, beside the answer.
    pub fn progress(&self, text: &str) {
        if !self.json && !self.silent && stderr().is_terminal() {
            // Nothing can be done about a closed standard error.
            let _ = writeln!(stderr(), "{}", harmless(text));
        }
    }

    /// Lines as they are.
    pub fn raw(&self, text: &str) {
        let text = if stdout().is_terminal() { harmless(text) } else { text.to_owned() };
        let _ = stdout().write_all(text.as_bytes());
    }

    /// A table, for people alone.
    pub fn table<const N: usize>(&self, head: [&str; N], rows: &[[Cell; N]]) {
        self.grid(&head, &rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>());
    }

    /// As [`Self::table`], where the number of columns is known at run time alone.
    pub fn grid(&self, head: &[&str], rows: &[Vec<Cell>]) {
        if !self.json && !self.silent && !rows.is_empty() {
            Self::write(table(head, rows, self.colour).trim_end());
        }
    }

    /// Why something could not be done: for scripts as JSON on standard output too.
    pub fn failure(&self, error: &anyhow::Error) {
        if self.json {
            let refusal = error.downcast_ref::<Refusal>();
            let problem = refusal.map_or_else(|| json!({"detail": format!("{error:#}")}), |r| r.problem.clone());
            self.json(&json!({"error": problem}));
        }
        let _ = writeln!(stderr(), "itr: {}", harmless(&format!("{error:#}")));
    }

    fn write(text: &str) {
        // A reader that has seen enough, such as `head`, is no failure.
        let _ = writeln!(stdout(), "{text}");
    }
}

fn table(head: &[&str], rows: &[Vec<Cell>], colour: bool) -> String {
    let width = |text: &str| text.chars().count();
    let clean = |text: &str| harmless(text).replace(['\n', '\t'], " ");
    let head: Vec<Cell> = head.iter().map(|text| Cell::from(*text)).collect();
    let lines: Vec<Vec<Cell>> = std::iter::once(&head)
        .chain(rows)
        .map(|row| row.iter().map(|Cell(text, mood)| Cell(clean(text), *mood)).collect())
        .collect();
    let mut widths = vec![0; lines.iter().map(Vec::len).max().unwrap_or_default()];
    for row in &lines {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(&cell.0).max(*widest);
        }
    }
    let mut out = String::new();
    for row in &lines {
        let last = row.iter().rposition(|cell| !cell.0.is_empty());
        for (i, (Cell(text, mood), widest)) in row.iter().zip(&widths).enumerate() {
            if last.is_none_or(|last| i > last) {
                break;
            }
            let (before, after) = if colour { codes(*mood) } else { ("", "") };
            let gap = if last == Some(i) { 0 } else { widest - width(text) + 2 };
            out.extend([before, text, after, &" ".repeat(gap)]);
        }
        out.push('\n');
    }
    out
}

fn codes(mood: Mood) -> (&'static str, &'static str) {
    match mood {
        Mood::Plain => ("", ""),
        Mood::Good => ("\u{1b}[32m", "\u{1b}[0m"),
        Mood::Bad => ("\u{1b}[31m", "\u{1b}[0m"),
        Mood::Doubtful => ("\u{1b}[33m", "\u{1b}[0m"),
    }
}

/// A number as people write it: no more decimals than it has.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_foreign_text_stays_in_its_cell() {
        let rows = [
            vec![Cell::from("a\u{1b}[2J\nb"), Cell::new("AC", Mood::Good)],
            vec![Cell::from("a much longer name"), Cell::from("")],
        ];
        let text = table(&["name", "verdict"], &rows, false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "name                verdict");
        assert_eq!(lines[1], "a\u{fffd}[2J b             AC");
        assert_eq!(lines[2], "a much longer name");
        let coloured = table(&["name", "verdict"], &rows, true);
        assert!(coloured.contains("\u{1b}[32mAC\u{1b}[0m") && !coloured.contains("\u{1b}[2J"), "{coloured:?}");
    }

    #[test]
    fn a_number_has_no_idle_decimals() {
        assert_eq!([100.0, 62.5, 0.0, 33.333, 1e6].map(number), ["100", "62.5", "0", "33.33", "1000000"]);
    }
}
