//! gcc and its kin: `path:line:column: error: message`; the lines in between quote the source. The linker's messages
//! have no line.
//!
//! Columns are bytes, as `-fdiagnostics-column-unit=byte` in the languages' command lines asks for.

use iteratione_common::diagnostic::{Diagnostic, Severity};

use super::{Sources, in_characters, number, place};

const MARKS: [(&str, Severity); 6] = [
    ("fatal error: ", Severity::Error),
    ("internal compiler error: ", Severity::Error),
    ("sorry, unimplemented: ", Severity::Error),
    ("error: ", Severity::Error),
    ("warning: ", Severity::Warning),
    ("note: ", Severity::Note),
];
/// Programs that speak in their own name when they give up.
const TOOLS: [&str; 6] = ["gcc", "g++", "cc1", "cc1plus", "as", "collect2"];

pub(super) fn read(output: &str, sources: &Sources<'_>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    // Where the submission made the compiler read what it complains of in a header of the library.
    let mut required_from: Option<(&str, u32, Option<u32>)> = None;
    for line in output.lines().filter(|l| !is_quoted_source(l)) {
        if let Some((path, at)) =
            line.strip_suffix(":   required from here").and_then(location).filter(|(p, _)| sources.name(p).is_some())
        {
            required_from = Some((path, at.0, at.1));
        } else if let Some((path, (line, column), severity, message)) = compiler(line) {
            if sources.name(path).is_some() {
                found.push(diagnostic(sources, path, line, column, severity, message.to_owned()));
                required_from = None;
            } else if severity == Severity::Error {
                let header = path.rsplit('/').next().unwrap_or(path);
                let message = format!("{message} (in {header})");
                found.push(match required_from {
                    Some((path, line, column)) => diagnostic(sources, path, line, column, severity, message),
                    None => Diagnostic { file: None, line: None, column: None, severity, message },
                });
            }
        } else if let Some(diagnostic) = linker(line, sources).or_else(|| tool(line)) {
            // The linker says it once per use.
            if !found.contains(&diagnostic) {
                found.push(diagnostic);
            }
        }
    }
    // That the linker failed is no news when it said why.
    let reasons = found.iter().filter(|d| d.severity == Severity::Error).count();
    if reasons > 1 {
        found.retain(|d| !d.message.starts_with("ld returned "));
    }
    found
}

/// `    3 | source`, `      |   ^~~~`: the source, and marks below it.
fn is_quoted_source(line: &str) -> bool {
    line.split_once('|').is_some_and(|(before, _)| {
        before.starts_with(' ')
            && before.ends_with(' ')
            && (before.trim().is_empty() || number(before.trim()).is_some())
    })
}

/// `path:line:column` or `path:line`.
fn location(text: &str) -> Option<(&str, (u32, Option<u32>))> {
    let (path, last) = place(text)?;
    match place(path) {
        Some((path, line)) => Some((path, (line, Some(last)))),
        None => Some((path, (last, None))),
    }
}

type Heading<'a> = (&'a str, (u32, Option<u32>), Severity, &'a str);

fn compiler(line: &str) -> Option<Heading<'_>> {
    // The mark that comes first: a message may quote another one.
    let marks = MARKS.iter().filter_map(|(mark, severity)| {
        let start = line.find(&format!(": {mark}"))?;
        Some((start, mark.len(), *severity))
    });
    let (start, length, severity) = marks.min_by_key(|(start, length, _)| (*start, std::cmp::Reverse(*length)))?;
    let (path, at) = location(&line[..start])?;
    Some((path, at, severity, &line[start + ": ".len() + length..]))
}

fn diagnostic(
    sources: &Sources<'_>,
    path: &str,
    line: u32,
    byte: Option<u32>,
    severity: Severity,
    message: String,
) -> Diagnostic {
    let column = byte.and_then(|b| b.checked_sub(1)).and_then(|before| in_characters(sources, path, line, before));
    Diagnostic { file: sources.name(path), line: Some(line), column, severity, message }
}

/// `main.c:(.text+0x5): undefined reference to …`, with or without the linker's name and an object file before it.
fn linker(line: &str, sources: &Sources<'_>) -> Option<Diagnostic> {
    let what = ["undefined reference to ", "multiple definition of "].into_iter().find_map(|w| line.find(w))?;
    let mut message = line[what..].split("; ").next().unwrap_or_default().to_owned();
    if message.ends_with("to `main'") {
        message.push_str(": the program has no function main");
    }
    let place = line[..what].strip_suffix(": ").unwrap_or(&line[..what]);
    let path = place.rsplit_once(":(").map_or("", |(path, _)| path);
    let file = sources.name(path.rsplit([' ', ':']).next().unwrap_or(path));
    Some(Diagnostic { file, line: None, column: None, severity: Severity::Error, message })
}

/// `cc1plus: out of memory`, `g++: fatal error: Killed signal …`, `collect2: error: ld returned 1 exit status`.
fn tool(line: &str) -> Option<Diagnostic> {
    let (name, said) = line.split_once(": ")?;
    if !TOOLS.contains(&name.rsplit('/').next()?) {
        return None;
    }
    let (severity, message) = MARKS
        .iter()
        .find_map(|(mark, severity)| Some((*severity, said.strip_prefix(mark)?)))
        .or_else(|| said.starts_with("out of memory").then_some((Severity::Error, said)))?;
    Some(Diagnostic { file: None, line: None, column: None, severity, message: message.to_owned() })
}
