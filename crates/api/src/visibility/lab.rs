//! Labs, cut to the viewer.

use std::collections::BTreeMap;

use iteratione_common::{
    ids::{CourseId, LabId},
    lab::{
        Allowance, Attempts, Checker, Counting, FileRole, JudgeProgram, LabDocument, LateRule, ProgramCall, Scoring,
        Solution, StarterFile, Test, TestFile, TestGroup, TestKind, TestLimits, Visibility,
    },
    store::{LabStatus, lab::LabRow},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A lab. Staff get the whole document of the newest revision; students get the published one without solutions,
/// hidden starter files and whatever visibility hides of tests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LabView {
    /// Its id.
    pub id: LabId,
    /// Its course.
    pub course: CourseId,
    /// Its address in the course.
    pub slug: String,
    /// Of the revision shown.
    pub status: LabStatus,
    /// The number of the revision shown.
    pub revision: i32,
    /// The number of the revision that students see.
    pub published_revision: Option<i32>,
    /// Whether students may see and submit by now.
    pub available: bool,
    /// The server's clock, to count down by.
    pub now: Timestamp,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Title.
    pub title: String,
    /// Statement in Markdown; null before `available_from`.
    pub statement_md: Option<String>,
    /// Languages that a submission may be in.
    pub languages: Vec<String>,
    /// Limits of each test.
    pub limits: TestLimits,
    /// Starter files by language.
    pub starter: BTreeMap<String, Vec<StarterFile>>,
    /// Test groups.
    pub groups: Vec<GroupView>,
    /// Points of all groups.
    pub max_score: f64,
    /// Students see and submit from this moment on.
    pub available_from: Option<Timestamp>,
    /// Deadline.
    pub due_at: Option<Timestamp>,
    /// Factors after the deadline.
    pub late: Vec<LateRule>,
    /// How often a student may submit.
    pub attempts: Attempts,
    /// Which of a student's submissions counts for the gradebook.
    pub counting: Counting,
    /// The viewer's own attempts; students only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnAttempts>,
    /// The instructor's programs that judge, by name; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub programs: Option<BTreeMap<String, JudgeProgram>>,
    /// What submissions may use although they meet unit tests; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<Allowance>>,
    /// Reference solutions; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solutions: Option<Vec<Solution>>,
    /// What publishing found out, one entry per reference solution; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<serde_json::Value>,
}

/// How often a student has submitted, and may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnAttempts {
    /// Submissions that count so far.
    pub used: i64,
    /// How many are left; null for no bound.
    pub left: Option<i64>,
    /// How many of them can be made right now; null for no bound per hour.
    pub left_now: Option<u32>,
    /// When the next is allowed, if not now.
    pub next_at: Option<Timestamp>,
}

/// A group of tests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GroupView {
    /// Its name.
    pub name: String,
    /// Points of the whole group.
    pub points: f64,
    /// How points are made.
    pub scoring: Scoring,
    /// Earlier groups that must be passed in full.
    pub requires: Vec<String>,
    /// Its tests.
    pub tests: Vec<TestOutlineView>,
}

/// A test; the optional parts are there for staff, and for students if the test is a sample.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TestOutlineView {
    /// Its name.
    pub name: String,
    /// What students see of it.
    pub visibility: Visibility,
    /// Its kind.
    pub kind: TestKind,
    /// Weight within the group.
    pub points: f64,
    /// Standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdin: Option<String>,
    /// Command line arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Files in the program's working folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<TestFile>>,
    /// Expected standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// How output is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checker: Option<Checker>,
    /// The program at the other end of an interactive test; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactor: Option<ProgramCall>,
    /// How often the program may run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<u32>,
    /// Weights of a unit test's methods; staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<BTreeMap<String, f64>>,
    /// Limits of this test alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<TestLimits>,
    /// The instructor's words for when it fails; staff only before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The newest revision, whole.
pub fn lab_for_staff(row: LabRow, document: LabDocument, now: Timestamp) -> LabView {
    let number = row.newest_number;
    let status = row.status;
    let validation = row.validation.clone();
    let mut view = head(row, number, status, &document, now);
    view.statement_md = Some(document.statement_md);
    view.starter = document.starter;
    view.groups = document.groups.into_iter().map(|g| group(g, |test| whole(test, true))).collect();
    view.programs = Some(document.programs);
    view.allow = Some(document.allow);
    view.solutions = Some(document.solutions);
    view.validation = validation;
    view
}

/// The published revision, as far as students may see it at this moment.
pub fn lab_for_student(row: LabRow, number: i32, document: LabDocument, own: OwnAttempts, now: Timestamp) -> LabView {
    let mut view = head(row, number, LabStatus::Published, &document, now);
    if !view.available {
        return view;
    }
    view.own = Some(own);
    view.statement_md = Some(document.statement_md);
    view.starter = document.starter;
    for files in view.starter.values_mut() {
        files.retain(|file| file.role != FileRole::Hidden);
    }
    view.groups = document
        .groups
        .into_iter()
        .map(|g| {
            group(g, |test| if test.visibility == Visibility::Sample { whole(test, false) } else { outline(&test) })
        })
        .collect();
    view
}

/// What a student may know even before the lab is available.
fn head(row: LabRow, revision: i32, status: LabStatus, document: &LabDocument, now: Timestamp) -> LabView {
    LabView {
        id: row.id,
        course: row.course,
        slug: row.slug,
        status,
        revision,
        published_revision: row.published_number,
        available: document.available_from.is_none_or(|from| from <= now),
        now,
        created_at: row.created_at,
        updated_at: row.updated_at,
        title: document.title.clone(),
        statement_md: None,
        languages: document.languages.clone(),
        limits: document.limits,
        starter: BTreeMap::new(),
        groups: Vec::new(),
        max_score: document.groups.iter().map(|g| g.points).sum(),
        available_from: document.available_from,
        due_at: document.due_at,
        late: document.late.clone(),
        attempts: document.attempts,
        counting: document.counting,
        own: None,
        programs: None,
        allow: None,
        solutions: None,
        validation: None,
    }
}

fn group(group: TestGroup, test: impl Fn(Test) -> TestOutlineView) -> GroupView {
    GroupView {
        name: group.name,
        points: group.points,
        scoring: group.scoring,
        requires: group.requires,
        tests: group.tests.into_iter().map(test).collect(),
    }
}

/// For students it is an example. What an interactor reads is none, and how a program of the lab's is called is its own
/// business.
fn whole(test: Test, staff: bool) -> TestOutlineView {
    let shown = staff || test.kind != TestKind::Interactive;
    TestOutlineView {
        name: test.name,
        visibility: test.visibility,
        kind: test.kind,
        points: test.points,
        stdin: Some(test.stdin).filter(|_| shown),
        args: Some(test.args),
        files: Some(test.files),
        expected: Some(test.expected).filter(|_| shown),
        checker: Some(test.checker).filter(|checker| staff || !matches!(checker, Checker::Program(_))),
        interactor: test.interactor.filter(|_| staff),
        passes: Some(test.passes).filter(|passes| *passes > 1),
        weights: Some(test.weights).filter(|weights| staff && !weights.is_empty()),
        limits: test.limits,
        message: test.message.filter(|_| staff),
    }
}

fn outline(test: &Test) -> TestOutlineView {
    TestOutlineView {
        name: test.name.clone(),
        visibility: test.visibility,
        kind: test.kind,
        points: test.points,
        stdin: None,
        args: None,
        files: None,
        expected: None,
        checker: None,
        interactor: None,
        passes: None,
        weights: None,
        limits: None,
        message: None,
    }
}
