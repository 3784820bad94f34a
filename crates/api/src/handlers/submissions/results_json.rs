//! `GET /submissions/{submission}/results.json`

use axum::{Json, extract::State};
use iteratione_common::{
    ids::{LabId, SubmissionId},
    lab::Visibility,
    submission::TestResult,
    verdict::Verdict,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{access::SubmissionViewer, error::ApiError, problem::Problem, state::AppState, visibility::SubmissionView};

/// A submission's result in the form that Gradescope's autograders write.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsJson {
    /// Points after the late factor; stands above the sum of the tests.
    pub score: f64,
    /// Seconds of CPU time of all tests that the viewer may see the times of.
    pub execution_time: f64,
    /// What there is to say of the whole: the compiler's words, if it failed.
    pub output: String,
    /// Always `text`.
    pub output_format: &'static str,
    /// Always `visible`.
    pub visibility: &'static str,
    /// Always `hidden`: programs' output is shown test by test.
    pub stdout_visibility: &'static str,
    /// One per test, in lab order.
    pub tests: Vec<GradescopeTest>,
    /// What the form has no place for.
    pub extra_data: SubmissionExtra,
}

/// What Gradescope's form has no place for.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmissionExtra {
    /// The submission.
    pub submission: SubmissionId,
    /// The lab.
    pub lab: LabId,
    /// The lab's revision by which it is graded.
    pub revision: i32,
    /// The submission's verdict.
    pub verdict: Verdict,
    /// Points before the late factor.
    pub raw_score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// What lateness leaves of the points.
    pub late_factor: f64,
    /// The language.
    pub language: String,
}

/// A test.
#[derive(Debug, Serialize, ToSchema)]
pub struct GradescopeTest {
    /// Points earned.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// `passed` or `failed`.
    pub status: &'static str,
    /// Group and name.
    pub name: String,
    /// Group and place within it, from 1.
    pub number: String,
    /// What there is to say of it.
    pub output: String,
    /// Always `text`.
    pub output_format: &'static str,
    /// The verdict.
    pub tags: Vec<Verdict>,
    /// `visible`, `hidden` or `after_due_date`.
    pub visibility: &'static str,
    /// What the form has no place for.
    pub extra_data: TestExtra,
}

/// What Gradescope's form has no place for.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestExtra {
    /// CPU milliseconds.
    pub cpu_ms: Option<u64>,
    /// Elapsed milliseconds.
    pub wall_ms: Option<u64>,
    /// Peak memory in KiB.
    pub memory_kb: Option<u64>,
}

/// A graded submission as Gradescope's `results.json`, as far as the viewer may see it.
#[utoipa::path(
    get, path = "/submissions/{submission}/results.json", tag = "submissions",
    params(("submission" = SubmissionId, Path)),
    responses(
        (status = 200, body = ResultsJson),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_graded_yet`"),
    )
)]
pub(super) async fn get_results_json(
    who: SubmissionViewer,
    State(state): State<AppState>,
) -> Result<Json<ResultsJson>, ApiError> {
    let cut = who.cut(&state.pg).await?;
    results(cut.submission(who.submission, None)).map(Json)
}

/// What is not graded has no result to be exported.
pub(super) fn not_graded_yet() -> ApiError {
    ApiError::conflict("not_graded_yet", "This submission is not graded yet.")
}

fn results(view: SubmissionView) -> Result<ResultsJson, ApiError> {
    let line = view.line;
    let (Some(verdict), Some(score)) = (line.verdict, line.score) else { return Err(not_graded_yet()) };
    let compiler = view.compile.filter(|compile| !compile.ok).map(|compile| compile.output);
    let said: Vec<String> = view.message.into_iter().chain(compiler).collect();
    let output = said.join("\n");
    let cpu_ms: u64 = view.tests.iter().filter_map(|t| t.cpu_ms).sum();
    let mut tests: Vec<GradescopeTest> = Vec::with_capacity(view.tests.len());
    let (mut group, mut number) = (0, (String::new(), 0));
    for test in view.tests {
        if group == 0 || number.0 != test.group {
            (group, number) = (group + 1, (test.group.clone(), 0));
        }
        number.1 += 1;
        tests.push(gradescope(&test, format!("{group}.{}", number.1)));
    }
    Ok(ResultsJson {
        score,
        #[allow(clippy::cast_precision_loss, reason = "milliseconds")]
        execution_time: cpu_ms as f64 / 1000.0,
        output,
        output_format: "text",
        visibility: "visible",
        stdout_visibility: "hidden",
        tests,
        extra_data: SubmissionExtra {
            submission: line.id,
            lab: line.lab,
            revision: line.revision,
            verdict,
            raw_score: line.raw_score.unwrap_or(score),
            max_score: line.max_score.unwrap_or_default(),
            late_factor: line.late_factor,
            language: line.language,
        },
    })
}

fn gradescope(test: &TestResult, number: String) -> GradescopeTest {
    GradescopeTest {
        score: test.points,
        max_score: test.max_points,
        status: if test.verdict == Verdict::Ac { "passed" } else { "failed" },
        name: format!("{}: {}", test.group, test.name),
        number,
        output: said(test),
        output_format: "text",
        tags: vec![test.verdict],
        visibility: match test.visibility {
            Visibility::Sample | Visibility::Visible => "visible",
            Visibility::Hidden => "hidden",
            Visibility::AfterDue => "after_due_date",
        },
        extra_data: TestExtra { cpu_ms: test.cpu_ms, wall_ms: test.wall_ms, memory_kb: test.memory_kb },
    }
}

/// What there is to say of a test, one thing after the other.
fn said(test: &TestResult) -> String {
    let mut parts: Vec<String> = test.message.clone().into_iter().collect();
    for case in test.cases.iter().filter(|c| c.verdict != Verdict::Ac) {
        let message = case.message.as_deref().map(|m| format!(": {m}")).unwrap_or_default();
        parts.push(format!("{} {}{message}", case.verdict, case.name));
    }
    for (what, text) in
        [("Input", &test.stdin), ("Output", &test.stdout), ("Error output", &test.stderr), ("Expected", &test.expected)]
    {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            parts.push(format!("{what}:\n{text}"));
        }
    }
    parts.join("\n")
}
