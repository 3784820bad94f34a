//! Submissions' results, cut to the viewer.

use std::{collections::HashMap, fmt::Write as _};

use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    ids::{CourseId, LabId, SubmissionId, UserId},
    lab::Visibility,
    store::{job::INTERNAL_ERROR, lab::Outline, submission::SubmissionRow},
    submission::{CaseResult, CompileResult, GroupResult, SubmissionStatus, TestResult},
    verdict::Verdict,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Viewer;

/// A submission and its result, as far as the viewer may see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubmissionView {
    /// What lists say of it too.
    #[serde(flatten)]
    pub line: SubmissionLine,
    /// One sentence for people, e.g. why there is no entry point.
    pub message: Option<String>,
    /// How compiling went; null until then.
    pub compile: Option<CompileResult>,
    /// One per group, in lab order.
    pub groups: Vec<GroupResult>,
    /// One per test, in lab order.
    pub tests: Vec<TestResult>,
}

/// What a list says of a submission.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SubmissionLine {
    /// Its id.
    pub id: SubmissionId,
    /// Its course.
    pub course: CourseId,
    /// Its lab.
    pub lab: LabId,
    /// The lab's revision that it is graded by.
    pub revision: i32,
    /// Who handed it in.
    pub user: UserId,
    /// Its language.
    pub language: String,
    /// The entry point that was asked for.
    pub main: Option<String>,
    /// Where it is on its way.
    pub status: SubmissionStatus,
    /// While queued: 1 for the next.
    pub queue_position: Option<i64>,
    /// The first failing test's.
    pub verdict: Option<Verdict>,
    /// Points after the late factor.
    pub score: Option<f64>,
    /// Points before it.
    pub raw_score: Option<f64>,
    /// Points that can be had.
    pub max_score: Option<f64>,
    /// What lateness leaves of the points; 1 in time.
    pub late_factor: f64,
    /// When the server received it.
    pub created_at: Timestamp,
    /// When its result was recorded.
    pub finished_at: Option<Timestamp>,
    /// The student's n-th submission to this lab, from 1.
    pub attempt: i32,
    /// How often grading was begun.
    pub grading_attempt: i32,
    /// When a rejudge last replaced its grade.
    pub regraded_at: Option<Timestamp>,
}

impl SubmissionLine {
    /// A stored submission as a line.
    pub fn new(row: &SubmissionRow, queue_position: Option<i64>) -> Self {
        Self {
            id: row.id,
            course: row.course,
            lab: row.lab,
            revision: row.revision_number,
            user: row.account,
            language: row.language.clone(),
            main: row.main.clone(),
            status: row.status,
            queue_position,
            verdict: row.verdict,
            score: row.score.map(|score| late(score, row.late_factor)),
            raw_score: row.score,
            max_score: row.max_score,
            late_factor: row.late_factor,
            created_at: row.created_at,
            finished_at: row.finished_at,
            attempt: row.ordinal,
            grading_attempt: row.grading_attempt,
            regraded_at: row.regraded_at,
        }
    }
}

/// A score after the late factor, without the dust of binary fractions.
pub fn late(score: f64, factor: f64) -> f64 {
    (score * factor * 1e6).round() / 1e6
}

/// Cuts one submission's results for one viewer.
#[derive(Debug)]
pub struct Cut {
    viewer: Viewer,
    tests: HashMap<(String, String), (Visibility, Option<String>)>,
    hidden_files: Vec<String>,
}

impl Cut {
    /// For staff: nothing is cut.
    pub fn nothing() -> Self {
        Self { viewer: Viewer::Staff, tests: HashMap::new(), hidden_files: Vec::new() }
    }

    /// For the student whose submission it is; the outline is that of the revision it is graded by.
    pub fn for_owner(outline: Outline) -> Self {
        let tests = outline.tests.into_iter().map(|t| ((t.group, t.name), (t.visibility, t.message)));
        Self { viewer: Viewer::Owner, tests: tests.collect(), hidden_files: outline.hidden_files }
    }

    /// A stored submission with its result.
    pub fn submission(&self, row: SubmissionRow, queue_position: Option<i64>) -> SubmissionView {
        let line = SubmissionLine::new(&row, queue_position);
        let Some(grade) = row.grade else {
            return SubmissionView { line, message: None, compile: None, groups: Vec::new(), tests: Vec::new() };
        };
        SubmissionView {
            line,
            message: self.message(grade.verdict, grade.message),
            compile: grade.compile.map(|c| self.compile(c)),
            groups: grade.groups,
            tests: grade.tests.into_iter().map(|t| self.test(t)).collect(),
        }
    }

    /// The sentence about the whole submission. What the grader says of compiling is about the student's own files;
    /// why the judge failed is for staff.
    fn message(&self, verdict: Verdict, message: Option<String>) -> Option<String> {
        match (self.viewer, verdict) {
            (Viewer::Staff, _) | (Viewer::Owner, Verdict::Ce) => message,
            (Viewer::Owner, Verdict::Ie) => Some(INTERNAL_ERROR.to_owned()),
            (Viewer::Owner, _) => None,
        }
    }

    /// A test's result.
    pub fn test(&self, test: TestResult) -> TestResult {
        if self.viewer == Viewer::Staff {
            return test;
        }
        let known = self.tests.get(&(test.group.clone(), test.name.clone()));
        // What the revision does not know is hidden, and so is what either of the two calls hidden.
        let open = open(test.visibility) && known.is_some_and(|(visibility, _)| open(*visibility));
        let failed = !matches!(test.verdict, Verdict::Ac | Verdict::Sk);
        let instructors = known.and_then(|(_, message)| message.clone()).filter(|_| failed);
        if open {
            let message = match (instructors, test.message) {
                (Some(instructors), Some(found)) => Some(format!("{instructors}\n{found}")),
                (instructors, found) => instructors.or(found),
            };
            return TestResult { message, judge_message: None, suspicious: Vec::new(), ..test };
        }
        TestResult {
            group: test.group,
            name: test.name,
            visibility: test.visibility,
            verdict: test.verdict,
            points: test.points,
            max_points: test.max_points,
            message: instructors,
            limit: None,
            cpu_ms: None,
            wall_ms: None,
            memory_kb: None,
            exit_code: None,
            signal: None,
            stdin: None,
            stdout: None,
            stderr: None,
            expected: None,
            judge_message: None,
            cases: test
                .cases
                .into_iter()
                .map(|c| CaseResult { wall_ms: None, message: None, trace: None, ..c })
                .collect(),
            suspicious: Vec::new(),
        }
    }

    /// The compiler's result. Compilers quote source lines, so that a student could read a hidden starter file by
    /// breaking what it relies on: diagnostics inside such a file are blunted, and the raw output, which holds them
    /// too, is written anew from the rest.
    pub fn compile(&self, compile: CompileResult) -> CompileResult {
        let betrays = |text: &str| self.hidden_files.iter().any(|name| text.contains(name.as_str()));
        let inside = |d: &Diagnostic| {
            d.file.as_ref().is_some_and(|file| self.hidden_files.contains(file)) || betrays(&d.message)
        };
        if self.viewer == Viewer::Staff || !(betrays(&compile.output) || compile.diagnostics.iter().any(inside)) {
            return compile;
        }
        let mut diagnostics: Vec<Diagnostic> = Vec::with_capacity(compile.diagnostics.len());
        for diagnostic in compile.diagnostics {
            if !inside(&diagnostic) {
                diagnostics.push(diagnostic);
                continue;
            }
            let blunt = Diagnostic {
                file: None,
                line: None,
                column: None,
                severity: diagnostic.severity,
                message: "Your code does not fit a file that the instructor adds to it.".to_owned(),
            };
            if !diagnostics.contains(&blunt) {
                diagnostics.push(blunt);
            }
        }
        let output = diagnostics.iter().map(line_of).collect();
        CompileResult { ok: compile.ok, cpu_ms: compile.cpu_ms, diagnostics, output }
    }
}

fn open(visibility: Visibility) -> bool {
    match visibility {
        Visibility::Sample | Visibility::Visible => true,
        Visibility::Hidden | Visibility::AfterDue => false,
    }
}

fn line_of(d: &Diagnostic) -> String {
    let severity = match d.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut place = d.file.clone().unwrap_or_default();
    for number in [d.line, d.column].into_iter().flatten().filter(|_| d.file.is_some()) {
        // Writing to a string cannot fail.
        let _ = write!(place, ":{number}");
    }
    let gap = if place.is_empty() { "" } else { ": " };
    format!("{place}{gap}{severity}: {}\n", d.message)
}
