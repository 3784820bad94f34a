//! javac: `path:line: [warning:] message`, the source line, a caret under the place, details.

use iteratione_common::diagnostic::{Diagnostic, Severity};

use super::location;

pub(super) fn read(output: &str) -> Vec<Diagnostic> {
    let lines: Vec<&str> = output.lines().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(mut diagnostic) = heading(lines[at]) else {
            at += 1;
            continue;
        };
        at += 1;
        let mut source_line = None;
        while at < lines.len() && heading(lines[at]).is_none() && !is_count(lines[at]) {
            let line = lines[at];
            if line.trim() == "^" && diagnostic.column.is_none() && source_line.is_some() {
                diagnostic.column = u32::try_from(line.chars().count()).ok();
                // The quoted source is shown by whoever shows the file.
                source_line = None;
            } else if diagnostic.column.is_none() && source_line.is_none() && diagnostic.line.is_some() {
                source_line = Some(line);
            } else {
                diagnostic.message.push('\n');
                diagnostic.message.push_str(line.trim_end());
            }
            at += 1;
        }
        found.push(diagnostic);
    }
    found
}

/// `A.java:3: error: …`, or a message about no place: `error: …`.
fn heading(line: &str) -> Option<Diagnostic> {
    for (mark, severity) in
        [(": error: ", Severity::Error), (": warning: ", Severity::Warning), (": Note: ", Severity::Note)]
    {
        if let Some((place, message)) = line.split_once(mark)
            && let Some((path, number, _)) = location(place, false)
            && path.ends_with(".java")
        {
            return Some(diagnostic(Some(path), Some(number), severity, message));
        }
    }
    for (mark, severity) in [("error: ", Severity::Error), ("warning: ", Severity::Warning), ("Note: ", Severity::Note)]
    {
        if let Some(message) = line.strip_prefix(mark) {
            return Some(diagnostic(None, None, severity, message));
        }
    }
    None
}

fn diagnostic(file: Option<&str>, line: Option<u32>, severity: Severity, message: &str) -> Diagnostic {
    Diagnostic { file: file.map(str::to_owned), line, column: None, severity, message: message.trim().to_owned() }
}

/// `3 errors`, `1 warning`: the closing lines.
fn is_count(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(n, word)| {
        n.parse::<u32>().is_ok() && matches!(word.trim_end(), "error" | "errors" | "warning" | "warnings")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_messages_and_details_are_read_from_real_output() {
        let output = "a/b/Main.java:4: error: incompatible types: String cannot be converted to int\n    int x = \"s\";\n            ^\n\
            a/b/Main.java:5: warning: [unchecked] unchecked call to add(E) as a member of the raw type List\n    l.add(1);\n         ^\n  where E is a type-variable:\n    E extends Object declared in interface List\n\
            a/b/Main.java:7: error: cannot find symbol\n\tint t = z;\n\t        ^\n  symbol:   variable z\n  location: class Main\n2 errors\n1 warning\n";
        let found = read(output);
        let short: Vec<_> = found.iter().map(|d| (d.file.as_deref(), d.line, d.column, d.severity)).collect();
        let file = Some("a/b/Main.java");
        assert_eq!(
            short,
            [
                (file, Some(4), Some(13), Severity::Error),
                (file, Some(5), Some(10), Severity::Warning),
                (file, Some(7), Some(10), Severity::Error),
            ]
        );
        assert_eq!(found[2].message, "cannot find symbol\n  symbol:   variable z\n  location: class Main");
    }

    #[test]
    fn a_message_about_no_file_is_kept_and_a_note_is_no_error() {
        let found = read("Note: Some input files use unchecked operations.\nerror: invalid flag\n");
        assert_eq!(
            found.iter().map(|d| (d.line, d.severity)).collect::<Vec<_>>(),
            [(None, Severity::Note), (None, Severity::Error)]
        );
    }
}
