//! Time limits that the accepted solutions speak for.
//!
//! The rule is that of the Kattis problem package format, `limits.time_multipliers.ac_to_time_limit`, whose default is 2:
//! a limit should be at least twice what the slowest accepted solution takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SolutionOutcome, TestOutcome};
use crate::{
    lab::{LabDocument, TestLimits},
    verdict::Verdict,
};

const AC_TO_LIMIT: u64 = 2;
/// Suggestions are round numbers, and none is below the least: starting a virtual machine takes that long on a busy host.
const STEP_MS: u64 = 100;
const LEAST_MS: u64 = 500;
/// A program that waits for input, or for a processor, is not the slower one.
const WALL_PER_CPU: u64 = 3;
/// A run that ended by itself although it took longer than its limit missed it by little (see `docs/VERDICTS.md`).
const CLEARLY_TOO_SLOW: f64 = 1.05;

/// A time limit for one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedLimit {
    /// Language id.
    pub language: String,
    /// CPU milliseconds of the slowest test of an accepted solution.
    pub slowest_ms: u64,
    /// Which test that was: group and name.
    pub slowest_test: String,
    /// Whose: the solution's name or place.
    pub slowest_solution: String,
    /// `limits.cpu_ms` that is suggested: twice that, in steps of 100 ms, at least 500 ms.
    pub cpu_ms: u64,
    /// `limits.wall_ms` that goes with it: three times as much.
    pub wall_ms: u64,
}

pub(super) fn suggest(document: &LabDocument, solutions: &[SolutionOutcome]) -> Vec<SuggestedLimit> {
    let mut slowest: BTreeMap<&str, (u64, String, String)> = BTreeMap::new();
    for (index, solution) in solutions.iter().enumerate().filter(|(_, s)| s.verdict == Verdict::Ac && s.ok) {
        for test in &solution.tests {
            let Some(cpu) = test.cpu_ms else { continue };
            let so_far = slowest.entry(&solution.language).or_insert_with(|| (0, String::new(), String::new()));
            if cpu >= so_far.0 {
                *so_far = (cpu, format!("{}/{}", test.group, test.name), solution.called(index));
            }
        }
    }
    let of = |language: &String| {
        let (slowest_ms, slowest_test, slowest_solution) = slowest.get(language.as_str())?.clone();
        let cpu_ms = (slowest_ms * AC_TO_LIMIT).div_ceil(STEP_MS).max(LEAST_MS / STEP_MS) * STEP_MS;
        let wall_ms = cpu_ms * WALL_PER_CPU;
        Some(SuggestedLimit { language: language.clone(), slowest_ms, slowest_test, slowest_solution, cpu_ms, wall_ms })
    };
    document.languages.iter().filter_map(of).collect()
}

pub(super) fn warnings(
    document: &LabDocument,
    solutions: &[SolutionOutcome],
    suggested: &[SuggestedLimit],
) -> Vec<String> {
    let mut found = Vec::new();
    for language in &document.languages {
        if !solutions.iter().any(|s| s.language == *language && s.verdict == Verdict::Ac) {
            found.push(format!("No solution in {language} is accepted: nothing shows that the lab can be done in it."));
        }
    }
    for (index, solution) in solutions.iter().enumerate() {
        for test in &solution.tests {
            let Some(limit) = limits_of(document, test).map(|l| l.cpu_ms) else { continue };
            let Some(cpu) = test.cpu_ms else { continue };
            let (called, place) = (solution.called(index), format!("{}/{}", test.group, test.name));
            if test.verdict == Verdict::Tle && close(cpu, limit) && solution.ok {
                found.push(format!(
                    "{called} misses the time limit of {place} by a hair ({cpu} of {limit} ms): on a faster machine it may pass."
                ));
            } else if solution.verdict == Verdict::Ac && cpu * AC_TO_LIMIT > limit {
                found.push(format!(
                    "{called} is accepted, but takes {cpu} ms of the {limit} ms of {place}: the limit should be at least twice as much as it takes."
                ));
            }
        }
    }
    if let Some(most) = suggested.iter().map(|s| s.cpu_ms).max()
        && document.limits.cpu_ms > most.saturating_mul(10)
    {
        found.push(format!(
            "The time limit of {} ms is more than ten times what the solutions speak for ({most} ms): programs that loop for ever keep others waiting.",
            document.limits.cpu_ms
        ));
    }
    found.truncate(50);
    found
}

/// Whether a run that took too long took only so much longer that it was measured and not cut.
fn close(cpu: u64, limit: u64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds are small")]
    let ratio = cpu as f64 / limit.max(1) as f64;
    (1.0..CLEARLY_TOO_SLOW).contains(&ratio)
}

fn limits_of(document: &LabDocument, of: &TestOutcome) -> Option<TestLimits> {
    let group = document.groups.iter().find(|g| g.name == of.group)?;
    let test = group.tests.iter().find(|t| t.name == of.name)?;
    Some(test.limits.unwrap_or(document.limits))
}
