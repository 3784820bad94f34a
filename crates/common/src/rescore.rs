//! Scoring anew what was graded before, without running anything: for a revision in which only points changed.

use crate::{
    lab::{Checker, LabDocument, Test, TestGroup, Visibility},
    scoring,
    submission::{Grade, GroupResult, TestResult},
    verdict::Verdict,
};

/// Whether two revisions judge a submission in this language in the same way, test by test: they may differ in points,
/// weights of tests, scoring, times, texts and solutions, and in whether a test is shown. Tests for after the deadline
/// may not have run yet, so a document with one of them never counts as the same.
pub fn same_judging(old: &LabDocument, new: &LabDocument, language: &str) -> bool {
    new.languages.iter().any(|l| l == language)
        && old.limits == new.limits
        && old.programs == new.programs
        && old.starter.get(language) == new.starter.get(language)
        && old.groups.len() == new.groups.len()
        && old.groups.iter().zip(&new.groups).all(|(old, new)| same_group(old, new))
}

fn same_group(old: &TestGroup, new: &TestGroup) -> bool {
    let same_test = |(old, new): (&Test, &Test)| {
        let waits = |test: &Test| test.visibility == Visibility::AfterDue;
        !waits(old) && !waits(new) && of_judging(old) == of_judging(new)
    };
    old.name == new.name
        && old.requires == new.requires
        && old.tests.len() == new.tests.len()
        && old.tests.iter().zip(&new.tests).all(same_test)
}

/// A test without what only scores or shows it. What is added to tests later decides until somebody says otherwise. A
/// judging program may give a score on the scale of the test's points: then they decide too.
fn of_judging(test: &Test) -> Test {
    let scored = test.interactor.is_some() || matches!(test.checker, Checker::Program(_));
    let points = if scored { test.points } else { 0.0 };
    Test { points, visibility: Visibility::default(), message: None, ..test.clone() }
}

/// The same results scored by another revision, which judges them in the same way. `None`: they do not say enough, e.g.
/// because the judge had failed, so the submission has to run.
pub fn rescore(grade: Grade, document: &LabDocument) -> Option<Grade> {
    let places: Vec<(&TestGroup, usize)> =
        document.groups.iter().flat_map(|g| (0..g.tests.len()).map(move |place| (g, place))).collect();
    if grade.verdict == Verdict::Ie || places.len() != grade.tests.len() {
        return None;
    }
    let mut tests = Vec::with_capacity(grade.tests.len());
    for (result, (group, place)) in grade.tests.into_iter().zip(places) {
        tests.push(again(result, group, place)?);
    }
    let scored = scoring::score(document, &tests, true);
    if grade.verdict == Verdict::Ce {
        // What does not build earns nothing, also in groups in which nothing can be failed.
        let groups = scored.groups.into_iter().map(|g| GroupResult { points: 0.0, ..g }).collect();
        return Some(Grade { score: 0.0, max_score: scored.max_score, groups, tests, ..grade });
    }
    Some(Grade {
        verdict: scored.verdict,
        score: scored.score,
        max_score: scored.max_score,
        groups: scored.groups,
        tests,
        ..grade
    })
}

fn again(result: TestResult, group: &TestGroup, place: usize) -> Option<TestResult> {
    let test = group.tests.get(place)?;
    if result.group != group.name || result.name != test.name || result.verdict == Verdict::Ie {
        return None;
    }
    let max_points = scoring::share(group, place, true);
    let earned = match result.verdict {
        Verdict::Ac => 1.0,
        _ if result.max_points > 0.0 => result.points / result.max_points,
        // Of a test that was worth nothing it is not known how much of it was right.
        Verdict::Pa => return None,
        _ if result.cases.iter().any(|c| c.points > 0.0) => return None,
        _ => 0.0,
    };
    let factor = if result.max_points > 0.0 { max_points / result.max_points } else { 0.0 };
    if !result.cases.is_empty() && result.max_points <= 0.0 {
        return None;
    }
    let mut result = result;
    for case in &mut result.cases {
        case.points *= factor;
        case.max_points *= factor;
    }
    Some(TestResult { points: earned * max_points, max_points, visibility: test.visibility, ..result })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(groups: &Value) -> LabDocument {
        let value = json!({"title": "T", "languages": ["java"], "groups": groups});
        serde_json::from_value(value).expect("a document")
    }

    fn lab() -> Value {
        json!([{"name": "a", "points": 60, "tests": [{"name": "t", "stdin": "1", "points": 1}, {"name": "u", "points": 2}]},
               {"name": "b", "points": 40, "scoring": "all", "tests": [{"name": "t"}]}])
    }

    fn graded(document: &LabDocument, verdicts: &[Verdict]) -> Grade {
        let mut verdicts = verdicts.iter();
        let mut tests = Vec::new();
        for group in &document.groups {
            for (place, test) in group.tests.iter().enumerate() {
                let (verdict, max_points) = (*verdicts.next().expect("one each"), scoring::share(group, place, true));
                let points = match verdict {
                    Verdict::Ac => max_points,
                    Verdict::Pa => max_points / 4.0,
                    _ => 0.0,
                };
                let result = TestResult::not_run(&group.name, &test.name, test.visibility);
                tests.push(TestResult { verdict, points, max_points, ..result });
            }
        }
        let scored = scoring::score(document, &tests, true);
        Grade {
            verdict: scored.verdict,
            score: scored.score,
            max_score: scored.max_score,
            compile: None,
            groups: scored.groups,
            tests,
            message: None,
        }
    }

    #[test]
    fn only_points_scoring_texts_and_times_may_differ() {
        let old = document(&lab());
        let change = |pointer: &str, value: Value| {
            let mut groups = lab();
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            groups.pointer_mut(parent).expect("a parent")[key] = value;
            same_judging(&old, &document(&groups), "java")
        };
        assert!(same_judging(&old, &old, "java"));
        assert!(!same_judging(&old, &old, "python"), "it may not be in this language any more");
        for (pointer, value) in [
            ("/0/points", json!(10)),
            ("/0/scoring", json!("min")),
            ("/0/tests/1/points", json!(7)),
            ("/0/tests/0/message", json!("Think.")),
            ("/0/tests/0/visibility", json!("visible")),
        ] {
            assert!(change(pointer, value), "{pointer}");
        }
        for (pointer, value) in [
            ("/0/name", json!("z")),
            ("/1/requires", json!(["a"])),
            ("/0/tests/0/stdin", json!("2")),
            ("/0/tests/0/expected", json!("2")),
            ("/0/tests/0/checker", json!({"type": "exact"})),
            ("/0/tests/0/limits", json!({"cpu_ms": 1})),
            ("/0/tests/0/visibility", json!("after_due")),
            ("/0/tests/0/name", json!("z")),
            ("/0/tests/0/weights", json!({"m": 2.0})),
            ("/1/tests", json!([{"name": "t"}, {"name": "u"}])),
        ] {
            assert!(!change(pointer, value), "{pointer}");
        }
        for edit in [
            |d: &mut LabDocument| d.limits.cpu_ms += 1,
            |d: &mut LabDocument| {
                d.starter.insert("java".to_owned(), Vec::new());
            },
        ] {
            let mut other = old.clone();
            edit(&mut other);
            assert!(!same_judging(&old, &other, "java"));
        }
    }

    #[test]
    fn scoring_anew_gives_what_grading_by_the_new_revision_would_have_given() {
        use Verdict::{Ac, Pa, Wa};
        let old = document(&lab());
        let mut groups = lab();
        groups[0]["points"] = json!(10);
        groups[0]["tests"][0]["points"] = json!(3);
        groups[1]["scoring"] = json!("sum");
        groups[1]["points"] = json!(90);
        let new = document(&groups);
        for verdicts in [[Ac, Ac, Ac], [Ac, Wa, Ac], [Wa, Ac, Pa], [Pa, Pa, Wa], [Wa, Wa, Wa]] {
            let again = rescore(graded(&old, &verdicts), &new).expect("says enough");
            let whole = graded(&new, &verdicts);
            assert!((again.score - whole.score).abs() < 1e-5, "{verdicts:?}: {} {}", again.score, whole.score);
            assert_eq!((again.verdict, again.max_score, again.groups.len()), (whole.verdict, 100.0, 2));
        }
    }

    #[test]
    fn what_does_not_build_earns_nothing_and_keeps_its_message() {
        let old = document(&lab());
        let mut grade = graded(&old, &[Verdict::Sk; 3]);
        (grade.verdict, grade.message) = (Verdict::Ce, Some("no main".to_owned()));
        let mut groups = lab();
        groups[0]["points"] = json!(10);
        let again = rescore(grade, &document(&groups)).expect("says enough");
        assert_eq!((again.verdict, again.score, again.max_score), (Verdict::Ce, 0.0, 50.0));
        assert_eq!(again.message.as_deref(), Some("no main"));
    }

    #[test]
    fn results_that_do_not_say_enough_are_not_scored_anew() {
        let new = document(&lab());
        let mut failed = graded(&new, &[Verdict::Ac; 3]);
        failed.tests[0].verdict = Verdict::Ie;
        assert_eq!(rescore(failed, &new), None);
        let mut worthless = graded(&new, &[Verdict::Pa, Verdict::Ac, Verdict::Ac]);
        (worthless.tests[0].points, worthless.tests[0].max_points) = (0.0, 0.0);
        assert_eq!(rescore(worthless, &new), None);
        let mut fewer = graded(&new, &[Verdict::Ac; 3]);
        fewer.tests.pop();
        assert_eq!(rescore(fewer, &new), None);
    }
}
