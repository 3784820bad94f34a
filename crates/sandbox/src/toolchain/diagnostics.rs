//! What compilers print, as diagnostics with the student's file names.
//!
//! Only messages about the submission's own files become diagnostics with a place; all that was printed stays in the
//! raw output, which is shown beside. A program may quote a compiler's messages in its comments and strings: lines that
//! are quoted source are never read as messages.

use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    language::{DiagnosticFormat, Diagnostics},
};

use super::layout::Laid;

mod gcc;
mod javac;
mod patterns;
mod python;
#[cfg(test)]
mod tests;

/// Diagnostics of one compilation. Errors go before warnings, and those before notes, when there are more.
pub const MOST: usize = 100;
/// Bytes of one message.
const MESSAGE_BYTES: usize = 4000;
/// Lines of a file are looked up so often at most; later diagnostics have the compiler's own column.
const LOOKUPS: usize = 1000;

/// Reads a compiler's output.
pub fn read(how: &Diagnostics, output: &str, laid: &Laid) -> Vec<Diagnostic> {
    let sources = Sources { laid, lookups: LOOKUPS.into() };
    let mut found = match how {
        Diagnostics::BuiltIn(DiagnosticFormat::Javac) => javac::read(output, &sources),
        Diagnostics::BuiltIn(DiagnosticFormat::Gcc) => gcc::read(output, &sources),
        Diagnostics::BuiltIn(DiagnosticFormat::Python) => python::read(output, &sources),
        Diagnostics::Patterns(patterns) => patterns::read(patterns, output, &sources),
    };
    for least in [Severity::Note, Severity::Warning, Severity::Error] {
        // From the end, so that the first ones stay.
        for i in (0..found.len()).rev() {
            if found.len() > MOST && found[i].severity == least {
                found.remove(i);
            }
        }
    }
    for diagnostic in &mut found {
        diagnostic.message = super::cut(&laid.names.rename_in(diagnostic.message.trim()), MESSAGE_BYTES);
    }
    found
}

/// The submission's files, as far as diagnostics need them.
struct Sources<'a> {
    laid: &'a Laid,
    lookups: std::cell::Cell<usize>,
}

impl Sources<'_> {
    /// The student's name of a path; `None` when it is none of the submission's files.
    fn name(&self, path: &str) -> Option<String> {
        self.laid.names.find(path).map(|(_, name)| name.to_owned())
    }

    /// A line of a file, from 1, as bytes: what is counted in bytes may end inside a character.
    fn line(&self, path: &str, number: u32) -> Option<&[u8]> {
        self.lookups.set(self.lookups.get().checked_sub(1)?);
        let (path, _) = self.laid.names.find(path)?;
        let (_, content) = self.laid.files.iter().find(|(p, _)| p == path)?;
        content.split(|b| *b == b'\n').nth(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}

/// `path:line` at the end of a text, with the path and the line.
fn place(text: &str) -> Option<(&str, u32)> {
    let (path, line) = text.rsplit_once(':')?;
    let line = number(line)?;
    (!path.is_empty()).then_some((path, line))
}

/// A number as tools print it: `parse` would also take a sign.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A column from the number of bytes before it in a line of a file.
fn in_characters(sources: &Sources<'_>, path: &str, line: u32, bytes: u32) -> Option<u32> {
    let before = usize::try_from(bytes).ok()?;
    let Some(source) = sources.line(path, line) else { return bytes.checked_add(1) };
    let inside = &source[..before.min(source.len())];
    column(String::from_utf8_lossy(inside).chars().count() + (before - inside.len()))
}

/// A column from the number of characters before it.
fn column(before: usize) -> Option<u32> {
    u32::try_from(before).ok()?.checked_add(1)
}
