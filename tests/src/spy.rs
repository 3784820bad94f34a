//! A student who tries to see what she must not: hidden tests, expected outputs, solutions, and what others handed in.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Client, labs, programs::Program};

/// Stands in everything that no student may see, and in nothing else.
pub const SECRET: &str = "s3cr3t";

/// A lab full of secrets, for programs that copy or add.
pub fn lab_with_secrets(languages: &[&str]) -> Value {
    let hidden = |name: &str, visibility: &str| {
        json!({"name": name, "visibility": visibility, "stdin": format!("1 2 {SECRET} input\n"), "args": [format!("{SECRET} argument")],
               "files": [{"name": "data.txt", "content": format!("{SECRET} file")}],
               "expected": format!("3 {SECRET} expected\n"), "checker": {"type": "tokens"}})
    };
    let mut document = labs::lab(
        languages,
        &json!([
            {"name": "open", "points": 4, "tests": [
                {"name": "sample", "visibility": "sample", "stdin": "1 2\n", "expected": "3\n"},
                {"name": "visible", "visibility": "visible", "stdin": "2 2\n", "expected": "4\n"}]},
            {"name": "closed", "points": 6, "tests": [hidden("hidden", "hidden"), hidden("later", "after_due")]},
        ]),
    );
    document["due_at"] = json!("2090-01-01T00:00:00Z");
    let solution = Program::of("python", "main.py", &format!("print(3)  # {SECRET} solution\n"));
    document["solutions"] = json!([solution.solution(&format!("{SECRET} name"), &json!({"verdict": "WA"}))]);
    document["starter"] = json!({"python": [
        {"name": "main.py", "content": "# begin here\n"},
        {"name": "given.py", "content": format!("x = '{SECRET} starter'\n"), "role": "hidden"}]});
    document
}

/// Asks for everything that has to do with a lab, her own submission and somebody else's; fails if one answer says more
/// than it may. Returns how many answers were looked at.
pub async fn spy(student: &Client, lab: &str, own: &str, others: &str) -> usize {
    let mut looked = 0;
    for path in [
        format!("/labs/{lab}"),
        format!("/labs/{lab}/submissions?limit=100"),
        format!("/submissions/{own}"),
        format!("/submissions/{own}/files"),
    ] {
        let answer = student.get(&path).await.unwrap_or_else(|e| panic!("{e:#}"));
        assert!(!answer.to_string().contains(SECRET), "{path} tells a secret: {answer}");
        assert!(!answer.to_string().contains(others), "{path} tells of somebody else's submission: {answer}");
        looked += 1;
    }
    looked += events_keep_secrets(student, own).await;
    for path in [
        format!("/submissions/{others}"),
        format!("/submissions/{others}/files"),
        format!("/submissions/{others}/events"),
    ] {
        let answer = student.call(Method::GET, &path, None).await.expect("an answer");
        assert_eq!((answer.status, answer.code()), (404, Some("not_found")), "{path}: {}", answer.body);
        looked += 1;
    }
    looked
}

/// Follows her submission from the beginning of its history to its end.
async fn events_keep_secrets(student: &Client, own: &str) -> usize {
    let mut looked = 0;
    let mut events = student.follow(own, Some("0-0")).await.expect("an answer").expect("events");
    while let Some(message) = events.next().await.expect("an event") {
        assert!(!message.data.contains(SECRET), "the event {} tells a secret: {}", message.event, message.data);
        looked += 1;
        if message.event == "done" {
            break;
        }
    }
    assert!(looked > 0, "there was no event of {own}");
    looked
}
