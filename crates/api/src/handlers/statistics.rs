//! `GET /labs/{lab}/statistics`

#![allow(unused_qualifications, reason = "the macro for parameters qualifies what it names")]

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use iteratione_common::{
    ids::{LabId, UserId},
    store::{self, statistics},
    verdict::Verdict,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{access::LabStaff, error::ApiError, extract::Params, problem::Problem, state::AppState, visibility::late};

/// Tests and students that are listed.
const LISTED: i64 = 500;
/// Bins of the histogram.
const BINS: usize = 10;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_statistics))
}

/// The query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StuckAfter {
    /// Hand-ins without progress after which somebody counts as stuck, 1 to 100; 5 unless given.
    #[param(minimum = 1, maximum = 100)]
    stuck_after: Option<i64>,
}

/// How a lab goes. All numbers are of the course's students; internal errors are counted in `verdicts` only.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statistics {
    /// The lab.
    pub lab: LabId,
    /// Students of the course.
    pub students: i64,
    /// Of those, who handed in.
    pub submitted: i64,
    /// Of those, who were accepted at least once.
    pub passed: i64,
    /// Graded submissions.
    pub submissions: i64,
    /// Median of the points that count, after the late factor.
    pub median_score: Option<f64>,
    /// Students by the share of the points that count for them: ten equal parts, full points in the last.
    pub scores: Vec<i64>,
    /// Median of the attempts up to the first accepted one.
    pub median_attempts_to_pass: Option<f64>,
    /// Students by that number of attempts; 31 stands for more than 30.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub attempts_to_pass: BTreeMap<u32, i64>,
    /// Median seconds from the first hand-in to the first accepted one.
    pub median_seconds_to_pass: Option<f64>,
    /// Median seconds from `available_from` to the first accepted one; null without that date.
    pub median_seconds_from_available: Option<f64>,
    /// Submissions by verdict.
    pub verdicts: BTreeMap<String, i64>,
    /// Submissions by language.
    pub languages: BTreeMap<String, i64>,
    /// Each test, by the submissions that count of at most 2000 students.
    pub tests: Vec<TestStatistics>,
    /// Who gets no further, the longest first.
    pub stuck: Vec<StuckStudent>,
}

/// How students do in one test.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestStatistics {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Students whose submission ran it.
    pub run: i64,
    /// Of those, who passed it.
    pub passed: i64,
    /// `passed` over `run`.
    pub pass_rate: Option<f64>,
    /// The verdict that was most frequent among the others.
    pub common_failure: Option<Verdict>,
}

/// A student who gets no further.
#[derive(Debug, Serialize, ToSchema)]
pub struct StuckStudent {
    /// Account.
    pub user: UserId,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Attempts so far.
    pub attempts: i64,
    /// Attempts since the last progress.
    pub without_progress: i64,
    /// Best points so far.
    pub best_score: f64,
    /// The last attempt's verdict.
    pub last_verdict: Verdict,
    /// When that was handed in.
    pub last_at: Timestamp,
}

/// How a lab goes: who passes and who is stuck, and by which tests.
#[utoipa::path(
    get, path = "/labs/{lab}/statistics", tag = "grades",
    params(("lab" = LabId, Path), StuckAfter),
    responses((status = 200, body = Statistics), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub(super) async fn get_statistics(
    LabStaff(member): LabStaff,
    Params(StuckAfter { stuck_after }): Params<StuckAfter>,
    State(state): State<AppState>,
) -> Result<Json<Statistics>, ApiError> {
    let stuck_after = stuck_after.unwrap_or(5);
    if !(1..=100).contains(&stuck_after) {
        return Err(ApiError::field("stuck_after", "must be 1 to 100"));
    }
    let lab = member.lab.id;
    let rules = store::lab::rules(&state.pg, member.lab.published.unwrap_or(member.revision)).await?;
    let from = rules.and_then(|rules| rules.available_from);
    let summary = statistics::summary(&state.pg, lab, from).await?;
    let mut scores = vec![0; BINS];
    for (bin, count) in statistics::histogram(&state.pg, lab).await? {
        if let Some(place) = usize::try_from(bin).ok().and_then(|bin| scores.get_mut(bin)) {
            *place = count;
        }
    }
    let (mut verdicts, mut languages, mut attempts_to_pass) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for tally in statistics::tallies(&state.pg, lab).await? {
        match tally.list.as_str() {
            "verdict" => drop(verdicts.insert(tally.key, tally.count)),
            "language" => drop(languages.insert(tally.key, tally.count)),
            _ => drop(tally.key.parse().ok().and_then(|n: u32| attempts_to_pass.insert(n, tally.count))),
        }
    }
    Ok(Json(Statistics {
        lab,
        students: summary.students,
        submitted: summary.submitted,
        passed: summary.passed,
        submissions: summary.submissions,
        median_score: summary.median_score.map(|score| late(score, 1.0)),
        scores,
        median_attempts_to_pass: summary.median_attempts_to_pass,
        attempts_to_pass,
        median_seconds_to_pass: summary.median_seconds_to_pass,
        median_seconds_from_available: summary.median_seconds_from_start,
        verdicts,
        languages,
        tests: statistics::tests(&state.pg, lab, LISTED).await?.into_iter().map(TestStatistics::from).collect(),
        stuck: statistics::stuck(&state.pg, lab, stuck_after, LISTED).await?.into_iter().map(Into::into).collect(),
    }))
}

impl From<statistics::TestRate> for TestStatistics {
    fn from(row: statistics::TestRate) -> Self {
        let statistics::TestRate { group, name, run, passed, common_failure } = row;
        #[allow(clippy::cast_precision_loss, reason = "numbers of students")]
        let pass_rate = (run > 0).then(|| late(passed as f64 / run as f64, 1.0));
        Self { group, name, run, passed, pass_rate, common_failure }
    }
}

impl From<statistics::Stuck> for StuckStudent {
    fn from(row: statistics::Stuck) -> Self {
        Self {
            user: row.account,
            name: row.name,
            email: row.email,
            attempts: row.attempts,
            without_progress: row.without_progress,
            best_score: row.best,
            last_verdict: row.last_verdict,
            last_at: row.last_at.to_jiff(),
        }
    }
}

#[cfg(test)]
mod tests;
