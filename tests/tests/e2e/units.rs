//! Labs of unit tests, through REST: published, handed in to, seen by students and by staff.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{
    classroom::grade,
    programs::Program,
    stack::{Setup, with_stack},
};

const SHELF_TEST: &str = "package shop;\nimport static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.*;\nclass ShelfTest {\n    @Test @Tag(\"points=5\") void counts() {\n        Shelf shelf = new Shelf();\n        shelf.put(\"a\");\n        assertEquals(1, shelf.size);\n    }\n    @Test void isEmptyAtFirst() { assertEquals(0, new Shelf().size); }\n}\n";
const SECRET_TEST: &str = "package shop;\nimport static org.junit.jupiter.api.Assertions.*;\nimport org.junit.jupiter.api.Test;\nclass SecretTest {\n    @Test void takes() { String verySecret = \"verySecret\"; Shelf s = new Shelf(); s.put(verySecret); assertEquals(verySecret, s.take()); }\n}\n";
const SHELF: &str = "package shop;\nimport java.util.*;\nclass Shelf {\n    int size;\n    private final Deque<String> all = new ArrayDeque<>();\n    void put(String book) { all.push(book); size++; }\n    String take() { size--; return all.pop(); }\n}\n";

fn lab() -> Value {
    let file = |name: &str, content: &str| json!([{"name": name, "content": content}]);
    json!({
        "title": "Shelves", "languages": ["java"],
        "limits": {"cpu_ms": 4000, "wall_ms": 15_000, "memory_mb": 192, "output_kb": 64, "processes": 32},
        "starter": {"java": [{"name": "Shelf.java", "content": "package shop;\nclass Shelf {\n}\n"}]},
        "groups": [{"name": "shelf", "points": 100, "tests": [
            {"name": "open", "kind": "junit", "visibility": "visible", "points": 60, "files": file("ShelfTest.java", SHELF_TEST)},
            {"name": "closed", "kind": "junit", "visibility": "hidden", "points": 40, "files": file("SecretTest.java", SECRET_TEST)}]}],
        "solutions": [{"language": "java", "files": file("Shelf.java", SHELF), "expect": {"score": 100}}],
    })
}

#[test]
fn a_junit_lab_passes_its_gate_and_one_missing_method_costs_its_own_class_alone() {
    with_stack(Setup { warm: 1, ..Setup::default() }, Duration::from_secs(180), async |stack| {
        let class = stack.classroom("units", 1).await;
        let lab = class.publish("shelves", &lab()).await;
        let hand_in = async |code: &str| grade(class.student(), &lab, &Program::of("java", "Shelf.java", code)).await;

        let right = hand_in(SHELF).await;
        assert_eq!((&right["verdict"], &right["score"]), (&json!("AC"), &json!(100.0)), "{right}");

        let without = hand_in(&SHELF.replace("String take()", "String remove()")).await;
        assert_eq!((&without["verdict"], &without["score"]), (&json!("CE"), &json!(60.0)), "{without}");
        let (open, closed) = (&without["tests"][0], &without["tests"][1]);
        assert_eq!((&open["verdict"], &open["cases"][0]["name"]), (&json!("AC"), &json!("ShelfTest.counts")), "{open}");
        assert_eq!((&open["cases"][0]["points"], &open["cases"][1]["points"]), (&json!(50.0), &json!(10.0)), "{open}");
        // Of what is hidden, names and verdicts alone.
        assert_eq!(
            (&closed["cases"][0]["name"], &closed["cases"][0]["verdict"]),
            (&json!("SecretTest.takes"), &json!("CE"))
        );
        assert!(!without.to_string().contains("verySecret"), "{without}");
        let staff = class.instructor.get(&format!("/submissions/{}", without["id"].as_str().expect("an id"))).await;
        let staff = staff.expect("the submission");
        let words = staff["tests"][1]["cases"][0]["message"].as_str().unwrap_or_default();
        assert!(words.contains("method take() not found in shop.Shelf"), "{staff}");

        let half = hand_in(&SHELF.replace("all.push(book); size++;", "all.push(book);")).await;
        assert_eq!((&half["verdict"], &half["score"]), (&json!("PA"), &json!(50.0)), "{half}");
        let message = half["tests"][0]["cases"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains("expected: <1> but was: <0>"), "{half}");

        let ends = hand_in(&SHELF.replace("String take() {", "String take() { if (true) System.exit(0);")).await;
        assert_eq!((&ends["verdict"], &ends["score"]), (&json!("RTE"), &json!(60.0)), "{ends}");
        assert!(!ends.to_string().contains("System.exit"), "marks are for staff: {ends}");
    });
}
