use std::{path::Path, sync::OnceLock};

use iteratione_common::lab::validate::Ceilings;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn languages() -> &'static Languages {
    static LANGUAGES: OnceLock<Languages> = OnceLock::new();
    LANGUAGES.get_or_init(|| {
        Languages::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images")).expect("languages")
    })
}

fn installation() -> Installation<'static> {
    static CEILINGS: OnceLock<Ceilings> = OnceLock::new();
    Installation { languages: languages(), ceilings: CEILINGS.get_or_init(Ceilings::default) }
}

fn archive(files: &[(&str, &str)]) -> Archive {
    let file = |(name, text): &(&str, &str)| ArchiveFile { name: (*name).to_owned(), bytes: text.as_bytes().to_vec() };
    Archive { files: files.iter().map(file).collect(), ignored: 0 }
}

fn made_of(files: &[(&str, &str)]) -> Lab {
    lab(archive(files), "sum", installation()).unwrap_or_else(|e| panic!("{e:?}"))
}

/// `pointer detail` of each problem.
fn problems_of(files: &[(&str, &str)]) -> Vec<String> {
    match lab(archive(files), "sum", installation()) {
        Err(ApiError::Invalid(problems)) => {
            problems.into_iter().map(|p| format!("{} {}", p.pointer, p.detail)).collect()
        }
        other => panic!("must be refused: {other:?}"),
    }
}

fn tests_of(group: &TestGroup) -> Vec<(&str, &str, &str)> {
    group.tests.iter().map(|t| (t.name.as_str(), t.stdin.as_str(), t.expected.as_str())).collect()
}

#[test]
fn plain_tests_alone_are_a_lab_in_the_order_in_which_people_count() {
    let lab = made_of(&[("10.in", "c"), ("2.in", "b"), ("1.in", "a"), ("1.out", "A"), ("2.ans", "B"), ("10.out", "C")]);
    assert_eq!((lab.document.title.as_str(), lab.document.groups.len()), ("sum", 1));
    let group = &lab.document.groups[0];
    assert_eq!((group.name.as_str(), group.points), ("tests", 100.0));
    assert_eq!(tests_of(group), [("1", "a", "A"), ("2", "b", "B"), ("10", "c", "C")]);
    assert!(lab.document.languages.iter().any(|l| l == "java"), "{:?}", lab.document.languages);
    assert!(lab.warnings[0].detail.contains("no lab.json"), "{:?}", lab.warnings);
}

#[test]
fn tests_belong_to_the_first_group_or_to_the_one_whose_folder_they_lie_in() {
    let document = json!({"title": "Sum", "languages": ["java"], "groups": [
        {"name": "easy", "points": 1, "tests": [{"name": "given", "stdin": "x", "expected": "X"}]},
        {"name": "hard", "points": 2, "tests": []}]});
    let lab = made_of(&[
        ("sum/lab.json", &document.to_string()),
        ("sum/1.in", "a"),
        ("sum/1.out", "A"),
        ("sum/hard/1.in", "b"),
        ("sum/hard/1.out", "B"),
    ]);
    assert_eq!(lab.document.title, "Sum");
    assert_eq!(tests_of(&lab.document.groups[0]), [("given", "x", "X"), ("1", "a", "A")]);
    assert_eq!(tests_of(&lab.document.groups[1]), [("1", "b", "B")]);
    assert_eq!(lab.warnings, []);
    // Problems are told where their cause lies.
    let at = |pointer: &str| lab.placed(vec![FieldProblem::new(pointer, "x")]).remove(0).pointer;
    assert_eq!(at("/groups/0/tests/0/stdin"), "/sum~1lab.json/groups/0/tests/0/stdin");
    assert_eq!(at("/groups/0/tests/1/stdin"), "/sum~11.in");
    assert_eq!(at("/groups/1/tests/0/expected"), "/sum~1hard~11.out");
    assert_eq!(at("/groups/1/tests/0/name"), "/sum~1hard~11.in");
    assert_eq!(at("/limits"), "/sum~1lab.json/limits");
}

#[test]
fn what_is_not_understood_is_never_passed_over_in_silence() {
    let test = [("1.in", "1"), ("1.out", "1")];
    let with = |more: &[(&'static str, &'static str)]| [&test[..], more].concat();
    for (more, problem) in [
        (vec![("2.in", "")], "/2.in is an input without its answer 2.out"),
        (vec![("2.out", "")], "/2.out is an answer without its input 2.in"),
        (vec![("1.ans", "")], "/1.ans is a second answer for one input"),
        (vec![("else/1.in", ""), ("else/1.out", "")], "/else~11.in lies in a folder that no group is called like"),
        (vec![("problem.yaml", "name: x")], "/data~1secret holds no test"),
        (vec![("problem.yaml", "nmae: x")], "/problem.yaml the key \"nmae\""),
        (vec![("lab.json", "{")], "/lab.json is not valid JSON"),
        (vec![("lab.json", "[]")], "/lab.json invalid"),
        (vec![("lab.json", "{\"title\":7}")], "/lab.json/title invalid type"),
        (vec![("lab.json", "{\"title\":\"\\u0000\",\"languages\":[]}")], "/lab.json/title must not hold a NUL"),
    ] {
        let problems = problems_of(&with(&more));
        assert!(problems.iter().any(|p| p.starts_with(problem)), "{more:?}: {problems:?}");
    }
    assert!(problems_of(&[])[0].contains("neither a lab.json nor tests"));
    assert!(problems_of(&[("README.md", "x")])[0].contains("neither a lab.json nor tests"));

    let lab =
        made_of(&with(&[("README.md", "x"), ("inner.zip", "PK"), (".in", ""), ("notes/in", ""), ("LAB.JSON", "{}")]));
    let warnings: Vec<_> = lab.warnings.iter().map(|w| w.pointer.as_str()).collect();
    assert_eq!(warnings, ["", "/README.md", "/inner.zip", "/.in", "/notes~1in", "/LAB.JSON"]);
    assert!(lab.warnings[2].detail.contains("not opened"), "{:?}", lab.warnings);
}

#[test]
fn a_test_that_is_no_text_is_named() {
    let mut archive = archive(&[("1.in", ""), ("1.out", "")]);
    archive.files[0].bytes = vec![0xff];
    let Err(ApiError::Invalid(problems)) = lab(archive, "sum", installation()) else { panic!("must be refused") };
    assert_eq!((problems[0].pointer.as_str(), problems[0].detail.as_str()), ("/1.in", "is not UTF-8 text"));
}

#[test]
fn thousands_of_strange_files_make_a_bounded_answer() {
    let names: Vec<String> = (0..2000).map(|i| format!("{i}.txt")).chain(["1.in".into(), "1.out".into()]).collect();
    let lab = made_of(&names.iter().map(|n| (n.as_str(), "")).collect::<Vec<_>>());
    assert!(lab.warnings.len() <= MOST_WARNINGS + 2, "{}", lab.warnings.len());
    assert!(lab.warnings.last().is_some_and(|w| w.detail.contains("more files")), "{:?}", lab.warnings.last());
}

proptest! {
    #[test]
    fn counting_order_is_an_order(a in "[a-c0-2]{0,5}", b in "[a-c0-2]{0,5}", c in "[a-c0-2]{0,5}") {
        let (a, b, c) = (Natural(a), Natural(b), Natural(c));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
        if a <= b && b <= c { prop_assert!(a <= c, "{a:?} {b:?} {c:?}"); }
    }

    #[test]
    fn any_files_become_a_lab_or_problems_each_at_a_file_that_is_there(
        files in prop::collection::btree_map(
            "(a/|b/|a/b/)?([0-3]|x|)\\.(in|out|ans|md)|(a/)?lab\\.json", "[ab\\n]{0,3}|\\{\\}|\\{\"title\":\"t\",\"languages\":\\[\\]\\}", 0..8)
    ) {
        let list: Vec<(&str, &str)> = files.iter().map(|(n, c)| (n.as_str(), c.as_str())).collect();
        let there = |pointer: &str| {
            let first = pointer.split('/').nth(1).unwrap_or_default().replace("~1", "/").replace("~0", "~");
            pointer.is_empty() || files.contains_key(&first)
        };
        match lab(archive(&list), "sum", installation()) {
            Ok(lab) => {
                prop_assert!(lab.warnings.iter().all(|w| there(&w.pointer)), "{:?}", lab.warnings);
                let stem = |n: &&String| n.strip_suffix(".in").is_some_and(|stem| !stem.is_empty() && !stem.ends_with('/'));
                let inputs = files.keys().filter(stem).count();
                let tests: usize = lab.document.groups.iter().map(|g| g.tests.len()).sum();
                prop_assert_eq!(tests, inputs, "each input is a test");
            }
            Err(ApiError::Invalid(problems)) => {
                prop_assert!(!problems.is_empty() && problems.iter().all(|p| there(&p.pointer)), "{:?}", problems);
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}

#[test]
fn a_problem_package_in_its_folder_is_a_lab_whose_problems_stand_at_its_files() {
    let files = [
        ("sum/problem.yaml", "name: Sum\ntimelimit: 3\n"),
        ("sum/data/secret/1.in", "1 2\n"),
        ("sum/data/secret/1.ans", "3\n"),
        ("sum/notes.txt", "x"),
    ];
    let problems = problems_of(&files);
    assert!(problems.iter().any(|p| p.starts_with("/sum~1problem.yaml the key \"timelimit\"")), "{problems:?}");
    let mut good = files;
    good[0].1 = "name: Sum\n";
    let lab = made_of(&good);
    assert_eq!(lab.document.title, "Sum");
    assert!(lab.warnings.iter().any(|w| w.pointer == "/sum~1notes.txt"), "{:?}", lab.warnings);
    let place = |pointer: &str| lab.placed(vec![FieldProblem::new(pointer, "is wrong")]).remove(0);
    assert_eq!(place("/groups/0/tests/0/expected").pointer, "/sum~1data~1secret~11.ans");
    assert_eq!(place("/groups/0/tests/0/stdin").pointer, "/sum~1data~1secret~11.in");
    let whole = place("/limits/cpu_ms");
    assert_eq!((whole.pointer.as_str(), whole.detail.as_str()), ("/sum~1problem.yaml", "/limits/cpu_ms: is wrong"));
}
