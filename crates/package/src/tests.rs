use std::{fs, path::Path};

use iteratione_common::{
    lab::{Checker, Scoring, TestKind, Visibility, validate},
    verdict::Verdict::{self, Ac, Mle, Ole, Pa, Rte, Tle, Wa},
};
use proptest::prelude::*;

use super::*;

fn languages() -> Languages {
    Languages::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images")).expect("languages")
}

/// The files below a folder of `testdata`.
fn package(name: &str) -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    let mut files = Files::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).expect("below").to_str().expect("UTF-8").to_owned();
                files.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    files
}

fn try_import(files: Files) -> Result<Imported, Vec<Note>> {
    let (languages, ceilings) = (languages(), Ceilings::default());
    import(files, "slug", Installation { languages: &languages, ceilings: &ceilings })
}

fn imported(name: &str) -> Imported {
    let imported = try_import(package(name)).unwrap_or_else(|errors| panic!("{name}: {errors:#?}"));
    let problems = validate::validate(&imported.document, &languages(), &Ceilings::default());
    assert_eq!(problems, Ok(()), "{name}");
    imported
}

/// Name, points, scoring, required groups, names of tests.
type Outline<'a> = (&'a str, f64, Scoring, Vec<&'a str>, Vec<&'a str>);

fn outline(document: &LabDocument) -> Vec<Outline<'_>> {
    document
        .groups
        .iter()
        .map(|g| {
            let requires = g.requires.iter().map(String::as_str).collect();
            (g.name.as_str(), g.points, g.scoring, requires, g.tests.iter().map(|t| t.name.as_str()).collect())
        })
        .collect()
}

fn claims(document: &LabDocument) -> Vec<(&str, &str, Vec<Verdict>)> {
    document
        .solutions
        .iter()
        .map(|s| (s.name.as_deref().unwrap_or_default(), s.language.as_str(), s.expect.allowed()))
        .collect()
}

fn warns(imported: &Imported, path: &str, words: &str) -> bool {
    imported.warnings.iter().any(|w| w.path.contains(path) && w.detail.contains(words))
}

#[test]
fn a_legacy_pass_fail_problem_with_a_tolerance() {
    let circle = imported("circle");
    let document = &circle.document;
    assert_eq!(
        (document.title.as_str(), document.limits.cpu_ms, document.limits.memory_mb),
        ("Area of a circle", 2000, 256)
    );
    assert!(document.statement_md.starts_with("Print the *area* of a circle of radius $r$, $0 \\le r \\le 1000$."));
    assert_eq!(
        outline(document),
        [
            ("sample", 0.0, Scoring::All, vec![], vec!["1"]),
            ("secret", 100.0, Scoring::All, vec!["sample"], vec!["01-zero", "02-half", "03-large"]),
        ]
    );
    let test = &document.groups[1].tests[1];
    assert_eq!((test.stdin.as_str(), test.visibility), ("0.5\n", Visibility::Hidden));
    assert_eq!(test.message.as_deref(), Some("Read a number with a fraction."));
    assert_eq!(
        test.checker,
        Checker::Tokens { float_abs: Some(1e-6), float_rel: Some(1e-6), case_sensitive: false, space_sensitive: false }
    );
    assert_eq!(
        claims(document),
        [
            ("accepted/exact.py", "python", vec![Ac]),
            ("accepted/scientific.c", "c", vec![Ac]),
            ("mixed/marked.py", "python", vec![Wa, Rte, Mle]),
            ("run_time_error/whole.py", "python", vec![Rte, Mle, Ole]),
            ("time_limit_exceeded/forever.py", "python", vec![Tle]),
            ("wrong_answer/rough.cpp", "cpp", vec![Wa]),
        ]
    );
    for (path, words) in [
        ("problem.yaml", "author, license, rights_owner, keywords"),
        ("domjudge-problem.ini", "short-name"),
        ("problem_statement/problem.en.tex", "LaTeX"),
        ("input_format_validators", "not run"),
    ] {
        assert!(warns(&circle, path, words), "{path}: {:#?}", circle.warnings);
    }
    assert_eq!(circle.places.get("/groups/1/tests/1").map(String::as_str), Some("data/secret/02-half.in"));
    assert_eq!(circle.places.get("/groups/1/tests/1/expected").map(String::as_str), Some("data/secret/02-half.ans"));
}

#[test]
fn groups_are_scored_in_either_version() {
    let expected = |last: Vec<&'static str>, legacy: bool| {
        vec![
            ("sample", 0.0, Scoring::All, vec![], vec!["01"]),
            (
                "secret/1-small",
                30.0,
                Scoring::All,
                if legacy { vec![] } else { vec!["sample"] },
                vec!["01", "02", "03"],
            ),
            ("secret/2-negative", 30.0, Scoring::Sum, vec![], vec!["01", "02"]),
            ("secret/3-large", 40.0, if legacy { Scoring::All } else { Scoring::Min }, last, vec!["01", "02"]),
        ]
    };
    let now = imported("triples");
    assert_eq!(outline(&now.document), expected(vec!["secret/1-small"], false));
    assert!(now.document.statement_md.contains("at most 1000 numbers") && !now.document.statement_md.contains("{{"));
    let worst = now.document.solutions.iter().find(|s| s.name.as_deref() == Some("wrong_answer/only_positive.py"));
    assert_eq!(worst.map(|s| s.expect.score), Some(Some(85.0)));
    assert_eq!(claims(&now.document)[0], ("accepted/Main.java", "java", vec![Ac, Pa]));
    let before = imported("triples-legacy");
    assert_eq!(outline(&before.document), expected(vec![], true));
}

#[test]
fn validators_become_programs_that_judge() {
    let split = imported("split").document;
    let mut languages = split.languages.clone();
    languages.sort();
    assert_eq!(languages, ["cpp", "java", "java25", "python"]);
    let program = &split.programs["output_validator"];
    assert_eq!((program.language.as_str(), program.files.len()), ("cpp", 2));
    let Checker::Program(call) = &split.groups[1].tests[0].checker else { panic!("a program") };
    assert_eq!((call.program.as_str(), call.args.as_slice()), ("output_validator", ["positive".to_owned()].as_slice()));
    let Checker::Program(call) = &split.groups[0].tests[0].checker else { panic!("a program") };
    assert!(call.args.is_empty(), "arguments of the secret folder are not the sample's");

    let guess = imported("guess");
    assert!(guess.document.groups.iter().flat_map(|g| &g.tests).all(|t| t.kind == TestKind::Interactive));
    assert_eq!(guess.document.groups[0].tests[0].visibility, Visibility::Hidden, "an interactor's input is no example");
    assert!(warns(&guess, "1.interaction", "statement") && guess.document.limits.cpu_ms == 1000);

    let echo = imported("echo").document;
    assert!(echo.groups.iter().flat_map(|g| &g.tests).all(|t| t.passes == 2 && t.kind == TestKind::Io));
}

#[test]
fn folders_of_packages_become_flat_files() {
    let shapes = imported("shapes").document;
    let names: Vec<&str> = shapes.solutions[0].files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["Main.java", "Shape.java", "Square.java", "Circle.java"]);
    assert_eq!(shapes.solutions[0].main.as_deref(), Some("Main"));
    assert_eq!(outline(&shapes)[1].4, ["a/1", "b/1"]);
    assert!(shapes.starter.contains_key("java"));
}

#[test]
fn a_lab_goes_out_as_a_package_and_comes_back_as_the_same_lab() {
    for name in ["circle", "triples", "triples-legacy", "split", "guess", "echo", "shapes"] {
        let first = imported(name).document;
        let (files, _) =
            export(&first, uuid::Uuid::from_u128(7)).unwrap_or_else(|errors| panic!("{name}: {errors:#?}"));
        assert!(files.keys().all(|path| path.split('/').all(|step| !step.starts_with(['.', '-']))), "{files:?}");
        let second = try_import(files).unwrap_or_else(|errors| panic!("{name} back: {errors:#?}")).document;
        assert_eq!(validate::validate(&second, &languages(), &Ceilings::default()), Ok(()), "{name} back");
        assert_eq!((&second.title, second.limits.cpu_ms), (&first.title, first.limits.cpu_ms), "{name}");
        assert_eq!(second.groups.len(), first.groups.len(), "{name}");
        for (one, other) in first.groups.iter().zip(&second.groups) {
            assert_eq!(
                (one.points, one.scoring, one.requires.len()),
                (other.points, other.scoring, other.requires.len()),
                "{name}"
            );
            for (one, other) in one.tests.iter().zip(&other.tests) {
                let back = iteratione_common::lab::Test { name: one.name.clone(), ..other.clone() };
                let same = iteratione_common::lab::Test {
                    interactor: one.interactor.clone(),
                    points: back.points,
                    ..one.clone()
                };
                assert_eq!(back, same, "{name}");
            }
        }
        assert_eq!(second.programs, first.programs, "{name}");
        assert_eq!(second.starter, first.starter, "{name}");
        let sorted = |document: &LabDocument| {
            let claim = |s: &iteratione_common::lab::Solution| {
                let mut files: Vec<_> = s.files.iter().map(|f| (f.name.clone(), f.content.clone())).collect();
                files.sort();
                (
                    s.language.clone(),
                    files,
                    s.expect.allowed().contains(&Ac),
                    s.expect.score.map(|score| score.to_string()),
                )
            };
            let mut claims: Vec<_> = document.solutions.iter().map(claim).collect();
            claims.sort();
            claims
        };
        assert_eq!(sorted(&second), sorted(&first), "{name}");
    }
}

#[test]
fn what_a_package_cannot_say_refuses_the_export() {
    let mut unit = imported("circle").document;
    unit.groups[1].tests[0].kind = TestKind::Junit;
    unit.groups[1].tests[1].checker = Checker::Regex {};
    let errors = export(&unit, uuid::Uuid::nil()).expect_err("refused");
    assert!(errors.iter().any(|e| e.path.ends_with("01-zero") && e.detail.contains("unit test")), "{errors:#?}");
    assert!(errors.iter().any(|e| e.path.ends_with("02-half") && e.detail.contains("checker")), "{errors:#?}");
}

/// A change to the files of a good package, and what is then wrong, or worth a warning.
type Change = (&'static str, &'static [(&'static str, Option<&'static str>)], &'static str, &'static str);

/// A package in which some files are others, or gone.
fn changed(name: &str, changes: &[(&str, Option<&str>)]) -> Files {
    let mut files = package(name);
    for (file, content) in changes {
        match content {
            Some(content) => files.insert((*file).to_owned(), content.as_bytes().to_vec()),
            None => files.remove(*file),
        };
    }
    files
}

#[test]
fn what_cannot_be_honoured_is_an_error_at_its_file() {
    let cases: &[Change] = &[
        ("circle", &[("problem.yaml", Some("name: [1\n"))], "problem.yaml", "not valid YAML"),
        ("circle", &[("problem.yaml", Some("- a\n"))], "problem.yaml", "mapping"),
        ("circle", &[("problem.yaml", Some("nmae: X\n"))], "problem.yaml", "\"nmae\" is none"),
        (
            "circle",
            &[("problem.yaml", Some("problem_format_version: 2031-01\nname: X\n"))],
            "problem.yaml",
            "not known",
        ),
        (
            "circle",
            &[("problem.yaml", Some("name: X\nlimits: {memory: much}\n"))],
            "problem.yaml",
            "memory must be a number",
        ),
        (
            "circle",
            &[("problem.yaml", Some("name: X\nlimits: {memory: -1}\n"))],
            "problem.yaml",
            "memory must be a number",
        ),
        ("circle", &[("problem.yaml", Some("name: X\nlimits: {memroy: 1}\n"))], "problem.yaml", "memroy"),
        (
            "circle",
            &[("problem.yaml", Some("name: X\nvalidator_flags: float_tolerance\n"))],
            "problem.yaml",
            "behind it",
        ),
        ("circle", &[("problem.yaml", Some("name: X\nvalidation: custom\n"))], "output_validator", "there is none"),
        ("circle", &[("problem.yaml", Some("name: X\nvalidation: own\n"))], "problem.yaml", "default or custom"),
        ("circle", &[("problem.yaml", Some("name: X\ngrading: {objective: min}\n"))], "problem.yaml", "objective max"),
        ("circle", &[("problem.yaml", Some("name: X\ntype: quiz\n"))], "problem.yaml", "\"quiz\""),
        ("circle", &[("data/secret/01-zero.ans", None)], "data/secret/01-zero.in", "no answer"),
        ("circle", &[("data/secret/04.ans", Some("1\n"))], "data/secret/04.ans", "without its input"),
        (
            "circle",
            &[("data/secret/04.in", Some("\0")), ("data/secret/04.ans", Some(""))],
            "data/secret/04.in",
            "UTF-8 text",
        ),
        ("circle", &[("data/secret/test_group.yaml", Some("args: []\n"))], "test_group.yaml", "another version"),
        ("circle", &[("submissions/accepted/bad.py", Some("# @EXPECTED_RESULTS@: PERFECT\n"))], "bad.py", "PERFECT"),
        ("circle", &[("domjudge-problem.ini", Some("timelimit = soon\n"))], "domjudge-problem.ini", "seconds"),
        ("circle", &[("timelimit", Some("soon\n"))], "timelimit", "seconds"),
        ("triples", &[("data/secret/1-small/test_group.yaml", Some("max_score: unbounded\n"))], "1-small", "unbounded"),
        ("triples", &[("data/secret/1-small/test_group.yaml", None)], "1-small", "needs a max_score"),
        ("triples", &[("data/secret/1-small/test_group.yaml", Some("max_score: 1\nmax: 2\n"))], "1-small", "\"max\""),
        (
            "triples",
            &[("data/secret/test_group.yaml", Some("score_aggregation: min\n"))],
            "secret/test_group.yaml",
            "least",
        ),
        (
            "triples",
            &[("data/secret/2-negative/test_group.yaml", Some("max_score: 1\nrequire_pass: secret/3-large\n"))],
            "2-negative",
            "no earlier group",
        ),
        (
            "triples",
            &[("data/secret/2-negative/test_group.yaml", Some("max_score: 1\nstatic_validation_score: 5\n"))],
            "2-negative",
            "static",
        ),
        (
            "triples",
            &[("data/secret/9.in", Some("")), ("data/secret/9.ans", Some(""))],
            "data/secret",
            "beside each other",
        ),
        ("triples-legacy", &[("data/testdata.yaml", Some("grading: custom\n"))], "data/testdata.yaml", "graders"),
        ("triples-legacy", &[("graders/grade.py", Some("x"))], "graders", "cannot be run"),
        ("triples-legacy", &[("data/testdata.yaml", Some("reject_score: 1\n"))], "data/testdata.yaml", "reject_score"),
        (
            "triples-legacy",
            &[("data/secret/testdata.yaml", Some("grader_flags: min\n"))],
            "data/secret/testdata.yaml",
            "sum",
        ),
        (
            "triples-legacy",
            &[("data/secret/1-small/testdata.yaml", Some("grader_flags: accept_if_any_accepted\n"))],
            "1-small",
            "one test of many",
        ),
        ("split", &[("output_validator/run", Some("#!/bin/sh\n"))], "output_validator", "run scripts"),
        ("split", &[("static_validator/check.py", Some("x"))], "static_validator", "cannot be run"),
        (
            "split",
            &[("submissions/accepted/two/a/x.py", Some("")), ("submissions/accepted/two/b/x.py", Some(""))],
            "two/b/x.py",
            "another file",
        ),
        (
            "split",
            &[("submissions/submissions.yaml", Some("accepted: {permitted: [WA]}\naccepted/*: {permitted: [AC]}\n"))],
            "accepted/half.cpp",
            "cannot all be true",
        ),
        ("guess", &[("output_validators/other.py", Some("x"))], "output_validators", "several validators"),
        ("echo", &[("output_validator/validate.py", None)], "output_validator", "there is none"),
    ];
    for (name, changes, path, words) in cases {
        let errors = try_import(changed(name, changes)).map(|i| i.warnings).expect_err(&format!("{name} {changes:?}"));
        assert!(
            errors.iter().any(|e| e.path.contains(path) && e.detail.contains(words)),
            "{name} {changes:?} should say {words:?} of {path}: {errors:#?}"
        );
    }
}

#[test]
fn what_is_passed_over_is_told() {
    let cases: &[Change] = &[
        ("circle", &[("README.md", Some("x"))], "README.md", "not used"),
        ("circle", &[("attachments/tool.py", Some("x"))], "attachments/tool.py", "attachments"),
        ("circle", &[("problem_statement/problem.sv.tex", Some("x"))], "problem.sv.tex", "one statement"),
        ("circle", &[("submissions/accepted/x.cobol", Some("x"))], "x.cobol", "no language"),
        ("circle", &[("submissions/somewhere/x.py", Some("x"))], "somewhere/x.py", "nothing says"),
        ("circle", &[("data/secret/01-zero.png", Some("x"))], "01-zero.png", "pictures"),
        ("circle", &[("data/secret/note.txt", Some("x"))], "note.txt", "no test"),
        ("circle", &[("output_validators/v.py", Some("x"))], "output_validators", "validation: default"),
        ("circle", &[("problem.yaml", Some("name: X\nlimits: {memory: 8192, code: 5}\n"))], "problem.yaml", "ceiling"),
        ("circle", &[("domjudge-problem.ini", None)], "problem.yaml", "no time limit"),
        ("circle", &[("data/testdata.yaml", Some("grader_flags: worst_error\n"))], "testdata.yaml", "worst_error"),
        (
            "triples",
            &[("data/secret/test_group.yaml", Some("max_score: 50\n"))],
            "test_group.yaml",
            "100 points together",
        ),
        (
            "triples",
            &[(
                "problem.yaml",
                Some(
                    "problem_format_version: 2025-09\ntype: scoring\nname: X\nuuid: y\nlanguages: [cobol, python3, cpp, java]\n",
                ),
            )],
            "problem.yaml",
            "cobol",
        ),
        (
            "triples-legacy",
            &[("data/secret/testdata.yaml", Some("on_reject: continue\n"))],
            "testdata.yaml",
            "reject it as a whole",
        ),
        (
            "split",
            &[(
                "submissions/submissions.yaml",
                Some("rejected/crash.py:\n  message: x\n  secret/2: {permitted: [RTE]}\n"),
            )],
            "submissions.yaml",
            "not checked",
        ),
    ];
    for (name, changes, path, words) in cases {
        let imported =
            try_import(changed(name, changes)).unwrap_or_else(|errors| panic!("{name} {changes:?}: {errors:#?}"));
        assert!(warns(&imported, path, words), "{name} {changes:?}: {:#?}", imported.warnings);
    }
}

#[test]
fn hidden_files_are_not_there() {
    let mut files = package("circle");
    for path in [".git/config", "data/secret/.04.in", "submissions/accepted/-x.py", ".DS_Store"] {
        files.insert(path.to_owned(), b"x".to_vec());
    }
    let with = try_import(files).expect("taken");
    let without = imported("circle");
    assert_eq!((with.document, with.warnings), (without.document, without.warnings));
}

#[test]
fn hostile_yaml_is_an_error_and_takes_no_time() {
    let mut laughs = vec!["a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()];
    for (before, this) in ('a'..'l').zip('b'..='l') {
        laughs.push(format!("{this}: &{this} [{}]\n", vec![format!("*{before}"); 9].join(", ")));
    }
    for yaml in [
        laughs.concat(),
        "[".repeat(100_000),
        "a: ".to_owned() + &"{b: ".repeat(50_000),
        "x".repeat(300_000),
        "name: !!binary x\n".to_owned(),
        "? [a]\n: b\n".to_owned(),
        "\u{0}".to_owned(),
    ] {
        let mut files = package("circle");
        files.insert(PROBLEM.to_owned(), yaml.clone().into_bytes());
        let begin = std::time::Instant::now();
        let result = try_import(files);
        assert!(begin.elapsed() < std::time::Duration::from_secs(20));
        let head: String = yaml.chars().take(40).collect();
        assert!(result.is_err(), "{head}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_files_make_it_panic(
        base in prop::sample::select(vec!["circle", "triples", "triples-legacy", "split", "guess", "echo", "shapes"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![
            Just(None),
            prop::collection::vec(any::<u8>(), 0..60).prop_map(Some),
            "[a-z_]{1,12}: ?[-a-z0-9{}\\[\\], .*&!|>]{0,20}\n([a-z]+: [0-9.]+\n)?".prop_map(|s| Some(s.into_bytes())),
        ], any::<bool>()), 0..6),
    ) {
        let mut files = package(base);
        let names: Vec<String> = files.keys().cloned().collect();
        for (index, content, renamed) in changes {
            let mut name = index.get(&names).clone();
            if renamed {
                name.push_str("/x.in");
            }
            match content {
                Some(content) => files.insert(name, content),
                None => files.remove(&name),
            };
        }
        if let Ok(imported) = try_import(files) {
            let _ = export(&imported.document, uuid::Uuid::nil());
        }
    }
}
