//! javac: `path:line: error: message`, the source line, a caret under the place, details.

use iteratione_common::diagnostic::{Diagnostic, Severity};

use super::{Sources, column, place};

pub(super) fn read(output: &str, sources: &Sources<'_>) -> Vec<Diagnostic> {
    let lines: Vec<&str> = output.lines().collect();
    let mut found: Vec<Diagnostic> = Vec::new();
    // Whether details of the last diagnostic may follow.
    let mut open = false;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        if let Some(mut diagnostic) = heading(line, sources) {
            // A line and a caret below it are quoted source, whatever is written in that line.
            if diagnostic.line.is_some()
                && let (Some(source), Some(caret)) = (lines.get(at), lines.get(at + 1))
                && caret.trim() == "^"
            {
                diagnostic.column = place_of_caret(source, caret);
                at += 2;
            }
            found.push(diagnostic);
            open = true;
        } else if is_end(line) {
            open = false;
        } else if let Some(last) = found.last_mut().filter(|_| open) {
            last.message.push('\n');
            last.message.push_str(line.trim_end());
        }
    }
    found
}

/// `A.java:3: error: …`, or a message about no place: `error: …`.
fn heading(line: &str, sources: &Sources<'_>) -> Option<Diagnostic> {
    for (mark, severity) in [("error: ", Severity::Error), ("warning: ", Severity::Warning), ("Note: ", Severity::Note)]
    {
        if let Some(message) = line.strip_prefix(mark) {
            let message = message.to_owned();
            return Some(Diagnostic { file: None, line: None, column: None, severity, message });
        }
        // The first mark with a place before it: a message may quote another one.
        for (start, _) in line.match_indices(mark) {
            if let Some((path, number)) = line[..start].strip_suffix(": ").and_then(place)
                && let Some(name) = sources.name(path)
            {
                let message = line[start + mark.len()..].to_owned();
                return Some(Diagnostic { file: Some(name), line: Some(number), column: None, severity, message });
            }
        }
    }
    None
}

/// The caret stands under the place, counted in UTF-16 units.
fn place_of_caret(source: &str, caret: &str) -> Option<u32> {
    let units = caret.find('^')?;
    let (mut passed, mut characters) = (0, 0);
    for c in source.chars() {
        if passed >= units {
            break;
        }
        passed += c.len_utf16();
        characters += 1;
    }
    // Beyond the end of the line: where something is missing.
    column(characters + units.saturating_sub(passed))
}

/// `3 errors`, `1 warning` and what follows them.
fn is_end(line: &str) -> bool {
    line.starts_with("only showing the first ")
        || line.split_once(' ').is_some_and(|(n, word)| {
            super::number(n).is_some() && matches!(word.trim_end(), "error" | "errors" | "warning" | "warnings")
        })
}
