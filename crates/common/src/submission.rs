//! A submission's result: stored whole by the grader, cut to what the viewer may see by the API.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    diagnostic::Diagnostic,
    lab::{Scoring, Visibility},
    verdict::Verdict,
};

/// Where a submission is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "submission_status", rename_all = "snake_case")]
pub enum SubmissionStatus {
    /// Waiting for a grader.
    Queued,
    /// A grader has it.
    Running,
    /// Final.
    Done,
}

/// Which limit a TLE broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeLimit {
    /// CPU time.
    Cpu,
    /// Elapsed time.
    Wall,
}

/// What the grader found: the part of a result that is stored as one JSON document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Grade {
    /// The first failing test's verdict, `AC` if none failed.
    pub verdict: Verdict,
    /// Points before any late factor.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// How compiling went; `None` if it was not tried.
    pub compile: Option<CompileResult>,
    /// One per group, in lab order.
    pub groups: Vec<GroupResult>,
    /// One per test, in lab order.
    pub tests: Vec<TestResult>,
    /// One sentence for people, e.g. why there is no entry point.
    pub message: Option<String>,
}

/// How compiling went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CompileResult {
    /// Whether the program can run.
    pub ok: bool,
    /// CPU milliseconds of the compiler.
    pub cpu_ms: u64,
    /// What the compiler said, file by file.
    pub diagnostics: Vec<Diagnostic>,
    /// What the compiler printed, cut to 64 KiB, with the student's file names.
    pub output: String,
}

/// What a group earned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GroupResult {
    /// The group's name.
    pub name: String,
    /// The first failing test's verdict, `AC` if none failed.
    pub verdict: Verdict,
    /// How points were made.
    pub scoring: Scoring,
    /// Points earned.
    pub points: f64,
    /// Points that could be had.
    pub max_points: f64,
}

/// What one test gave. Students see the optional parts only where visibility allows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestResult {
    /// The group's name.
    pub group: String,
    /// The test's name.
    pub name: String,
    /// What students see of it.
    pub visibility: Visibility,
    /// Outcome.
    pub verdict: Verdict,
    /// The limit a TLE broke.
    pub limit: Option<TimeLimit>,
    /// Points earned.
    pub points: f64,
    /// Points that could be had: its share of the group's.
    pub max_points: f64,
    /// CPU milliseconds of the whole tree.
    pub cpu_ms: Option<u64>,
    /// Elapsed milliseconds.
    pub wall_ms: Option<u64>,
    /// Peak memory in KiB.
    pub memory_kb: Option<u64>,
    /// Exit code of the program.
    pub exit_code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
    /// Its input, cut to 16 KiB.
    pub stdin: Option<String>,
    /// Its output, cut to 16 KiB.
    pub stdout: Option<String>,
    /// Its error output, cut to 16 KiB.
    pub stderr: Option<String>,
    /// What was expected, cut to 16 KiB.
    pub expected: Option<String>,
    /// One sentence for people: where the output differs, what ended the program.
    pub message: Option<String>,
    /// What a judging program told the instructor (`judgemessage.txt`), cut to 16 KiB. Staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_message: Option<String>,
    /// The methods of a unit test, in the order that was fixed before the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseResult>,
    /// Why staff should look at this run: signs of tampering, one sentence each. Staff only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspicious: Vec<String>,
}

/// What one method of a unit test gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CaseResult {
    /// `Class.method`, with an index or a display name where one method makes several.
    pub name: String,
    /// Outcome.
    pub verdict: Verdict,
    /// Points earned.
    pub points: f64,
    /// Points that could be had: its share of the test's.
    pub max_points: f64,
    /// Elapsed milliseconds.
    pub wall_ms: Option<u64>,
    /// One sentence for people, with the student's own line where there is one.
    pub message: Option<String>,
    /// The trace, trimmed to the student's frames, cut to 16 KiB.
    pub trace: Option<String>,
}

impl TestResult {
    /// The result of a test that did not run and earned nothing: what every other result begins as.
    pub fn not_run(group: &str, name: &str, visibility: Visibility) -> Self {
        Self {
            group: group.to_owned(),
            name: name.to_owned(),
            visibility,
            verdict: Verdict::Sk,
            limit: None,
            points: 0.0,
            max_points: 0.0,
            cpu_ms: None,
            wall_ms: None,
            memory_kb: None,
            exit_code: None,
            signal: None,
            stdin: None,
            stdout: None,
            stderr: None,
            expected: None,
            message: None,
            judge_message: None,
            cases: Vec::new(),
            suspicious: Vec::new(),
        }
    }
}

/// A live event of one submission. `test` and `compile` carry the whole, uncut result; the API cuts per viewer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The status changed; on `running` with a higher attempt, earlier tests are void.
    Status {
        /// New status.
        status: SubmissionStatus,
        /// Which attempt of the grader, from 1.
        attempt: i32,
    },
    /// Compiling has ended.
    Compile {
        /// Its result.
        compile: CompileResult,
        /// Attempt it belongs to.
        attempt: i32,
    },
    /// A test has ended.
    Test {
        /// Its result.
        test: Box<TestResult>,
        /// Place in the lab's order, from 0.
        index: usize,
        /// Tests in all.
        of: usize,
        /// Attempt it belongs to.
        attempt: i32,
    },
    /// The grade is recorded; read it from the store.
    Done {
        /// The submission's verdict.
        verdict: Verdict,
        /// Score before any late factor.
        score: f64,
        /// When it was recorded.
        finished_at: Timestamp,
    },
}
