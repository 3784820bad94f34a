//! The instructor's files among the student's: merged before building, and kept out of sight afterwards.
//!
//! Hidden files are hidden from honest eyes only: a program can read its own class files and the folder of its sources.
//! What must stay secret belongs into tests.

use std::fmt::Write as _;

use iteratione_common::{
    diagnostic::Severity,
    lab::{FileRole, SourceFile, StarterFile},
    submission::CompileResult,
};

/// What is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    /// The student's files and the instructor's.
    pub(super) files: Vec<SourceFile>,
    /// Names of the instructor's.
    pub(super) given: Vec<String>,
    /// Those of them that students do not see.
    pub(super) hidden: Vec<String>,
}

/// Adds the locked and hidden files of a lab. They replace what was submitted under their names, in whatever case: a
/// twin in another case would be compiled beside them.
pub(super) fn merge(submitted: &[SourceFile], starter: &[StarterFile]) -> Merged {
    let mut merged = Merged { files: submitted.to_vec(), given: Vec::new(), hidden: Vec::new() };
    for file in starter.iter().filter(|f| f.role != FileRole::Editable) {
        merged.files.retain(|f| f.name.to_lowercase() != file.name.to_lowercase());
        merged.files.push(SourceFile { name: file.name.clone(), content: file.content.clone() });
        merged.given.push(file.name.clone());
        if file.role == FileRole::Hidden {
            merged.hidden.push(file.name.clone());
        }
    }
    merged
}

/// Takes names, places and quoted lines of hidden files out of what the compiler said. Its message stays: that a method
/// is missing which the lab's files call is what the student has to know.
pub(super) fn conceal(compile: &mut CompileResult, hidden: &[String]) {
    if hidden.is_empty() {
        return;
    }
    for diagnostic in &mut compile.diagnostics {
        if diagnostic.file.as_ref().is_some_and(|f| hidden.contains(f)) {
            (diagnostic.file, diagnostic.line, diagnostic.column) = (None, None, None);
            diagnostic.message.insert_str(0, "in a file of the lab: ");
        }
        for name in hidden {
            diagnostic.message = diagnostic.message.replace(name.as_str(), "a file of the lab");
        }
    }
    // The compiler's own output quotes source lines; told from the diagnostics, it does not.
    let mut output = String::new();
    for diagnostic in &compile.diagnostics {
        if let Some(file) = &diagnostic.file {
            let _ = write!(output, "{file}:");
            if let Some(line) = diagnostic.line {
                let _ = write!(output, "{line}:");
            }
            output.push(' ');
        }
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let _ = writeln!(output, "{severity}: {}", diagnostic.message);
    }
    compile.output = output;
}

#[cfg(test)]
mod tests {
    use iteratione_common::diagnostic::Diagnostic;

    use super::*;

    fn file(name: &str, content: &str) -> SourceFile {
        SourceFile { name: name.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn locked_and_hidden_files_are_the_instructors_whatever_was_submitted() {
        let given = |name: &str, role| StarterFile { name: name.to_owned(), content: "theirs".to_owned(), role };
        let starter = [
            given("Main.java", FileRole::Editable),
            given("Api.java", FileRole::Locked),
            given("Check.java", FileRole::Hidden),
        ];
        let submitted = [
            file("Main.java", "mine"),
            file("Api.java", "forged"),
            file("check.java", "forged"),
            file("CHECK.java", "forged"),
            file("Other.java", "mine"),
        ];
        let merged = merge(&submitted, &starter);
        assert_eq!(
            merged.files,
            [
                file("Main.java", "mine"),
                file("Other.java", "mine"),
                file("Api.java", "theirs"),
                file("Check.java", "theirs"),
            ]
        );
        assert_eq!((merged.given.len(), merged.hidden), (2, vec!["Check.java".to_owned()]));
    }

    #[test]
    fn a_compilers_words_do_not_tell_of_hidden_files() {
        let said = |file: &str, message: &str| Diagnostic {
            file: Some(file.to_owned()),
            line: Some(3),
            column: Some(7),
            severity: Severity::Error,
            message: message.to_owned(),
        };
        let mut compile = CompileResult {
            ok: false,
            cpu_ms: 1,
            diagnostics: vec![
                said("Main.java", "';' expected"),
                said("Check.java", "cannot find symbol\n  symbol:   method add(int,int)"),
                said("Main.java", "duplicate class, first in Check.java"),
            ],
            output: "Check.java:3: error: cannot find symbol\n  assert calc.add(SECRET, 2) == 7;\n".to_owned(),
        };
        let whole = compile.clone();
        conceal(&mut compile, &[]);
        assert_eq!(compile, whole, "nothing is hidden in most labs");
        conceal(&mut compile, &["Check.java".to_owned()]);
        let text = format!("{compile:?}");
        assert!(!text.contains("Check") && !text.contains("SECRET"), "{text}");
        assert_eq!((compile.diagnostics[0].line, compile.diagnostics[1].line), (Some(3), None));
        assert!(compile.output.starts_with("Main.java:3: error: ';' expected\n"), "{}", compile.output);
        assert!(compile.output.contains("in a file of the lab: cannot find symbol"), "{}", compile.output);
    }
}
