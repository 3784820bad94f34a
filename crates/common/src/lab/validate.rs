//! Whether a lab document can be used: everything that is wrong with it, at once, each by its JSON pointer. What passes
//! can be stored and graded.

mod groups;
mod programs;
mod report;
mod schedule;
mod solutions;
#[cfg(test)]
mod tests;
mod units;

use serde::{Deserialize, Serialize};

use self::report::Report;
pub use self::report::escape;
pub use self::schedule::is_sensible;
use super::{LabDocument, TestLimits, Visibility};
use crate::language::Languages;
pub use crate::problem::Problem;

/// The most that a lab may ask for; the operator's choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceilings {
    /// CPU milliseconds of one test.
    pub cpu_ms: u64,
    /// Elapsed milliseconds of one test.
    pub wall_ms: u64,
    /// MiB of memory.
    pub memory_mb: u64,
    /// KiB of output of one test.
    pub output_kb: u64,
    /// Processes and threads at one time.
    pub processes: u64,
    /// Tests of one lab.
    pub tests: usize,
    /// Elapsed milliseconds of all tests of one submission together.
    pub total_wall_ms: u64,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self {
            cpu_ms: 60_000,
            wall_ms: 120_000,
            memory_mb: 1024,
            output_kb: 16 * 1024,
            processes: 256,
            tests: 500,
            total_wall_ms: 3_600_000,
        }
    }
}

/// Everything that is wrong with a document; at most [`MOST_PROBLEMS`], the last of which then says how many more.
pub fn validate(document: &LabDocument, languages: &Languages, ceilings: &Ceilings) -> Result<(), Vec<Problem>> {
    let mut report = Report::default();
    document_itself(&mut report, document, languages);
    groups::check(&mut report, document, ceilings);
    solutions::check(&mut report, document, languages);
    programs::check(&mut report, document, languages);
    units::check(&mut report, document, languages);
    schedule::check(&mut report, document);
    report.finish()
}

/// Problems listed in one answer: a document may hold a mistake a hundred thousand times.
pub const MOST_PROBLEMS: usize = 200;

/// What is allowed, but seldom meant.
pub fn warnings(document: &LabDocument) -> Vec<Problem> {
    let mut found = Vec::new();
    if document.solutions.is_empty() {
        found.push(Problem::new("/solutions", "there is no reference solution: publishing will prove nothing"));
    }
    programs::warn(&mut found, document);
    units::warn(&mut found, document);
    let mut tests = document.groups.iter().flat_map(|g| &g.tests);
    if !tests.clone().any(|t| t.visibility == Visibility::Sample) {
        found.push(Problem::new("/groups", "no test is a sample: students see no example before they submit"));
    }
    let short = |limits: TestLimits| limits.wall_ms < limits.cpu_ms;
    if short(document.limits) || tests.any(|t| t.limits.is_some_and(short)) {
        found.push(Problem::new("/limits", "wall_ms is below cpu_ms: the wall limit will strike first"));
    }
    found
}

const TITLE_CHARS: usize = 200;
const STATEMENT_BYTES: usize = 512 * 1024;

fn document_itself(report: &mut Report, document: &LabDocument, languages: &Languages) {
    report.label("/title", &document.title, TITLE_CHARS);
    report.text("/statement_md", &document.statement_md, STATEMENT_BYTES);
    if document.languages.is_empty() {
        report.add("/languages", "must name at least one language");
    }
    for (i, id) in document.languages.iter().enumerate() {
        let pointer = format!("/languages/{i}");
        if languages.get(id).is_none() {
            report.add(pointer, unknown_language(id, languages));
        } else if document.languages[..i].contains(id) {
            report.add(pointer, format!("{id} is listed twice"));
        }
    }
}

fn unknown_language(id: &str, languages: &Languages) -> String {
    let known = languages.iter().map(|l| l.id.as_str()).collect::<Vec<_>>().join(", ");
    format!("there is no language {}; there are {known}", report::quote(id))
}

/// The longest slug, in bytes.
pub const SLUG_BYTES: usize = 64;

/// What is wrong with a slug, if anything: lower-case letters, digits and inner single hyphens make an address that
/// needs no escaping and that people can say.
pub fn slug(text: &str) -> Result<(), String> {
    let good = !text.is_empty()
        && text.len() <= SLUG_BYTES
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    if good {
        Ok(())
    } else {
        Err(format!("must be 1 to {SLUG_BYTES} lower-case letters and digits, with single hyphens between them"))
    }
}
