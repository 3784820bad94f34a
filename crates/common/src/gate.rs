//! The publish gate: whether a lab's reference solutions got what they claim, what its starters got, and which time
//! limits its solutions speak for. Pure; [`crate::store::validation`] reads the grades and stores the outcome.

mod claims;
mod limits;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::limits::SuggestedLimit;
use crate::{
    ids::SubmissionId,
    lab::{Expectation, FileRole, LabDocument, SourceFile},
    submission::Grade,
    verdict::Verdict,
};

/// What publishing found out; stored with the lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Validation {
    /// Number of the revision that was tried.
    pub revision: i32,
    /// Whether each solution got what it claims and no starter passed.
    pub ok: bool,
    /// When the last of them was graded.
    pub finished_at: Timestamp,
    /// One per reference solution, in the document's order.
    pub solutions: Vec<SolutionOutcome>,
    /// One per language whose starter can be handed in as it is.
    #[serde(default)]
    pub starters: Vec<StarterOutcome>,
    /// Time limits that the accepted solutions speak for, by language.
    #[serde(default)]
    pub limits: Vec<SuggestedLimit>,
    /// What is no error, but worth a look: sentences for people.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// How a reference solution did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SolutionOutcome {
    /// Its name in the document.
    pub name: Option<String>,
    /// Its language.
    pub language: String,
    /// The submission by which it was graded.
    pub submission: SubmissionId,
    /// What it must get.
    pub expect: Expectation,
    /// What it got.
    pub verdict: Verdict,
    /// Points.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// Whether that is what it claims.
    pub ok: bool,
    /// One sentence for people where it is not.
    pub message: Option<String>,
    /// Its tests, in lab order.
    #[serde(default)]
    pub tests: Vec<TestOutcome>,
}

/// How a solution did in one test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestOutcome {
    /// The group's name.
    pub group: String,
    /// The test's name.
    pub name: String,
    /// Outcome.
    pub verdict: Verdict,
    /// CPU milliseconds of the whole tree.
    pub cpu_ms: Option<u64>,
    /// Elapsed milliseconds.
    pub wall_ms: Option<u64>,
    /// Peak memory in KiB.
    pub memory_kb: Option<u64>,
}

/// What the files that students begin with got, handed in unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StarterOutcome {
    /// Its language.
    pub language: String,
    /// The submission by which it was graded.
    pub submission: SubmissionId,
    /// What it got.
    pub verdict: Verdict,
    /// Points.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// Whether it did not pass.
    pub ok: bool,
    /// One sentence for people where it did.
    pub message: Option<String>,
}

/// Something that the gate hands in.
#[derive(Debug, Clone, PartialEq)]
pub struct Entrant {
    /// In column `submission.solution`: a solution's index in the document; -1, -2 … are the starters, in the order of
    /// their languages.
    pub key: i32,
    /// Language id.
    pub language: String,
    /// Sources.
    pub files: Vec<SourceFile>,
    /// Entry point, where there are several.
    pub main: Option<String>,
}

/// A graded entrant.
#[derive(Debug, Clone)]
pub struct Graded {
    /// The submission by which it was graded.
    pub submission: SubmissionId,
    /// What it got.
    pub grade: Grade,
}

/// All that is handed in when a lab is published: its solutions, and its starters if there are solutions that prove the
/// tests to be passable.
pub fn entrants(document: &LabDocument) -> Vec<Entrant> {
    let solutions = (0..).zip(&document.solutions).map(|(key, solution)| Entrant {
        key,
        language: solution.language.clone(),
        files: solution.files.clone(),
        main: solution.main.clone(),
    });
    solutions.chain(starters(document)).collect()
}

/// What a student has who changes nothing: the editable files. Without any there is nothing to hand in.
fn starters(document: &LabDocument) -> Vec<Entrant> {
    if document.solutions.is_empty() {
        return Vec::new();
    }
    let of = |(index, (language, files)): (i32, (&String, &Vec<crate::lab::StarterFile>))| {
        let own = files.iter().filter(|file| file.role == FileRole::Editable);
        let files: Vec<_> =
            own.map(|file| SourceFile { name: file.name.clone(), content: file.content.clone() }).collect();
        (!files.is_empty()).then(|| Entrant { key: -1 - index, language: language.clone(), files, main: None })
    };
    (0..).zip(&document.starter).filter_map(of).collect()
}

/// The outcome once all entrants are graded; `None` while one is missing.
pub fn judge(
    document: &LabDocument,
    revision: i32,
    graded: &BTreeMap<i32, Graded>,
    finished_at: Timestamp,
) -> Option<Validation> {
    let mut solutions = Vec::with_capacity(document.solutions.len());
    for (key, solution) in (0..).zip(&document.solutions) {
        let Graded { submission, grade } = graded.get(&key)?;
        let message = claims::objection(&solution.expect, grade);
        solutions.push(SolutionOutcome {
            name: solution.name.clone(),
            language: solution.language.clone(),
            submission: *submission,
            expect: solution.expect.clone(),
            verdict: grade.verdict,
            score: grade.score,
            max_score: grade.max_score,
            ok: message.is_none(),
            message,
            tests: grade.tests.iter().map(TestOutcome::of).collect(),
        });
    }
    let mut found = Vec::new();
    for entrant in starters(document) {
        let Graded { submission, grade } = graded.get(&entrant.key)?;
        let message = claims::starter_passes(grade);
        found.push(StarterOutcome {
            language: entrant.language,
            submission: *submission,
            verdict: grade.verdict,
            score: grade.score,
            max_score: grade.max_score,
            ok: message.is_none(),
            message,
        });
    }
    let limits = limits::suggest(document, &solutions);
    let warnings = limits::warnings(document, &solutions, &limits);
    let ok = solutions.iter().all(|s| s.ok) && found.iter().all(|s| s.ok);
    Some(Validation { revision, ok, finished_at, solutions, starters: found, limits, warnings })
}

impl SolutionOutcome {
    /// How people call it: by its name, else by its place.
    pub fn called(&self, index: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("solution {} ({})", index + 1, self.language))
    }
}

impl TestOutcome {
    fn of(test: &crate::submission::TestResult) -> Self {
        Self {
            group: test.group.clone(),
            name: test.name.clone(),
            verdict: test.verdict,
            cpu_ms: test.cpu_ms,
            wall_ms: test.wall_ms,
            memory_kb: test.memory_kb,
        }
    }
}

#[cfg(test)]
mod tests;
