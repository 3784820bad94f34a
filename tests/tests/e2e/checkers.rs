//! Each checker, through the whole path.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{
    classroom::grade,
    labs,
    programs::Program,
    stack::{Setup, with_stack},
};

/// Name, checker, what is expected, what the program prints, and the verdict.
fn cases() -> Vec<(&'static str, Value, &'static str, &'static str, &'static str)> {
    let tokens = || json!({"type": "tokens"});
    let near = || json!({"type": "tokens", "float_abs": 0.01, "float_rel": 0.001});
    let any_case = || json!({"type": "tokens", "case_sensitive": false});
    vec![
        ("exact", json!({"type": "exact"}), "a b\n", "a b\n", "AC"),
        ("exact without line end", json!({"type": "exact"}), "a b\n", "a b", "WA"),
        ("lines with blanks at the end", json!({"type": "lines"}), "a\nb\n", "a  \nb\n\n", "AC"),
        ("lines with blanks within", json!({"type": "lines"}), "a b\n", "a  b\n", "WA"),
        ("tokens over lines", tokens(), "1 2 3\n", "1\n2   3", "AC"),
        ("tokens that are too many", tokens(), "1 2\n", "1 2 3\n", "WA"),
        ("tokens near", near(), "0.5 1000\n", "0.509 1000.9\n", "AC"),
        ("tokens far", near(), "0.5 1000\n", "0.52 1000\n", "WA"),
        ("tokens not a number", near(), "0.5\n", "nan\n", "WA"),
        ("tokens in any case", any_case(), "YES no\n", "yes NO\n", "AC"),
        ("tokens in this case", tokens(), "YES\n", "yes\n", "WA"),
        ("lines in any order", json!({"type": "unordered_lines"}), "a\nb\nb\n", "b\na\nb\n", "AC"),
        ("lines as often", json!({"type": "unordered_lines"}), "a\nb\nb\n", "a\na\nb\n", "WA"),
        ("a pattern", json!({"type": "regex"}), "[0-9]+ ms( or so)?", "41 ms\n", "AC"),
        ("not the whole of a pattern", json!({"type": "regex"}), "[0-9]+ ms", "about 41 ms\n", "WA"),
    ]
}

#[test]
fn every_checker_tells_right_from_wrong() {
    with_stack(Setup::default(), Duration::from_secs(120), async |stack| {
        let class = stack.classroom("checkers", 1).await;
        let tests: Vec<Value> = cases()
            .into_iter()
            .map(|(name, checker, expected, printed, _)| {
                json!({"name": name, "visibility": "visible", "stdin": printed, "expected": expected, "checker": checker})
            })
            .collect();
        let lab = class.publish("checkers", &labs::lab(&["python"], &json!([labs::group("all", &tests)]))).await;
        let result = grade(class.student(), &lab, &Program::read("python/copies")).await;
        let results = result["tests"].as_array().expect("a list");
        assert_eq!(results.len(), tests.len());
        for (test, (name, _, _, printed, verdict)) in results.iter().zip(cases()) {
            assert_eq!((&test["name"], &test["verdict"]), (&json!(name), &json!(verdict)), "{test}");
            assert_eq!(test["stdout"], printed, "{test}");
            assert_eq!(test["message"].is_null(), verdict == "AC", "a reason for each failure: {test}");
        }
        assert_eq!((&result["verdict"], &result["score"]), (&json!("WA"), &json!(7.0)), "{result}");
    });
}
