//! Any compiler whose messages the language's own patterns describe.
//!
//! Every line is looked at once: the patterns are tried at its beginning, in their order, on a window of a few lines.
//! What one takes is not looked at again, so that source which a message quotes is not read as another message.

use iteratione_common::{
    diagnostic::Diagnostic,
    language::{ColumnUnit, DiagnosticPattern},
};
use regex::Captures;

use super::{Sources, column, in_characters, number};

/// Lines that are looked at.
const LINES: usize = 20_000;
/// Bytes of one window: a longer line is looked at in its beginning.
const WINDOW_BYTES: usize = 8 * 1024;
/// Lines behind a match that can belong to its message.
const CONTINUED: usize = 20;

pub(super) fn read(patterns: &[DiagnosticPattern], output: &str, sources: &Sources<'_>) -> Vec<Diagnostic> {
    let output = output.replace("\r\n", "\n");
    let lines: Vec<&str> = output.split_inclusive('\n').take(LINES).collect();
    let mut starts = Vec::with_capacity(lines.len());
    let mut end = 0;
    for line in &lines {
        starts.push(end);
        end += line.len();
    }
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let hit = patterns.iter().find_map(|pattern| {
            let to = starts.get(at + pattern.lines).copied().unwrap_or(end);
            let to = output.floor_char_boundary(to.min(starts[at] + WINDOW_BYTES));
            let captures = pattern.regex.captures(&output[starts[at]..to])?;
            let taken = captures.get_match().as_str().trim_end_matches('\n').matches('\n').count() + 1;
            Some((pattern, taken, diagnostic(pattern, &captures, sources)))
        });
        let Some((pattern, taken, diagnostic)) = hit else {
            at += 1;
            continue;
        };
        at += taken;
        let mut more = String::new();
        if let Some(continued) = &pattern.continued {
            let behind = lines[at.min(lines.len())..].iter().take(CONTINUED);
            for line in behind.take_while(|line| continued.is_match(&line[..line.floor_char_boundary(WINDOW_BYTES)])) {
                more.push('\n');
                more.push_str(line.trim_end());
                at += 1;
            }
        }
        // The same message twice is one: some compilers tell everything at every stage.
        if let Some(mut diagnostic) = diagnostic {
            diagnostic.message.push_str(&more);
            if !found.contains(&diagnostic) && found.len() < super::MOST * 10 {
                found.push(diagnostic);
            }
        }
    }
    found
}

/// What a match says; `None` when it is about a file that is not the submission's.
fn diagnostic(pattern: &DiagnosticPattern, captures: &Captures<'_>, sources: &Sources<'_>) -> Option<Diagnostic> {
    let group = |name| captures.name(name).map(|g| g.as_str());
    let path = group("file")?;
    let file = sources.name(path)?;
    let line = group("line").and_then(number).filter(|line| *line > 0);
    let told = group("column").and_then(number).and_then(|c| c.checked_sub(pattern.first_column));
    let column = match (told, group("caret")) {
        (Some(before), _) => match (pattern.columns, line) {
            (ColumnUnit::Bytes, Some(line)) => in_characters(sources, path, line, before),
            _ => before.checked_add(1),
        },
        (None, Some(before)) => column(before.chars().count()),
        (None, None) => None,
    };
    let severity = group("severity").map_or(pattern.severity, DiagnosticPattern::severity_of);
    Some(Diagnostic { file: Some(file), line, column, severity, message: group("message")?.trim().to_owned() })
}
