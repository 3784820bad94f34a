use serde_json::json;

use super::*;
use crate::{lab::Visibility, submission::TestResult};

fn document(solutions: &serde_json::Value) -> LabDocument {
    serde_json::from_value(json!({
        "title": "T", "languages": ["java", "python"], "limits": {"cpu_ms": 1000},
        "starter": {
            "java": [{"name": "Given.java", "content": "class Given {}", "role": "locked"}],
            "python": [{"name": "main.py", "content": "print()"}, {"name": "h.py", "content": "", "role": "hidden"}]},
        "groups": [{"name": "g", "points": 10, "tests": [{"name": "a"}, {"name": "b"}]}],
        "solutions": solutions
    }))
    .expect("a document")
}

fn one(expect: &serde_json::Value) -> LabDocument {
    document(&json!([{"name": "mine", "language": "python", "files": [], "expect": expect}]))
}

fn grade(verdict: Verdict, score: f64, cpu_ms: u64) -> Grade {
    let test = |name: &str, verdict| TestResult {
        verdict,
        cpu_ms: Some(cpu_ms),
        ..TestResult::not_run("g", name, Visibility::Hidden)
    };
    Grade {
        verdict,
        score,
        max_score: 10.0,
        compile: None,
        groups: Vec::new(),
        tests: vec![test("a", Verdict::Ac), test("b", verdict)],
        message: None,
    }
}

fn graded(grades: impl IntoIterator<Item = (i32, Grade)>) -> BTreeMap<i32, Graded> {
    grades.into_iter().map(|(key, grade)| (key, Graded { submission: SubmissionId::new(), grade })).collect()
}

fn judged(document: &LabDocument, solution: Grade, starter: Grade) -> Validation {
    judge(document, 3, &graded([(0, solution), (-2, starter)]), Timestamp::UNIX_EPOCH).expect("all are graded")
}

/// The solution's objection, with a starter that fails.
fn objection(expect: &serde_json::Value, solution: Grade) -> Option<String> {
    judged(&one(expect), solution, grade(Verdict::Wa, 0.0, 1)).solutions.remove(0).message
}

#[test]
fn solutions_and_what_can_be_changed_of_a_starter_are_handed_in() {
    let document = document(&json!([{"language": "java", "files": [], "expect": {"verdict": "AC"}}]));
    let entrants = entrants(&document);
    assert_eq!(
        entrants.iter().map(|e| (e.key, e.language.as_str())).collect::<Vec<_>>(),
        [(0, "java"), (-2, "python")]
    );
    assert_eq!(entrants[1].files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["main.py"]);
}

#[test]
fn without_solutions_nothing_is_handed_in() {
    assert_eq!(entrants(&document(&json!([]))), []);
}

#[test]
fn a_solution_must_get_both_the_verdict_and_the_score_that_it_claims() {
    let claim = json!({"verdict": "WA", "score": 4});
    assert_eq!(objection(&claim, grade(Verdict::Wa, 4.0, 1)), None);
    assert_eq!(
        objection(&claim, grade(Verdict::Tle, 4.0, 1)).as_deref(),
        Some("It should get WA, but got TLE in test b of group g.")
    );
    assert!(objection(&claim, grade(Verdict::Wa, 3.0, 1)).is_some_and(|m| m.contains("scored 3 (WA in test b")));
}

#[test]
fn one_of_several_verdicts_is_enough() {
    let claim = json!({"verdicts": ["AC", "TLE"]});
    assert_eq!(objection(&claim, grade(Verdict::Ac, 10.0, 1)), None);
    assert_eq!(objection(&claim, grade(Verdict::Tle, 0.0, 1)), None);
    assert!(objection(&claim, grade(Verdict::Wa, 0.0, 1)).is_some_and(|m| m.contains("AC or TLE, but got WA")));
}

#[test]
fn shares_that_do_not_add_up_in_binary_still_make_the_full_score() {
    for score in [0.1 + 0.2 + 0.3 + 0.4, 0.7 + 0.1 + 0.2] {
        assert_eq!(objection(&json!({"score": 1}), grade(Verdict::Pa, score, 1)), None);
    }
}

#[test]
fn an_internal_error_is_told_apart_from_a_wrong_claim() {
    let message = objection(&json!({"score": 1}), grade(Verdict::Ie, 0.0, 1)).expect("objects");
    assert!(message.contains("could not grade"), "{message}");
}

#[test]
fn a_starter_that_passes_keeps_the_lab_back() {
    let document = one(&json!({"verdict": "AC"}));
    for (starter, ok) in [
        (grade(Verdict::Ac, 10.0, 1), false),
        (grade(Verdict::Wa, 0.0, 1), true),
        (grade(Verdict::Ce, 0.0, 1), true),
        (grade(Verdict::Pa, 5.0, 1), true),
        (grade(Verdict::Ie, 0.0, 1), false),
    ] {
        let outcome = judged(&document, grade(Verdict::Ac, 10.0, 1), starter);
        assert!(outcome.solutions[0].ok);
        assert_eq!((outcome.ok, outcome.starters[0].ok), (ok, ok), "{:?}", outcome.starters);
        assert_eq!(outcome.starters[0].language, "python");
    }
}

#[test]
fn nothing_is_said_while_one_is_missing() {
    let document = one(&json!({"verdict": "AC"}));
    for some in [graded([(0, grade(Verdict::Ac, 10.0, 1))]), graded([(-2, grade(Verdict::Wa, 0.0, 1))])] {
        assert_eq!(judge(&document, 1, &some, Timestamp::UNIX_EPOCH), None);
    }
}

#[test]
fn the_slowest_accepted_solution_speaks_for_a_limit_of_twice_its_time() {
    let claim = json!({"verdict": "AC"});
    let limits = |cpu| judged(&one(&claim), grade(Verdict::Ac, 10.0, cpu), grade(Verdict::Wa, 0.0, 1)).limits;
    let [limit] = &limits(430)[..] else { panic!("one language has a solution") };
    assert_eq!((limit.language.as_str(), limit.cpu_ms, limit.wall_ms), ("python", 900, 2700));
    assert_eq!((limit.slowest_ms, limit.slowest_solution.as_str(), limit.slowest_test.as_str()), (430, "mine", "g/b"));
    assert_eq!(limits(3)[0].cpu_ms, 500, "a virtual machine has to start");
    let wrong = judged(&one(&json!({"verdict": "WA"})), grade(Verdict::Wa, 0.0, 430), grade(Verdict::Wa, 0.0, 1));
    assert_eq!(wrong.limits, [], "a wrong one speaks for nothing");
}

#[test]
fn limits_that_hang_on_the_machines_speed_are_pointed_out() {
    let warnings = |claim, grade_: Grade| judged(&one(&claim), grade_, grade(Verdict::Wa, 0.0, 1)).warnings.join("\n");
    let slow = warnings(json!({"verdict": "AC"}), grade(Verdict::Ac, 10.0, 700));
    assert!(slow.contains("mine is accepted, but takes 700 ms of the 1000 ms of g/a"), "{slow}");
    let close = warnings(json!({"verdict": "TLE"}), grade(Verdict::Tle, 0.0, 1020));
    assert!(close.contains("mine misses the time limit of g/b by a hair (1020 of 1000 ms)"), "{close}");
    let far = warnings(json!({"verdict": "TLE"}), grade(Verdict::Tle, 0.0, 1100));
    assert!(!far.contains("by a hair"), "{far}");
    let fine = warnings(json!({"verdict": "AC"}), grade(Verdict::Ac, 10.0, 200));
    assert_eq!(fine, "No solution in java is accepted: nothing shows that the lab can be done in it.");
}
