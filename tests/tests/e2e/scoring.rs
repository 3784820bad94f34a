//! Groups, requirements and points.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{
    classroom::grade,
    labs,
    programs::Program,
    stack::{Setup, with_stack},
};

/// A program that is right for all tests but those in which it fails, and those in which it crashes.
fn program(wrong: &[&str], crash: &[&str]) -> Program {
    let text = format!(
        "import sys\nname = input()\nif name in {crash:?}:\n    sys.exit(1)\nprint('wrong' if name in {wrong:?} else 'right')\n"
    );
    Program::of("python", "main.py", &text)
}

fn document() -> Value {
    let test = |name: &str, points: u32| json!({"name": name, "visibility": "visible", "stdin": name, "expected": "right", "points": points});
    labs::lab(
        &["python"],
        &json!([
            {"name": "added", "points": 40, "scoring": "sum", "tests": [test("a1", 1), test("a2", 3)]},
            {"name": "worst", "points": 30, "scoring": "min", "tests": [test("w1", 1), test("w2", 1)]},
            {"name": "whole", "points": 20, "scoring": "all", "requires": ["added"], "tests": [test("h1", 1), test("h2", 1)]},
            {"name": "last", "points": 10, "requires": ["whole", "worst"], "tests": [test("l1", 1)]},
        ]),
    )
}

#[test]
fn groups_add_up_take_the_worst_or_all_and_are_skipped_without_what_they_require() {
    with_stack(Setup::default(), Duration::from_secs(120), async |stack| {
        let class = stack.classroom("scoring", 1).await;
        let lab = class.publish("groups", &document()).await;
        for (wrong, crash, verdict, score, groups, verdicts) in [
            (vec![], vec![], "AC", 100.0, [40.0, 30.0, 20.0, 10.0], "AC AC AC AC AC AC AC"),
            (vec!["a2"], vec![], "WA", 40.0, [10.0, 30.0, 0.0, 0.0], "AC WA AC AC SK SK SK"),
            (vec!["w1"], vec![], "WA", 60.0, [40.0, 0.0, 20.0, 0.0], "AC AC WA AC AC AC SK"),
            (vec!["h2"], vec![], "WA", 70.0, [40.0, 30.0, 0.0, 0.0], "AC AC AC AC AC WA SK"),
            (vec!["l1"], vec!["w2"], "RTE", 60.0, [40.0, 0.0, 20.0, 0.0], "AC AC AC RTE AC AC SK"),
            (vec!["a1"], vec!["a2", "w1", "w2"], "WA", 0.0, [0.0; 4], "WA RTE RTE RTE SK SK SK"),
        ] {
            let result = grade(class.student(), &lab, &program(&wrong, &crash)).await;
            let list = |of: &str, field: &str| -> Vec<Value> {
                result[of].as_array().expect("a list").iter().map(|item| item[field].clone()).collect()
            };
            assert_eq!((&result["verdict"], &result["score"]), (&json!(verdict), &json!(score)), "{wrong:?} {crash:?}");
            assert_eq!(result["max_score"], 100.0);
            assert_eq!(list("groups", "points"), groups, "{wrong:?} {crash:?}");
            assert_eq!(list("tests", "verdict"), verdicts.split(' ').collect::<Vec<_>>(), "{wrong:?} {crash:?}");
        }
    });
}
