//! CPython: `  File "x.py", line 3`, the source line, a caret, `SyntaxError: message`.

use iteratione_common::diagnostic::{Diagnostic, Severity};

use super::{Sources, column, number, place};

/// What Python puts before the source line that it quotes.
const INDENT: usize = 4;

pub(super) fn read(output: &str, sources: &Sources<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut lines = output.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(diagnostic) = warning(line, sources) {
            found.push(diagnostic);
            continue;
        }
        let Some((path, number)) = location(line).filter(|(path, _)| sources.name(path).is_some()) else { continue };
        // The quoted line, and marks below it; neither is there for a file that cannot be decoded.
        let mut at = None;
        if lines.next_if(|l| l.starts_with("    ")).is_some()
            && let Some(marks) = lines.next_if(|l| l.contains('^') && l.trim_matches([' ', '\t', '^', '~']).is_empty())
        {
            let before = marks.chars().take_while(|c| *c != '^').count();
            at = before.checked_sub(INDENT).and_then(|b| column(b + indentation(sources, path, number)));
        }
        if let Some(message) = lines.next_if(|l| is_error(l)) {
            found.push(Diagnostic {
                file: sources.name(path),
                line: Some(number),
                column: at,
                severity: Severity::Error,
                message: message.to_owned(),
            });
        }
    }
    found
}

/// Characters that Python leaves out at the beginning of the line when it quotes it.
fn indentation(sources: &Sources<'_>, path: &str, number: u32) -> usize {
    let line = sources.line(path, number).unwrap_or_default();
    line.iter().take_while(|b| matches!(**b, b' ' | b'\x0c')).count()
}

/// `  File "x.py", line 3`.
fn location(line: &str) -> Option<(&str, u32)> {
    let (path, rest) = line.strip_prefix("  File \"")?.rsplit_once("\", line ")?;
    Some((path, number(rest.split(',').next()?)?))
}

/// `SyntaxError: message`, `IndentationError: …`, `ValueError: …`.
fn is_error(line: &str) -> bool {
    line.split(": ").next().is_some_and(|kind| {
        kind.ends_with("Error") && kind.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'))
    })
}

/// `x.py:3: SyntaxWarning: message`.
fn warning(line: &str, sources: &Sources<'_>) -> Option<Diagnostic> {
    let start = line.find("Warning: ")?;
    let (at, kind) = line[..start].rsplit_once(": ")?;
    let (path, number) = place(at)?;
    if !kind.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let message = format!("{kind}{}", &line[start..]);
    Some(Diagnostic {
        file: Some(sources.name(path)?),
        line: Some(number),
        column: None,
        severity: Severity::Warning,
        message,
    })
}
