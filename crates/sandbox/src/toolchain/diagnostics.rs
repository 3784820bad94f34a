//! What compilers print, as diagnostics with the student's file names. Anything that is not understood stays in the raw
//! output, which is shown beside.

use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    language::DiagnosticFormat,
};

use super::layout::NameMap;

mod gcc;
mod javac;
mod python;

/// Diagnostics of one compilation; what comes after them is in the raw output.
const MAX_DIAGNOSTICS: usize = 100;
/// Characters of one message.
const MAX_MESSAGE: usize = 2000;

/// Reads a compiler's output.
pub fn read(format: DiagnosticFormat, output: &str, names: &NameMap) -> Vec<Diagnostic> {
    let mut found = match format {
        DiagnosticFormat::Javac => javac::read(output),
        DiagnosticFormat::Gcc => gcc::read(output),
        DiagnosticFormat::Python => python::read(output),
    };
    found.truncate(MAX_DIAGNOSTICS);
    for diagnostic in &mut found {
        diagnostic.file = diagnostic.file.take().map(|path| names.name_of(&path));
        diagnostic.message = names.rename_in(&diagnostic.message).chars().take(MAX_MESSAGE).collect();
    }
    found
}

/// `path:line` or `path:line:column` at the end of a text; the path must not be empty.
fn location(text: &str, with_column: bool) -> Option<(&str, u32, Option<u32>)> {
    let (rest, last) = text.rsplit_once(':')?;
    let last = last.parse().ok()?;
    if with_column
        && let Some((path, line)) = rest.rsplit_once(':')
        && let Ok(line) = line.parse()
    {
        return (!path.is_empty()).then_some((path, line, Some(last)));
    }
    (!rest.is_empty()).then_some((rest, last, None))
}

fn severity(word: &str) -> Option<Severity> {
    match word {
        "error" | "fatal error" | "sorry, unimplemented" | "internal compiler error" => Some(Severity::Error),
        "warning" => Some(Severity::Warning),
        "note" | "Note" => Some(Severity::Note),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_output_makes_a_reader_panic_or_give_without_bound(
            output in "([ -~\\n]|error|warning|:|\\^|File \"|line |Été){0,200}", any in any::<String>(),
        ) {
            for format in [DiagnosticFormat::Javac, DiagnosticFormat::Gcc, DiagnosticFormat::Python] {
                for text in [&output, &any] {
                    prop_assert!(read(format, text, &NameMap::default()).len() <= MAX_DIAGNOSTICS);
                }
            }
        }
    }
}
