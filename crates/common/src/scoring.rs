//! From tests' verdicts to groups, points and the submission's verdict.
//!
//! A test's share of its group is its weight over the group's weights. `sum` adds up the shares earned; `min` gives the
//! smallest fraction that any test earned; `all` everything or nothing. Points are kept to six decimals.

use crate::{
    lab::{LabDocument, Scoring, Test, TestGroup, Visibility},
    submission::{GroupResult, TestResult},
    verdict::Verdict,
};

/// Points of the whole submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// One per group, in lab order.
    pub groups: Vec<GroupResult>,
    /// The first failing test's verdict, `AC` if none failed.
    pub verdict: Verdict,
    /// Points earned.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
}

/// Whether a test is part of this grading: `after_due` tests wait for the deadline.
pub fn counts(visibility: Visibility, due_passed: bool) -> bool {
    visibility != Visibility::AfterDue || due_passed
}

/// A test's share of its group's points; 0 for one that does not count yet.
pub fn share(group: &TestGroup, test: usize, due_passed: bool) -> f64 {
    let Some(test) = group.tests.get(test).filter(|t| counts(t.visibility, due_passed)) else { return 0.0 };
    let weight = weights(group, due_passed);
    let total: f64 = group.tests.iter().map(&weight).sum();
    round(group.points * weight(test) / total)
}

/// Weights of a group's tests; without any, those that count have the same.
fn weights(group: &TestGroup, due_passed: bool) -> impl Fn(&Test) -> f64 {
    let any = group.tests.iter().any(|t| counts(t.visibility, due_passed) && t.points > 0.0);
    move |test| match (counts(test.visibility, due_passed), any) {
        (false, _) => 0.0,
        (true, true) => test.points.max(0.0),
        (true, false) => 1.0,
    }
}

/// Scores the tests, which are in lab order, group by group. Tests that do not count yet are there with `SK`.
pub fn score(document: &LabDocument, tests: &[TestResult], due_passed: bool) -> Scored {
    let mut groups = Vec::new();
    let mut rest = tests;
    for group in &document.groups {
        let (mine, others) = rest.split_at(group.tests.len().min(rest.len()));
        rest = others;
        groups.push(score_group(group, mine, due_passed));
    }
    let counted = |t: &&TestResult| counts(t.visibility, due_passed);
    let failing = tests.iter().filter(counted).map(|t| t.verdict).find(|v| !matches!(v, Verdict::Ac | Verdict::Sk));
    let skipped = tests.iter().filter(counted).any(|t| t.verdict == Verdict::Sk);
    let verdict = failing.unwrap_or(if skipped { Verdict::Sk } else { Verdict::Ac });
    let score = round(groups.iter().map(|g| g.points).sum());
    let max_score = round(groups.iter().map(|g| g.max_points).sum());
    Scored { groups, verdict, score, max_score }
}

fn score_group(group: &TestGroup, tests: &[TestResult], due_passed: bool) -> GroupResult {
    let counted: Vec<&TestResult> = tests.iter().filter(|t| counts(t.visibility, due_passed)).collect();
    let weight = weights(group, due_passed);
    let total: f64 = group.tests.iter().map(&weight).sum();
    let verdict = counted.iter().map(|t| t.verdict).find(|v| *v != Verdict::Ac).unwrap_or(Verdict::Ac);
    let max_points = if counted.is_empty() { 0.0 } else { group.points };
    let fraction = |t: &&TestResult| match t.verdict {
        Verdict::Ac => 1.0,
        _ if t.max_points > 0.0 => t.points / t.max_points,
        _ => 0.0,
    };
    let all_right = verdict == Verdict::Ac;
    let points = match group.scoring {
        _ if all_right => max_points,
        Scoring::All => 0.0,
        // Of the whole at once: shares that were rounded one by one would not add up.
        Scoring::Sum => {
            let earned: f64 =
                group.tests.iter().zip(tests).map(|(test, result)| weight(test) * fraction(&result)).sum();
            round(max_points * (earned / total).min(1.0))
        }
        Scoring::Min => round(max_points * counted.iter().map(fraction).fold(1.0, f64::min)),
    };
    let verdict = if counted.is_empty() { Verdict::Sk } else { verdict };
    GroupResult { name: group.name.clone(), verdict, scoring: group.scoring, points, max_points }
}

/// Six decimals: thirds add up, and nobody sees 0.30000000000000004.
pub fn round(points: f64) -> f64 {
    (points * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(name: &str, points: f64, scoring: Scoring, weights: &[f64]) -> serde_json::Value {
        let tests: Vec<_> = weights
            .iter()
            .enumerate()
            .map(|(i, w)| serde_json::json!({"name": format!("t{i}"), "points": w}))
            .collect();
        serde_json::json!({"name": name, "points": points, "scoring": scoring, "tests": tests})
    }

    fn document(groups: &[serde_json::Value]) -> LabDocument {
        let value = serde_json::json!({"title": "T", "languages": ["java"], "groups": groups});
        serde_json::from_value(value).expect("a document")
    }

    fn graded(document: &LabDocument, verdicts: &[Verdict]) -> Scored {
        let mut tests = Vec::new();
        let mut verdicts = verdicts.iter();
        for group in &document.groups {
            for (i, test) in group.tests.iter().enumerate() {
                let max_points = share(group, i, false);
                let verdict =
                    if counts(test.visibility, false) { *verdicts.next().expect("one each") } else { Verdict::Sk };
                tests.push(TestResult {
                    verdict,
                    points: if verdict == Verdict::Ac { max_points } else { 0.0 },
                    max_points,
                    ..TestResult::not_run(&group.name, &test.name, test.visibility)
                });
            }
        }
        score(document, &tests, false)
    }

    #[test]
    fn sum_min_and_all_differ_when_one_test_fails() {
        use Verdict::{Ac, Wa};
        for (scoring, points) in [(Scoring::Sum, 30.0), (Scoring::Min, 0.0), (Scoring::All, 0.0)] {
            let lab = document(&[group("g", 40.0, scoring, &[1.0, 2.0, 1.0])]);
            let scored = graded(&lab, &[Ac, Ac, Wa]);
            assert_eq!((scored.score, scored.max_score, scored.verdict), (points, 40.0, Wa), "{scoring:?}");
            assert!((graded(&lab, &[Ac, Ac, Ac]).score - 40.0).abs() < 1e-9);
        }
    }

    #[test]
    fn thirds_add_up_to_the_whole() {
        let lab = document(&[group("g", 10.0, Scoring::Sum, &[1.0, 1.0, 1.0])]);
        assert!((graded(&lab, &[Verdict::Ac; 3]).score - 10.0).abs() < 1e-9);
        assert!((graded(&lab, &[Verdict::Ac, Verdict::Ac, Verdict::Wa]).score - 6.666_667).abs() < 1e-9);
    }

    #[test]
    fn the_verdict_is_the_first_failing_tests_in_lab_order() {
        use Verdict::{Ac, Rte, Sk, Tle, Wa};
        let lab = document(&[group("a", 1.0, Scoring::Sum, &[1.0, 1.0]), group("b", 1.0, Scoring::Sum, &[1.0, 1.0])]);
        assert_eq!(graded(&lab, &[Ac, Tle, Rte, Wa]).verdict, Tle);
        assert_eq!(graded(&lab, &[Ac, Ac, Ac, Ac]).verdict, Ac);
        assert_eq!(graded(&lab, &[Ac, Wa, Sk, Sk]).verdict, Wa);
        let groups = graded(&lab, &[Ac, Ac, Rte, Ac]).groups;
        assert_eq!((groups[0].verdict, groups[1].verdict), (Ac, Rte));
    }

    #[test]
    fn a_test_for_after_the_deadline_changes_nothing_before_it() {
        let mut first = group("a", 60.0, Scoring::Sum, &[1.0, 1.0]);
        first["tests"][1]["visibility"] = "after_due".into();
        let mut second = group("b", 40.0, Scoring::All, &[1.0]);
        second["tests"][0]["visibility"] = "after_due".into();
        let scored = graded(&document(&[first, second]), &[Verdict::Ac]);
        assert_eq!((scored.verdict, scored.score, scored.max_score), (Verdict::Ac, 60.0, 60.0));
    }

    #[test]
    fn a_group_without_weights_shares_equally() {
        let lab = document(&[group("g", 9.0, Scoring::Sum, &[0.0, 0.0, 0.0])]);
        assert!((graded(&lab, &[Verdict::Ac, Verdict::Wa, Verdict::Wa]).score - 3.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn points_stay_within_bounds_and_full_marks_are_ac(
            groups in prop::collection::vec((0.0..100.0f64, 0..3usize, prop::collection::vec((0.0..10.0f64, any::<bool>()), 1..6)), 1..4),
        ) {
            let scorings = [Scoring::Sum, Scoring::Min, Scoring::All];
            let shape: Vec<_> = groups.iter().enumerate().map(|(i, (points, scoring, tests))| {
                let weights: Vec<f64> = tests.iter().map(|(w, _)| *w).collect();
                group(&format!("g{i}"), *points, scorings[*scoring], &weights)
            }).collect();
            let verdicts: Vec<_> = groups.iter().flat_map(|(_, _, tests)| tests)
                .map(|(_, right)| if *right { Verdict::Ac } else { Verdict::Wa }).collect();
            let lab = document(&shape);
            let scored = graded(&lab, &verdicts);
            prop_assert!(scored.score >= 0.0 && scored.score <= scored.max_score + 1e-9, "{:?}", scored);
            let all = verdicts.iter().all(|v| *v == Verdict::Ac);
            prop_assert_eq!(scored.verdict == Verdict::Ac, all);
            if all { prop_assert!((scored.score - scored.max_score).abs() < 1e-9); }
            let none = verdicts.iter().all(|v| *v == Verdict::Wa);
            if none { prop_assert!(scored.score.abs() < 1e-9); }
        }
    }
}
