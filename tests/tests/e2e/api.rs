//! What the API refuses before anything is graded, and what it does only once.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Client,
    classroom::{result, submit, text},
    labs::{self, with},
    programs::Program,
    stack::{Setup, with_stack},
};

/// Names that could be taken for something else, on this or on a student's machine.
const HOSTILE: [&str; 16] = [
    "",
    "../Main.java",
    "/etc/Main.java",
    "a/Main.java",
    "a\\Main.java",
    "-o.java",
    "@args.java",
    "Main\n.java",
    "Main.java\0",
    "Main.java;rm.java",
    "$(id).java",
    ".java",
    "CON.java",
    "Main.class",
    "Ma\u{202e}in.java",
    "a..java",
];

#[test]
fn hostile_file_names_and_other_nonsense_are_refused_with_the_place_and_a_reason() {
    with_stack(Setup { graders: 0, ..Setup::default() }, Duration::from_secs(60), async |stack| {
        let class = stack.classroom("refusals", 1).await;
        let lab = class.publish("sum", &labs::sum(&["java", "python"])).await;
        let student = class.student();
        for name in HOSTILE.iter().map(|n| (*n).to_owned()).chain(["x".repeat(300) + ".java"]) {
            let files = json!([{"name": "Main.java", "content": "class Main {}"}, {"name": name, "content": ""}]);
            let body = json!({"language": "java", "files": files});
            refused(student, &lab, &body, "/files/1/name").await;
        }
        let file = |name: &str, content: &str| json!({"name": name, "content": content});
        let twins = json!([file("Main.java", "a"), file("MAIN.java", "b")]);
        refused(student, &lab, &json!({"language": "java", "files": twins}), "/files/1/name").await;
        refused(student, &lab, &json!({"language": "java", "files": []}), "/files").await;
        let many: Vec<Value> = (0..10_000).map(|n| file(&format!("A{n}.java"), "")).collect();
        refused(student, &lab, &json!({"language": "java", "files": many}), "/files").await;
        let large = json!([file("Main.java", &"x".repeat(300 * 1024))]);
        refused(student, &lab, &json!({"language": "java", "files": large}), "/files").await;
        refused(student, &lab, &json!({"language": "c", "files": [file("main.c", "")]}), "/language").await;
        let main = json!({"language": "java", "files": [file("Main.java", "")], "main": "a\nb"});
        refused(student, &lab, &main, "/main").await;
        assert_eq!(submissions(student, &lab).await, 0, "nothing of it was stored");
    });
}

/// Must be answered with 422, a pointer and a sentence.
async fn refused(student: &Client, lab: &str, body: &Value, pointer: &str) {
    let answer = student.call(Method::POST, &format!("/labs/{lab}/submissions"), Some(body)).await.expect("an answer");
    let shown: String = body.to_string().chars().take(200).collect();
    assert_eq!((answer.status, answer.code()), (422, Some("invalid")), "{shown}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{shown}");
    let errors = answer.body["errors"].as_array().expect("a list");
    let error = errors.iter().find(|e| e["pointer"] == pointer).unwrap_or_else(|| panic!("{shown}: {}", answer.body));
    assert!(error["detail"].as_str().is_some_and(|d| d.len() > 10), "{shown}: {error}");
    assert!(answer.body["request_id"].is_string(), "{}", answer.body);
}

async fn submissions(student: &Client, lab: &str) -> usize {
    let list = student.get(&format!("/labs/{lab}/submissions?limit=100")).await.expect("a list");
    list["items"].as_array().expect("a list").len()
}

#[test]
fn a_hand_in_that_is_sent_twice_with_its_key_is_one_submission() {
    with_stack(Setup::default(), Duration::from_secs(90), async |stack| {
        let class = stack.classroom("twice", 2).await;
        let document = with(labs::sum(&["python"]), "/attempts", "max", json!(2));
        let lab = class.publish("sum", &document).await;
        let (ada, grace) = (&class.students[0].client, &class.students[1].client);
        let path = format!("/labs/{lab}/submissions");
        let program = Program::read("python/accepted");
        let send = async |who: &Client, program: &Program| {
            let headers = [("idempotency-key", "monday's attempt")];
            who.call_with(Method::POST, &path, Some(&program.hand_in()), &headers).await.expect("an answer")
        };

        let (first, twin) = tokio::join!(send(ada, &program), send(ada, &program));
        assert_eq!((first.status, twin.status), (202, 202), "{} {}", first.body, twin.body);
        let id = text(&first.body, "id");
        assert_eq!(text(&twin.body, "id"), id);
        assert_eq!(first.header("location"), Some(format!("/api/v1/submissions/{id}").as_str()));
        assert_eq!((&first.body["status"], &first.body["attempt"]), (&json!("queued"), &json!(1)), "{}", first.body);
        result(ada, &id).await;
        let later = send(ada, &program).await;
        assert_eq!((text(&later.body, "id"), later.header("idempotent-replayed")), (id.clone(), Some("true")));
        let another = send(ada, &Program::read("python/wrong-answer")).await;
        assert_eq!(another.status, 422, "the same key for something else: {}", another.body);
        assert_eq!(submissions(ada, &lab).await, 1);

        let others = send(grace, &program).await;
        assert_ne!(text(&others.body, "id"), id, "a key is its account's own");

        let second = submit(ada, &lab, &program).await;
        let third = ada.call(Method::POST, &path, Some(&program.hand_in())).await.expect("an answer");
        assert_eq!((third.status, third.code()), (409, Some("attempts_exhausted")), "{}", third.body);
        for (who, id) in [(ada, second), (grace, text(&others.body, "id"))] {
            assert_eq!(result(who, &id).await["verdict"], "AC");
        }
    });
}

#[test]
fn too_many_an_hour_is_told_when_there_is_room_again() {
    with_stack(Setup { graders: 0, ..Setup::default() }, Duration::from_secs(60), async |stack| {
        let class = stack.classroom("often", 1).await;
        let document = with(labs::sum(&["python"]), "/attempts", "per_hour", json!(2));
        let lab = class.publish("sum", &document).await;
        let program = Program::read("python/accepted");
        for _ in 0..2 {
            submit(class.student(), &lab, &program).await;
        }
        let path = format!("/labs/{lab}/submissions");
        let answer = class.student().call(Method::POST, &path, Some(&program.hand_in())).await.expect("an answer");
        assert_eq!((answer.status, answer.code()), (429, Some("too_many_submissions")), "{}", answer.body);
        let seconds: u64 = answer.header("retry-after").and_then(|s| s.parse().ok()).expect("seconds");
        assert!((1700..=1800).contains(&seconds), "two an hour is one in half an hour: {seconds}");
        // Nobody grades them here: they must not be waited for.
        sqlx::raw_sql("delete from submission").execute(&stack.database.pg).await.expect("deleted");
    });
}
