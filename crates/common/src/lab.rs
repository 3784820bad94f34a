//! The lab document: what an instructor posts. Field names are a contract with clients.

pub mod bucket;
mod default_validator;
pub mod validate;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::verdict::Verdict;

/// A whole lab, as posted by `PUT /courses/{course}/labs/{slug}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = example)]
pub struct LabDocument {
    /// Title, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// Statement in Markdown.
    #[serde(default)]
    pub statement_md: String,
    /// Languages that a submission may be in; at least one.
    #[schema(min_items = 1)]
    pub languages: Vec<String>,
    /// Limits of each test.
    #[serde(default)]
    pub limits: TestLimits,
    /// Starter files by language.
    #[serde(default)]
    pub starter: BTreeMap<String, Vec<StarterFile>>,
    /// Test groups in order; at least one.
    #[serde(default)]
    #[schema(required = true, min_items = 1, max_items = 100)]
    pub groups: Vec<TestGroup>,
    /// The instructor's programs that judge: checkers and interactors, by name. They run in jails of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub programs: BTreeMap<String, JudgeProgram>,
    /// Reference solutions and what they must get.
    #[serde(default)]
    pub solutions: Vec<Solution>,
    /// Students see and submit from this moment on.
    #[serde(default)]
    pub available_from: Option<Timestamp>,
    /// Deadline; later submissions need a `late` rule.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// Factors for late submissions, in order of time.
    #[serde(default)]
    pub late: Vec<LateRule>,
    /// How often a student may submit.
    #[serde(default)]
    pub attempts: Attempts,
    /// Which of a student's submissions counts for the gradebook.
    #[serde(default, skip_serializing_if = "is_best")]
    pub counting: Counting,
    /// What submissions may use although they meet unit tests; it is marked then, and refused otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allowance>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_best(counting: &Counting) -> bool {
    *counting == Counting::Best
}

/// Which of a student's submissions counts. Internal errors never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// The best score after the late factor; of equal ones the earliest.
    #[default]
    Best,
    /// The last.
    Last,
}

/// A lab for those who look at the OpenAPI document.
fn example() -> serde_json::Value {
    serde_json::json!({
        "title": "Sum of two",
        "statement_md": "Read two integers, print their sum.",
        "languages": ["python"],
        "groups": [{
            "name": "basics",
            "points": 10,
            "tests": [
                {"name": "small", "visibility": "sample", "stdin": "1 2\n", "expected": "3\n"},
                {"name": "negative", "stdin": "-7 5\n", "expected": "-2\n"},
            ],
        }],
        "solutions": [{
            "language": "python",
            "files": [{"name": "main.py", "content": "print(sum(map(int, input().split())))\n"}],
            "expect": {"score": 10},
        }],
    })
}

/// Something that a submission may use where it meets unit tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// Reflection: a program that uses it could reach into the tests.
    Reflection,
}

/// A program of the instructor's that judges. It is called as the Kattis problem package format says: `program input
/// answer feedback_dir [args]`, and ends with 42 (accepted) or 43 (wrong); any other end is the judge's fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgeProgram {
    /// Language id: any that is offered, not only those of the lab.
    pub language: String,
    /// Sources.
    pub files: Vec<SourceFile>,
    /// Entry point, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<String>,
}

/// One of the lab's `programs`, and the arguments that it gets after the three of the convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProgramCall {
    /// A name in the lab's `programs`.
    pub program: String,
    /// Further arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
}

/// Limits of one test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TestLimits {
    /// User + system CPU milliseconds of the whole process tree.
    #[schema(minimum = 10)]
    pub cpu_ms: u64,
    /// Elapsed milliseconds.
    #[schema(minimum = 10)]
    pub wall_ms: u64,
    /// Memory of the jail in MiB.
    #[schema(minimum = 16)]
    pub memory_mb: u64,
    /// Bytes of stdout and stderr together, in KiB.
    #[schema(minimum = 1)]
    pub output_kb: u64,
    /// Processes and threads at one time.
    #[schema(minimum = 1)]
    pub processes: u64,
}

impl Default for TestLimits {
    /// The example of the lab document's contract.
    fn default() -> Self {
        Self { cpu_ms: 2000, wall_ms: 6000, memory_mb: 256, output_kb: 1024, processes: 64 }
    }
}

/// A file that students begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StarterFile {
    /// Flat file name.
    pub name: String,
    /// Text.
    pub content: String,
    /// Who may see and change it.
    #[serde(default)]
    pub role: FileRole,
}

/// What a student may do with a starter file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// See and change.
    #[default]
    Editable,
    /// See only; the instructor's text replaces whatever is submitted under that name.
    Locked,
    /// Not even see; added to each submission.
    Hidden,
}

/// Tests that are scored together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestGroup {
    /// Unique within the lab.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Points that the whole group is worth.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub points: f64,
    /// How the tests' results make the group's points.
    #[serde(default)]
    pub scoring: Scoring,
    /// Names of earlier groups that must be passed in full, or this one is skipped.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Tests in order; at least one.
    #[schema(min_items = 1)]
    pub tests: Vec<Test>,
}

/// How a group is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scoring {
    /// Each test earns its share.
    #[default]
    Sum,
    /// The group earns what its worst test earns.
    Min,
    /// All tests or nothing.
    All,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Unique within its group.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What students see of it.
    #[serde(default)]
    pub visibility: Visibility,
    /// What is run, and how it is judged.
    #[serde(default)]
    pub kind: TestKind,
    /// Standard input. Of an `interactive` test: the input of the interactor, which the student's program never sees.
    #[serde(default)]
    pub stdin: String,
    /// Command line arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Files in the program's working folder. Of a `junit` or `pytest` test: the instructor's test classes or modules.
    #[serde(default)]
    pub files: Vec<TestFile>,
    /// Expected standard output. Never enters the jail.
    #[serde(default)]
    pub expected: String,
    /// Weight within the group.
    #[serde(default = "one")]
    pub points: f64,
    /// How output is compared.
    #[serde(default)]
    pub checker: Checker,
    /// Of an `interactive` test: the program at the other end of the student's input and output. It judges; there is no
    /// checker then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactor: Option<ProgramCall>,
    /// How often the program may run at most: each time the judging program accepts and leaves a `nextpass.in`, it runs
    /// again with that as its input.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub passes: u32,
    /// Of a `junit` or `pytest` test: weights of its methods, by `Class.method` or `method`, over those in the tests
    /// themselves (`@Tag("points=5")`). All others weigh 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, f64>,
    /// Limits of this test alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<TestLimits>,
    /// Shown to students when the test fails, whatever its visibility.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

fn one() -> f64 {
    1.0
}

fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_once(passes: &u32) -> bool {
    *passes == 1
}

/// Kind of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestKind {
    /// Standard input in, standard output compared.
    #[default]
    Io,
    /// The student's program and an interactor talk to each other.
    Interactive,
    /// JUnit 5 and 4 test classes of the instructor's.
    Junit,
    /// Modules of pytest or unittest of the instructor's.
    Pytest,
}

/// What students see of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everything, also before submitting.
    Sample,
    /// Everything, in results.
    Visible,
    /// Name, points and verdict.
    #[default]
    Hidden,
    /// As `hidden`, and not even run before the deadline.
    AfterDue,
}

/// A file for a test's working folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// Flat file name.
    pub name: String,
    /// Text.
    pub content: String,
}

/// How the output of a test is compared with what is expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Checker {
    /// Byte for byte.
    Exact {},
    /// Line by line; blanks at line ends and empty lines at the end are ignored.
    Lines {},
    /// Blank-separated words, numbers with tolerance if one is given: the rules of the Kattis package format's default output
    /// validator, see `docs/CHECKERS.md`.
    Tokens {
        /// Absolute tolerance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        float_abs: Option<f64>,
        /// Relative tolerance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        float_rel: Option<f64>,
        /// Whether `YES` differs from `yes`.
        #[serde(default = "yes")]
        case_sensitive: bool,
        /// Whether the blanks between, before and after the words must be the same too.
        #[serde(default, skip_serializing_if = "is_false")]
        space_sensitive: bool,
    },
    /// The same lines in any order; blanks at line ends and empty lines at the end are ignored.
    UnorderedLines {},
    /// `expected` is a regular expression that the whole output (less blanks at its end) must match.
    Regex {},
    /// One of the lab's `programs` decides; `expected` is its answer file.
    Program(ProgramCall),
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Default for Checker {
    fn default() -> Self {
        Self::Tokens { float_abs: None, float_rel: None, case_sensitive: true, space_sensitive: false }
    }
}

/// A reference solution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Solution {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Language id.
    pub language: String,
    /// Sources.
    pub files: Vec<SourceFile>,
    /// Entry point, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<String>,
    /// What it must get.
    pub expect: Expectation,
}

/// What a reference solution must get; at least one of the three.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Exactly this score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// This verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// One of these verdicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
}

impl Expectation {
    /// Whether it claims anything.
    pub fn is_empty(&self) -> bool {
        self.score.is_none() && self.verdict.is_none() && self.verdicts.is_empty()
    }

    /// The verdicts that are right, for people: `AC or TLE`; empty if any is.
    pub fn verdicts_in_words(&self) -> String {
        self.allowed().iter().map(|verdict| verdict.as_str()).collect::<Vec<_>>().join(" or ")
    }

    /// Every verdict that is right; none at all if any is.
    pub fn allowed(&self) -> Vec<Verdict> {
        self.verdict.map_or_else(|| self.verdicts.clone(), |verdict| vec![verdict])
    }
}

/// Factor for submissions after the deadline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LateRule {
    /// Up to this moment.
    pub until: Timestamp,
    /// Multiplies the score; 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    pub factor: f64,
}

/// How often a student may submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attempts {
    /// In all; `null` for no bound. Internal errors do not count.
    #[schema(minimum = 1)]
    pub max: Option<u32>,
    /// In any hour; `null` for no bound.
    #[schema(minimum = 1)]
    pub per_hour: Option<u32>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { max: None, per_hour: Some(30) }
    }
}

/// A source file: flat name and text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Flat file name.
    pub name: String,
    /// Text.
    pub content: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn a_checker_knows_its_own_fields_and_no_others() {
        assert_eq!(from_value::<Checker>(json!({"type": "exact"})).ok(), Some(Checker::Exact {}));
        for kind in ["exact", "lines", "tokens", "unordered_lines", "regex"] {
            let error = from_value::<Checker>(json!({"type": kind, "expected": "("})).expect_err(kind).to_string();
            assert!(error.contains("unknown field `expected`"), "{error}");
        }
        assert_eq!(serde_json::to_value(Checker::Regex {}).ok(), Some(json!({"type": "regex"})));
    }
}
