//! A good document, and every way to spoil it.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Ceilings, MOST_PROBLEMS, Problem, escape, slug, validate, warnings};
use crate::{lab::LabDocument, language::Languages};

fn languages() -> Languages {
    Languages::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images")).expect("languages")
}

/// A document that uses everything.
fn good() -> Value {
    json!({
        "title": "Sum of two", "statement_md": "Add them.", "languages": ["java", "python"],
        "limits": {"cpu_ms": 2000, "wall_ms": 6000, "memory_mb": 256, "output_kb": 1024, "processes": 64},
        "starter": {"python": [{"name": "main.py", "content": "a, b = input().split()\n", "role": "editable"},
                               {"name": "judge.py", "content": "", "role": "hidden"}]},
        "groups": [
            {"name": "basics", "points": 40, "scoring": "sum", "tests": [
                {"name": "small", "visibility": "sample", "stdin": "1 2\n", "expected": "3\n", "points": 10,
                 "checker": {"type": "tokens", "float_abs": 1e-6}},
                {"name": "files", "args": ["-v"], "files": [{"name": "in.txt", "content": "1"}], "expected": "3.*",
                 "checker": {"type": "regex"}, "message": "Do you read in.txt?",
                 "limits": {"cpu_ms": 100}}]},
            {"name": "big", "points": 60, "scoring": "all", "requires": ["basics"], "tests": [
                {"name": "huge", "visibility": "hidden", "stdin": "9 9\n", "expected": "18\n"}]}],
        "solutions": [{"language": "python", "files": [{"name": "main.py", "content": "print(3)"}], "expect": {"score": 100}},
                      {"name": "wrong", "language": "python", "files": [{"name": "main.py", "content": "print(4)"}],
                       "expect": {"verdict": "WA", "score": 0}}],
        "available_from": "2030-01-01T00:00:00Z", "due_at": "2030-02-01T00:00:00Z",
        "late": [{"until": "2030-02-02T00:00:00Z", "factor": 0.5}, {"until": "2030-02-03T00:00:00Z", "factor": 0.25}],
        "attempts": {"max": 10, "per_hour": 5}
    })
}

fn read(document: &Value) -> LabDocument {
    serde_json::from_value(document.clone()).expect("the right types")
}

fn problems_of(document: &Value) -> Vec<Problem> {
    let document = read(document);
    validate(&document, &languages(), &Ceilings::default()).err().unwrap_or_default()
}

/// Sets `pointer` (whose parent must be there) to a value.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer below the root");
    match document.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Value::Array(items) => {
            let index: usize = key.parse().expect("an index");
            if index == items.len() {
                items.push(value);
            } else {
                items[index] = value;
            }
        }
        other => panic!("{parent} is {other}"),
    }
}

#[test]
fn a_document_that_uses_everything_is_valid() {
    assert_eq!(problems_of(&good()), []);
}

#[test]
fn each_mistake_is_found_at_its_place() {
    let long = "x".repeat(201);
    for (pointer, value, at, says) in [
        ("/title", json!(" "), "/title", "empty"),
        ("/title", json!(long), "/title", "200 characters"),
        ("/title", json!("a\nb"), "/title", "control"),
        ("/statement_md", json!("a\u{0}b"), "/statement_md", "U+0000"),
        ("/languages", json!([]), "/languages", "at least one"),
        ("/languages/1", json!("cobol"), "/languages/1", "no language \"cobol\""),
        ("/languages/1", json!("java"), "/languages/1", "twice"),
        ("/limits/cpu_ms", json!(0), "/limits/cpu_ms", "under 10"),
        ("/limits/wall_ms", json!(120_001), "/limits/wall_ms", "ceiling wall_ms = 120000"),
        ("/limits/memory_mb", json!(u64::MAX), "/limits/memory_mb", "ceiling memory_mb"),
        ("/limits/output_kb", json!(0), "/limits/output_kb", "under 1"),
        ("/limits/processes", json!(100_000), "/limits/processes", "ceiling processes"),
        ("/starter/c", json!([{"name": "main.c", "content": ""}]), "/starter/c", "not among"),
        ("/starter/a~1b", json!([]), "/starter/a~01b", "not among"),
        ("/starter/python/0/name", json!("../x.py"), "/starter/python/0/name", ""),
        ("/starter/python/0/content", json!("\u{0}"), "/starter/python/0/content", ""),
        ("/groups", json!([]), "/groups", "at least one group"),
        ("/groups/0/name", json!(""), "/groups/0/name", "empty"),
        ("/groups/1/name", json!("basics"), "/groups/1/name", "/groups/0 has this name"),
        ("/groups/0/points", json!(-1), "/groups/0/points", "from 0 to"),
        ("/groups/0/points", json!(1e308), "/groups/0/points", "from 0 to"),
        ("/groups/1/requires/0", json!("nothing"), "/groups/1/requires/0", "no group"),
        ("/groups/1/requires/0", json!("big"), "/groups/1/requires/0", "itself"),
        ("/groups/1/requires/1", json!("basics"), "/groups/1/requires/1", "twice"),
        ("/groups/0/requires", json!(["big"]), "/groups/0/requires/0", "later"),
        ("/groups/1/tests", json!([]), "/groups/1/tests", "at least one test"),
        ("/groups/0/tests/1/name", json!("small"), "/groups/0/tests/1/name", "/groups/0/tests/0 has this name"),
        ("/groups/0/tests/0/points", json!(-0.5), "/groups/0/tests/0/points", "from 0 to"),
        ("/groups/1/tests/0/points", json!(0), "/groups/1/tests", "add up to 0"),
        ("/groups/0/tests/1/expected", json!("("), "/groups/0/tests/1/expected", "not a regular expression"),
        ("/groups/0/tests/1/expected", json!("a)|(b"), "/groups/0/tests/1/expected", "not a regular expression"),
        ("/groups/0/tests/1/expected", json!("(?:[\\pL]{900}){900}"), "/groups/0/tests/1/expected", "too big"),
        ("/groups/0/tests/0/checker/float_abs", json!(-1e-9), "/groups/0/tests/0/checker/float_abs", "from 0"),
        ("/groups/0/tests/0/checker/float_rel", json!(1e300), "/groups/0/tests/0/checker/float_rel", "from 0"),
        ("/groups/0/tests/1/files/0/name", json!("a/b"), "/groups/0/tests/1/files/0/name", "bare"),
        ("/groups/0/tests/1/files/0/name", json!(".."), "/groups/0/tests/1/files/0/name", "bare"),
        ("/groups/0/tests/1/files/0/name", json!("-rf"), "/groups/0/tests/1/files/0/name", "hyphen"),
        ("/groups/0/tests/1/files/0/name", json!("a\u{7}"), "/groups/0/tests/1/files/0/name", "control"),
        (
            "/groups/0/tests/1/files/1",
            json!({"name": "IN.txt", "content": ""}),
            "/groups/0/tests/1/files/1/name",
            "case",
        ),
        ("/groups/0/tests/1/args/0", json!("\u{0}"), "/groups/0/tests/1/args/0", "U+0000"),
        ("/groups/0/tests/1/limits/cpu_ms", json!(600_000), "/groups/0/tests/1/limits/cpu_ms", "ceiling cpu_ms"),
        ("/solutions/0/language", json!("c"), "/solutions/0/language", "not among"),
        ("/solutions/0/language", json!("cobol"), "/solutions/0/language", "no language"),
        ("/solutions/0/files/0/name", json!("a.exe"), "/solutions/0/files/0/name", ""),
        ("/solutions/0/expect", json!({}), "/solutions/0/expect", "must state a score, a verdict"),
        ("/solutions/0/expect", json!({"verdict": "AC", "verdicts": ["WA"]}), "/solutions/0/expect/verdicts", "beside"),
        ("/solutions/0/expect", json!({"verdicts": ["AC", "SK"]}), "/solutions/0/expect/verdicts/1", "no program"),
        ("/solutions/0/expect", json!({"verdicts": ["AC", "AC"]}), "/solutions/0/expect/verdicts/1", "twice"),
        ("/solutions/0/expect/score", json!(101), "/solutions/0/expect/score", "from 0 to 100"),
        ("/solutions/0/expect/score", json!(-1), "/solutions/0/expect/score", "from 0 to 100"),
        ("/solutions/0/expect/verdict", json!("IE"), "/solutions/0/expect/verdict", "no program"),
        ("/groups/0/tests/0/kind", json!("interactive"), "/groups/0/tests/0/interactor", "needs an interactor"),
        (
            "/groups/0/tests/0/interactor",
            json!({"program": "p"}),
            "/groups/0/tests/0/interactor",
            "only tests of the kind",
        ),
        (
            "/groups/0/tests/0/checker",
            json!({"type": "program", "program": "p"}),
            "/groups/0/tests/0/checker/program",
            "none of this lab's programs",
        ),
        ("/groups/0/tests/0/passes", json!(2), "/groups/0/tests/0/passes", "only a judging program"),
        ("/groups/0/tests/0/passes", json!(0), "/groups/0/tests/0/passes", "from 1 to 20"),
        ("/groups/0/tests/0/passes", json!(21), "/groups/0/tests/0/passes", "from 1 to 20"),
        ("/due_at", json!("2029-01-01T00:00:00Z"), "/due_at", "after available_from"),
        ("/due_at", json!("-009000-01-01T00:00:00Z"), "/due_at", "2000 to 2999"),
        ("/due_at", json!(null), "/late", "needs due_at"),
        ("/late/0/until", json!("2030-01-31T00:00:00Z"), "/late/0/until", "after due_at"),
        ("/late/1/until", json!("2030-02-02T00:00:00Z"), "/late/1/until", "rule before"),
        ("/late/0/factor", json!(1.5), "/late/0/factor", "from 0 to 1"),
        ("/attempts/max", json!(0), "/attempts/max", "at least 1"),
        ("/attempts/per_hour", json!(0), "/attempts/per_hour", "at least 1"),
    ] {
        let mut document = good();
        set(&mut document, pointer, value.clone());
        let problems = problems_of(&document);
        assert!(
            problems.iter().any(|p| p.pointer == at && p.detail.contains(says)),
            "{pointer} = {value}: {problems:#?}"
        );
    }
}

#[test]
fn judging_programs_are_whole_and_called_by_their_names() {
    let judged = || {
        let mut document = good();
        let python = json!({"language": "python", "files": [{"name": "judge.py", "content": "exit(42)"}]});
        set(&mut document, "/programs", json!({"judge": python}));
        set(&mut document, "/groups/0/tests/0/checker", json!({"type": "program", "program": "judge", "args": ["x"]}));
        set(&mut document, "/groups/0/tests/0/passes", json!(3));
        set(
            &mut document,
            "/groups/1/tests/0",
            json!({"name": "guess", "kind": "interactive", "interactor": {"program": "judge"}, "passes": 2}),
        );
        document
    };
    assert_eq!(problems_of(&judged()), []);
    for (pointer, value, at, says) in [
        ("/programs/judge/language", json!("cobol"), "/programs/judge/language", "no language"),
        ("/programs/judge/files", json!([]), "/programs/judge/files", ""),
        ("/programs/judge/files/0/name", json!("judge.exe"), "/programs/judge/files/0/name", ""),
        ("/programs/judge/main", json!(""), "/programs/judge/main", "empty"),
        (
            "/groups/0/tests/0/checker/program",
            json!("jugde"),
            "/groups/0/tests/0/checker/program",
            "there are \"judge\"",
        ),
        ("/groups/0/tests/0/checker/args/0", json!("\u{0}"), "/groups/0/tests/0/checker/args/0", "U+0000"),
        ("/groups/1/tests/0/interactor/program", json!("p"), "/groups/1/tests/0/interactor/program", "none of"),
        (
            "/groups/1/tests/0/checker",
            json!({"type": "program", "program": "judge"}),
            "/groups/1/tests/0/checker",
            "judged by its interactor",
        ),
    ] {
        let mut document = judged();
        set(&mut document, pointer, value.clone());
        let problems = problems_of(&document);
        assert!(problems.iter().any(|p| p.pointer == at && p.detail.contains(says)), "{pointer}: {problems:#?}");
    }
    let unused = json!({"language": "python", "files": [{"name": "a.py", "content": ""}]});
    let mut document = judged();
    set(&mut document, "/programs/spare", unused);
    let document = serde_json::from_value(document).expect("a document");
    assert!(warnings(&document).iter().any(|w| w.pointer == "/programs/spare"));
}

#[test]
fn unit_tests_need_sources_and_languages_that_run_them() {
    let mut unit = good();
    set(&mut unit, "/languages", json!(["java", "java25"]));
    set(&mut unit, "/starter", json!({}));
    set(&mut unit, "/solutions", json!([]));
    let test = json!({"name": "calc", "kind": "junit", "files": [{"name": "CalcTest.java", "content": "class CalcTest { }"},
                      {"name": "data.txt", "content": "1"}], "weights": {"CalcTest.adds": 3, "subtracts": 0}});
    set(&mut unit, "/groups/1/tests/0", test);
    assert_eq!(problems_of(&unit), []);
    for (pointer, value, at, says) in [
        ("/languages/1", json!("python"), "/languages/1", "cannot run tests of the kind junit"),
        ("/groups/1/tests/0/kind", json!("pytest"), "/languages/0", "cannot run tests of the kind pytest"),
        ("/groups/1/tests/0/files", json!([]), "/groups/1/tests/0/files", "no file ends in .java"),
        ("/groups/1/tests/0/weights/a~1b", json!(-1), "/groups/1/tests/0/weights/a~01b", "from 0 to"),
        ("/groups/1/tests/0/weights/x", json!(1e300), "/groups/1/tests/0/weights/x", "from 0 to"),
        ("/groups/0/tests/0/weights", json!({"a": 1}), "/groups/0/tests/0/weights", "only tests of the kinds"),
    ] {
        let mut document = unit.clone();
        set(&mut document, pointer, value.clone());
        let problems = problems_of(&document);
        assert!(
            problems.iter().any(|p| p.pointer == at && p.detail.contains(says)),
            "{pointer} = {value}: {problems:#?}"
        );
    }
    set(&mut unit, "/groups/1/tests/0/stdin", json!("1"));
    let warned = warnings(&read(&unit)).into_iter().map(|p| p.pointer).collect::<Vec<_>>();
    assert!(warned.contains(&"/groups/1/tests/0/stdin".to_owned()), "{warned:?}");
}

#[test]
fn what_has_the_wrong_type_is_not_read() {
    for (pointer, value) in [
        ("/limits/cpu_ms", json!(-5)),
        ("/limits/cpu_ms", json!(1e308)),
        ("/groups/0/points", json!("NaN")),
        ("/groups/1/tests/0/visibility", json!("secret")),
        ("/groups/1/tests/0/stdinn", json!("")),
        ("/groups/0/tests/0/checker/type", json!("program")),
        ("/groups/0/tests/0/checker/float", json!(1)),
        ("/due_at", json!("tomorrow")),
        ("/solutions/0/expect/verdict", json!("OK")),
        ("/attempts/max", json!(-1)),
    ] {
        let mut document = good();
        set(&mut document, pointer, value.clone());
        assert!(serde_json::from_value::<LabDocument>(document).is_err(), "{pointer} = {value}");
    }
}

#[test]
fn what_is_seldom_meant_is_warned_of() {
    let mut document = good();
    assert_eq!(warnings(&read(&document)), []);
    set(&mut document, "/solutions", json!([]));
    set(&mut document, "/groups/0/tests/0/visibility", json!("visible"));
    set(&mut document, "/groups/1/tests/0/limits", json!({"cpu_ms": 9000}));
    let pointers = warnings(&read(&document)).into_iter().map(|p| p.pointer).collect::<Vec<_>>();
    assert_eq!(pointers, ["/solutions", "/groups", "/limits"]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let mut document = good();
    for (pointer, value) in [
        ("/title", json!("")),
        ("/limits/cpu_ms", json!(0)),
        ("/groups/0/points", json!(-1)),
        ("/groups/0/tests/0/checker/float_abs", json!(-1)),
        ("/solutions/1/expect", json!({})),
        ("/late/0/factor", json!(2)),
        ("/attempts/max", json!(0)),
    ] {
        set(&mut document, pointer, value);
    }
    let pointers = problems_of(&document).into_iter().map(|p| p.pointer).collect::<Vec<_>>();
    for pointer in [
        "/title",
        "/limits/cpu_ms",
        "/groups/0/points",
        "/groups/0/tests/0/checker/float_abs",
        "/solutions/1/expect",
        "/late/0/factor",
        "/attempts/max",
    ] {
        assert!(pointers.iter().any(|p| p == pointer), "{pointer} is missing in {pointers:?}");
    }
}

#[test]
fn a_mistake_made_a_thousand_times_makes_a_bounded_answer() {
    let mut document = good();
    let tests: Vec<_> = (0..1000).map(|i| json!({"name": format!("t{i}"), "points": -1})).collect();
    set(&mut document, "/groups/0/tests", json!(tests));
    let problems = problems_of(&document);
    assert_eq!(problems.len(), MOST_PROBLEMS + 1);
    assert!(problems.last().is_some_and(|p| p.detail.contains("more problems")), "{:?}", problems.last());
}

#[test]
fn a_lab_worth_nothing_or_too_long_to_grade_is_refused() {
    let mut document = good();
    set(&mut document, "/groups/0/points", json!(0));
    set(&mut document, "/groups/1/points", json!(0));
    assert!(problems_of(&document).iter().any(|p| p.pointer == "/groups" && p.detail.contains("more than 0")));

    let mut document = good();
    let tests: Vec<_> = (0..400).map(|i| json!({"name": format!("t{i}"), "limits": {"wall_ms": 100_000}})).collect();
    set(&mut document, "/groups/0/tests", json!(tests));
    assert!(problems_of(&document).iter().any(|p| p.pointer == "/groups" && p.detail.contains("in all")));
}

#[test]
fn numbers_that_json_cannot_write_are_refused_too() {
    let mut document = read(&good());
    document.groups[0].points = f64::NAN;
    document.groups[0].tests[0].points = f64::INFINITY;
    document.late[0].factor = f64::NAN;
    document.solutions[0].expect.score = Some(f64::NEG_INFINITY);
    let problems = validate(&document, &languages(), &Ceilings::default()).expect_err("must fail");
    for pointer in ["/groups/0/points", "/groups/0/tests/0/points", "/late/0/factor", "/solutions/0/expect/score"] {
        assert!(problems.iter().any(|p| p.pointer == pointer), "{pointer} is missing in {problems:#?}");
    }
}

#[test]
fn a_slug_is_an_address_that_needs_no_escaping() {
    for good in ["a", "sum-of-two", "2030", "a1-b2"] {
        slug(good).unwrap_or_else(|e| panic!("{good}: {e}"));
    }
    for bad in ["", "-", "a-", "-a", "a--b", "A", "ä", "a b", "a/b", "..", "a\0", &"x".repeat(65)] {
        slug(bad).expect_err(bad);
    }
}

/// Any JSON, with keys that a lab document knows more often than chance would have it.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![Just("java"), Just("python"), Just("2030-01-01T00:00:00Z"), Just("AC"), Just("regex"), Just("(")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("title|languages|groups|tests|name|points|limits|[a-z~/]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Every place in a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| places(v, &format!("{at}/{}", escape(k)), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| places(v, &format!("{at}/{i}"), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_document_makes_it_panic_and_each_pointer_leads_somewhere(
        spoil in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4)
    ) {
        let languages = languages_once();
        let mut document = good();
        for (index, value) in spoil {
            let mut all = Vec::new();
            places(&document, "", &mut all);
            let place = index.get(&all).clone();
            *document.pointer_mut(&place).expect("it was listed") = value;
        }
        if let Ok(parsed) = serde_json::from_value::<LabDocument>(document.clone()) {
            let problems = validate(&parsed, languages, &Ceilings::default()).err().unwrap_or_default();
            // Pointers into what was left out by the document point at defaults.
            let whole = serde_json::to_value(&parsed).expect("serialises");
            for problem in problems {
                prop_assert!(whole.pointer(&problem.pointer).is_some() || document.pointer(&problem.pointer).is_some(), "{problem:?}");
                prop_assert!(!problem.detail.is_empty());
            }
        }
    }
}

fn languages_once() -> &'static Languages {
    static LANGUAGES: std::sync::OnceLock<Languages> = std::sync::OnceLock::new();
    LANGUAGES.get_or_init(languages)
}
