//! The instructor's files beside the student's.

use iteratione_common::verdict::Verdict::{Ac, Ce};
use serde_json::json;

use crate::support::{Case, Court, one, said};

#[tokio::test(flavor = "multi_thread")]
async fn the_labs_driver_runs_the_students_class_and_stays_out_of_sight() {
    let court = Court::open().await;
    let mut document = one("20 22\n", "42\n");
    document["starter"] = json!({"java": [
        {"name": "Calc.java", "content": "class Calc { int add(int a, int b) { return 0; } }"},
        {"name": "Driver.java", "role": "hidden", "content":
            "class Driver {\n  public static void main(String[] a) {\n    int SECRET = 1;\n    var s = new java.util.Scanner(System.in);\n    System.out.println(new Calc().add(s.nextInt(), s.nextInt()) + SECRET - 1);\n  }\n}\n"},
    ]});
    // With a main of their own for trying things out, and a driver of their own that is replaced.
    let files = [
        (
            "Calc.java",
            "class Calc { int add(int a, int b) { return a + b; } public static void main(String[] x) { System.out.println(\"mine\"); } }",
        ),
        ("driver.java", "class Driver { public static void main(String[] a) { System.out.println(42); } }"),
    ];
    let grade = court.grade_of(Case::new("java", &files, document.clone())).await;
    assert_eq!(grade.verdict, Ac, "{}", said(&grade));

    let files = [("Calc.java", "class Calc { long add(String a) { return 0; } }")];
    let grade = court.grade_of(Case::new("java", &files, document)).await;
    assert_eq!(grade.verdict, Ce, "{}", said(&grade));
    let text = said(&grade);
    assert!(text.contains("in a file of the lab: ") && text.contains("add"), "{text}");
    assert!(!text.contains("Driver.java") && !text.contains("SECRET"), "{text}");
    court.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_cannot_be_replaced() {
    let court = Court::open().await;
    let mut document = one("", "7\n");
    document["starter"] = json!({"python": [{"name": "given.py", "role": "locked", "content": "SEVEN = 7\n"}]});
    let files = [("main.py", "from given import SEVEN\nprint(SEVEN)"), ("given.py", "SEVEN = 8\n")];
    let grade = court.grade_of(Case::new("python", &files, document)).await;
    assert_eq!(grade.verdict, Ac, "{}", said(&grade));
    court.close().await;
}
