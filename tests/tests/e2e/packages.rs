//! Problem packages as they are written by hand: one `PUT`, the gate, and every submission gets what its folder says.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::join_all;
use iteratione_common::archive;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    classroom::{Classroom, text},
    stack::{Setup, with_stack},
};

/// One of each kind: pass-fail with a tolerance, scoring in both versions, a checker, an interactor, two passes, Java with
/// packages in folders.
const PACKAGES: [&str; 7] = ["circle", "triples", "triples-legacy", "split", "guess", "echo", "shapes"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/package/testdata").join(name)
}

/// A package in its own folder, as it is zipped by hand, with some files moved.
fn zipped(name: &str, moved: &[(&str, &str)]) -> Vec<u8> {
    let (root, mut files, mut folders) = (folder(name), Vec::new(), vec![folder(name)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&root).expect("below").to_str().expect("UTF-8");
            let inside = moved.iter().find(|(from, _)| *from == inside).map_or(inside, |(_, to)| to);
            files.push((format!("{name}/{inside}"), fs::read(&path).expect("a file")));
        }
    }
    archive::write(files).expect("an archive")
}

/// Puts an archive; returns the lab's id.
async fn put(class: &Classroom, slug: &str, archive: Vec<u8>) -> String {
    let path = format!("/courses/{}/labs/{slug}", class.course);
    let answer = class.instructor.put_archive(&path, archive).await.and_then(|answer| answer.expect(&[200, 201]));
    text(&answer.unwrap_or_else(|e| panic!("{slug}: {e:#}")), "id")
}

/// What was not as it was claimed, and how many were tried.
fn surprises(lab: &Value) -> (Vec<String>, usize) {
    let outcomes = lab["validation"]["solutions"].as_array().unwrap_or_else(|| panic!("no validation: {lab}"));
    let wrong = outcomes.iter().filter(|o| o["ok"] != true).map(|o| format!("{} {}", o["name"], o["message"]));
    (wrong.collect(), outcomes.len())
}

#[test]
fn packages_of_every_kind_pass_the_gate_and_go_out_as_packages_that_pass_it_too() {
    with_stack(Setup::default(), Duration::from_secs(400), async |stack| {
        let class = &stack.classroom("packages", 1).await;
        let check = async |slug: String, archive: Vec<u8>, least: usize| {
            let id = put(class, &slug, archive).await;
            let lab = class.validated(&id).await;
            let (wrong, tried) = surprises(&lab);
            assert!(wrong.is_empty(), "{slug}: {wrong:#?}");
            assert!(tried >= least, "{slug}: only {tried} submissions were tried");
            assert_eq!(lab["status"], "published", "{slug}: {}", lab["validation"]);
            id
        };
        let ids = join_all(PACKAGES.map(|name| check(name.to_owned(), zipped(name, &[]), 3))).await;
        let id_of = |name: &str| ids[PACKAGES.iter().position(|known| *known == name).expect("known")].clone();

        join_all(["triples", "split", "guess", "echo"].map(async |name| {
            let out = class.instructor.download(&format!("/labs/{}/package", id_of(name))).await.expect("a package");
            check(format!("{name}-again"), out, 3).await
        }))
        .await;

        // What a student learns of a validator and of an interactor's input: nothing.
        let guess = id_of("guess");
        let seen = class.student().get(&format!("/labs/{guess}")).await.expect("the lab").to_string();
        assert!(!seen.contains("secret = int") && !seen.contains("777"), "{seen}");
        let package =
            class.student().call(Method::GET, &format!("/labs/{guess}/package"), None).await.expect("answered");
        assert_eq!(package.status, 403, "{}", package.body);
    });
}

#[test]
fn a_submission_in_the_wrong_folder_is_caught_and_named_and_a_broken_package_says_everything_at_once() {
    with_stack(Setup::default(), Duration::from_secs(200), async |stack| {
        let class = &stack.classroom("mislabelled", 1).await;
        let moved = [
            ("circle", "submissions/wrong_answer/rough.cpp", "submissions/accepted/rough.cpp", "AC"),
            ("guess", "submissions/accepted/halves.py", "submissions/wrong_answer/halves.py", "WA"),
            ("echo", "submissions/run_time_error/second.py", "submissions/time_limit_exceeded/second.py", "TLE"),
        ];
        join_all(moved.map(|(name, from, to, claimed)| async move {
            let id = put(class, name, zipped(name, &[(from, to)])).await;
            let lab = class.validated(&id).await;
            assert_eq!((&lab["status"], &lab["published_revision"]), (&json!("rejected"), &Value::Null), "{lab}");
            let (wrong, _) = surprises(&lab);
            assert_eq!(wrong.len(), 1, "{wrong:#?}");
            let file = to.trim_start_matches("submissions/");
            assert!(wrong[0].contains(file) && wrong[0].contains(claimed), "{wrong:#?}");
        }))
        .await;

        let broken = archive::write([
            ("x/problem.yaml".to_owned(), b"nmae: X\nlimits: {memory: lots}\n".to_vec()),
            ("x/data/secret/1.in".to_owned(), b"1\n".to_vec()),
        ]);
        let path = format!("/courses/{}/labs/broken?dry_run=true", class.course);
        let answer = class.instructor.put_archive(&path, broken.expect("an archive")).await.expect("answered");
        assert_eq!(answer.status, 422, "{}", answer.body);
        let at: Vec<&str> =
            answer.body["errors"].as_array().expect("errors").iter().filter_map(|e| e["pointer"].as_str()).collect();
        assert_eq!(at, ["/x~1problem.yaml", "/x~1problem.yaml", "/x~1data~1secret~11.in"], "{}", answer.body);
    });
}
