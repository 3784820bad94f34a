use iteratione_common::{
    lab::Visibility,
    store::lab::{Outline, OutlineTest},
    submission::TestResult,
    verdict::Verdict,
};

use super::Cut;
use crate::world::{assert_no_secret, grade};

fn outline() -> Outline {
    let test = |group: &str, name: &str, visibility, message: Option<&str>| OutlineTest {
        group: group.to_owned(),
        name: name.to_owned(),
        visibility,
        message: message.map(str::to_owned),
    };
    Outline {
        tests: vec![
            test("basics", "sample", Visibility::Sample, Some("Read again.")),
            test("basics", "visible", Visibility::Visible, None),
            test("rest", "hidden", Visibility::Hidden, Some("Think of negative numbers.")),
            test("rest", "after", Visibility::AfterDue, None),
        ],
        hidden_files: vec!["judge.py".to_owned()],
    }
}

#[test]
fn a_hidden_test_shows_its_name_verdict_points_and_the_instructors_words() {
    let cut = Cut::for_owner(outline());
    let seen = cut.test(grade().tests.remove(2));
    let json = serde_json::to_value(&seen).expect("JSON");
    assert_no_secret(&json.to_string());
    let shown: Vec<_> =
        json.as_object().expect("object").iter().filter(|(_, v)| !v.is_null()).map(|(k, _)| k.as_str()).collect();
    assert_eq!(shown, ["cases", "group", "max_points", "message", "name", "points", "verdict", "visibility"]);
    assert_eq!(seen.message.as_deref(), Some("Think of negative numbers."));
    let passed = TestResult { verdict: Verdict::Ac, ..grade().tests.remove(2) };
    assert_eq!(cut.test(passed).message, None);
}

#[test]
fn an_open_test_is_shown_but_for_what_is_told_to_staff_and_staff_see_all() {
    let grade = grade();
    for test in &grade.tests[..2] {
        assert!(test.judge_message.is_some() && !test.suspicious.is_empty());
        let open = TestResult { judge_message: None, suspicious: Vec::new(), ..test.clone() };
        assert_eq!(Cut::for_owner(outline()).test(test.clone()), open);
    }
    for test in &grade.tests {
        assert_eq!(&Cut::nothing().test(test.clone()), test);
    }
}

#[test]
fn the_instructors_words_come_before_the_graders() {
    let mut with_words = outline();
    with_words.tests[1].message = Some("Mind the sign.".to_owned());
    let seen = Cut::for_owner(with_words).test(grade().tests.remove(1));
    assert_eq!(seen.message.as_deref(), Some("Mind the sign.\nThe first difference is in line 1."));
}

#[test]
fn what_is_not_known_or_called_hidden_by_either_side_is_hidden() {
    let test = grade().tests.remove(0);
    let unknown = Cut::for_owner(Outline::default()).test(test.clone());
    assert_eq!((unknown.stdin, unknown.cpu_ms), (None, None));
    let mut stricter = outline();
    stricter.tests[0].visibility = Visibility::Hidden;
    assert_eq!(Cut::for_owner(stricter).test(test).stdout, None);
}

#[test]
fn compiler_messages_do_not_betray_a_hidden_file() {
    let compile = grade().compile.expect("compiled");
    assert_eq!(Cut::nothing().compile(compile.clone()), compile);
    let seen = Cut::for_owner(outline()).compile(compile.clone());
    assert_no_secret(&serde_json::to_string(&seen).expect("JSON"));
    assert_eq!(seen.diagnostics[0], compile.diagnostics[0]);
    assert_eq!(seen.diagnostics[1].file, None);
    insta::assert_snapshot!(seen.output, @r"
    main.py:1: warning: unused name
    warning: Your code does not fit a file that the instructor adds to it.
    ");
    // Without hidden files the compiler's own words stay.
    let open = Outline { hidden_files: Vec::new(), ..outline() };
    assert_eq!(Cut::for_owner(open).compile(compile.clone()), compile);
}

#[test]
fn a_late_score_is_a_round_number() {
    for (score, factor, late) in [(33.3, 0.9, 29.97), (100.0, 1.0, 100.0), (0.1 + 0.2, 1.0, 0.3), (80.0, 0.0, 0.0)] {
        let got = super::submission::late(score, factor);
        assert!((got - late).abs() < f64::EPSILON, "{score} × {factor} = {got}");
    }
}
