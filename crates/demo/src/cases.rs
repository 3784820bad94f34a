//! What is submitted, and how it must be graded.

/// A program of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// For people.
    pub name: &'static str,
    /// Slug of the lab.
    pub lab: &'static str,
    /// Language id.
    pub language: &'static str,
    /// Folder below `programs/`.
    pub folder: &'static str,
    /// The entry point to ask for.
    pub main: Option<&'static str>,
    /// The verdict it must get.
    pub verdict: &'static str,
    /// The score it must get.
    pub score: f64,
    /// What the message must say, every one of them.
    pub says: &'static [&'static str],
}

const fn sum(
    name: &'static str,
    language: &'static str,
    folder: &'static str,
    verdict: &'static str,
    score: f64,
) -> Case {
    Case { name, lab: "sum-of-two", language, folder, main: None, verdict, score, says: &[] }
}

const fn library(
    name: &'static str,
    folder: &'static str,
    verdict: &'static str,
    says: &'static [&'static str],
) -> Case {
    let score = if matches!(verdict.as_bytes(), b"AC") { 10.0 } else { 0.0 };
    Case { name, lab: "library-in-packages", language: "java", folder, main: None, verdict, score, says }
}

const fn words(
    name: &'static str,
    language: &'static str,
    folder: &'static str,
    verdict: &'static str,
    score: f64,
) -> Case {
    Case { name, lab: "word-count", language, folder, main: None, verdict, score, says: &[] }
}

/// In the order of the table.
pub const CASES: &[Case] = &[
    sum("right", "java", "sum/java/accepted", "AC", 100.0),
    sum("forgets the sign", "java", "sum/java/wrong-answer", "WA", 60.0),
    sum("misses a semicolon", "java", "sum/java/does-not-compile", "CE", 0.0),
    sum("loops for ever", "java", "sum/java/endless-loop", "TLE", 0.0),
    sum("throws an exception", "java", "sum/java/exception", "RTE", 0.0),
    sum("takes all memory", "java", "sum/java/out-of-memory", "MLE", 0.0),
    sum("prints for ever", "java", "sum/java/endless-output", "OLE", 0.0),
    sum("right", "python", "sum/python/accepted", "AC", 100.0),
    sum("forgets the sign", "python", "sum/python/wrong-answer", "WA", 60.0),
    sum("misses a bracket", "python", "sum/python/does-not-compile", "CE", 0.0),
    sum("loops for ever", "python", "sum/python/endless-loop", "TLE", 0.0),
    sum("raises an exception", "python", "sum/python/exception", "RTE", 0.0),
    sum("takes all memory", "python", "sum/python/out-of-memory", "MLE", 0.0),
    sum("prints for ever", "python", "sum/python/endless-output", "OLE", 0.0),
    sum("right", "c", "sum/c/accepted", "AC", 100.0),
    sum("right", "cpp", "sum/cpp/accepted", "AC", 100.0),
    library("5 files, 3 packages", "library/java/accepted", "AC", &[]),
    library("two entry points", "library/java/two-mains", "CE", &["library.app.First", "library.other.Second"]),
    library("no entry point", "library/java/no-main", "CE", &["no entry point"]),
    words("right", "java", "words/java/accepted", "AC", 100.0),
    words("right", "cpp", "words/cpp/accepted", "AC", 100.0),
    words("unsorted", "python", "words/python/unsorted", "WA", 70.0),
    words("case-sensitive", "python", "words/python/case-sensitive", "WA", 40.0),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn every_case_has_a_program_and_a_lab_that_takes_its_language() {
        for case in CASES {
            files::program(case.folder).expect(case.name);
            let (_, text) = files::LABS.iter().find(|(slug, _)| *slug == case.lab).expect(case.lab);
            let document = files::lab(text).expect(case.lab);
            assert!(document["languages"].as_array().is_some_and(|l| l.contains(&case.language.into())), "{case:?}");
        }
    }
}
