//! CPython: `  File "x.py", line 3`, the source line, a caret, `SyntaxError: message`.

use iteratione_common::diagnostic::{Diagnostic, Severity};

pub(super) fn read(output: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut place: Option<(String, u32)> = None;
    let (mut column, mut quoted) = (None, None);
    for line in output.lines() {
        if let Some(here) = location(line) {
            (place, column, quoted) = (Some(here), None, None);
        } else if line.trim_start().starts_with('^') {
            // Python quotes the line with four blanks before it and its own indentation removed.
            column = u32::try_from(line.chars().take_while(|c| *c == ' ').count().saturating_sub(3)).ok();
        } else if let Some((kind, message)) = line.split_once(": ").filter(|(kind, _)| kind.ends_with("Error"))
            && let Some((file, number)) = place.take()
        {
            found.push(Diagnostic {
                file: Some(file),
                line: Some(number),
                column: column.filter(|_| quoted.is_some()),
                severity: Severity::Error,
                message: format!("{kind}: {message}"),
            });
        } else {
            quoted = Some(());
        }
    }
    found
}

/// `  File "x.py", line 3`.
fn location(line: &str) -> Option<(String, u32)> {
    let (file, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((file.to_owned(), digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_has_its_place() {
        let found = read("  File \"m.py\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\n");
        assert_eq!(
            found,
            [Diagnostic {
                file: Some("m.py".to_owned()),
                line: Some(1),
                column: Some(7),
                severity: Severity::Error,
                message: "SyntaxError: invalid syntax".to_owned(),
            }]
        );
    }

    #[test]
    fn an_indentation_error_without_a_caret_has_a_line() {
        let found = read(
            "  File \"m.py\", line 2\n    pass\nIndentationError: expected an indented block after function definition on line 1\n",
        );
        assert_eq!((found[0].line, found[0].column), (Some(2), None));
    }
}
