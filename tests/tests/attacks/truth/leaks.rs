//! T5: hidden tests told by what a program may say and do.

use serde_json::{Value, json};
use testkit::{
    Client,
    classroom::{result, submit},
    labs::{self, with},
    programs::Program,
    spy::{SECRET, lab_with_secrets, spy},
};

use crate::frame::{Arena, Row, family};

/// What a student may see of a hidden test.
const OPEN: [&str; 6] = ["group", "name", "visibility", "verdict", "points", "max_points"];

/// A program that tells what it was given; the secret must stay where it is, although it was there to be told.
fn tells(id: &'static str, file: &'static str, language: &'static str) -> Row {
    Row::new(id, language, async move |arena| {
        let lab = arena.lab(&document(language)).await;
        let program = Program::single(&format!("attacks/{file}"));
        let others = submit(arena.honest(), &lab, &program).await;
        let own = submit(arena.attacker(), &lab, &program).await;
        let seen = result(arena.attacker(), &own).await;
        result(arena.honest(), &others).await;
        let looked = spy(arena.attacker(), &lab, &own, &others).await;
        hidden_tells_nothing(&seen);
        let looked = looked + events_tell_nothing(arena.attacker(), &own).await;
        let whole = arena.class.instructor.get(&format!("/submissions/{own}")).await.expect("as staff");
        let hidden = hidden(&whole)[0];
        assert!(!hidden["verdict"].is_null() && hidden["cpu_ms"].is_u64(), "it did run: {hidden}");
        format!("{}, {looked} answers and events tell nothing", hidden["verdict"])
    })
}

fn document(language: &str) -> Value {
    let mut languages = vec!["python"];
    languages.extend(Some(language).filter(|l| *l != "python"));
    let document = lab_with_secrets(&languages);
    let document = with(document, "/limits", "memory_mb", json!(160));
    with(document, "/limits", "cpu_ms", json!(3000))
}

fn hidden(result: &Value) -> Vec<&Value> {
    let tests = result["tests"].as_array().expect("tests");
    tests.iter().filter(|t| matches!(t["visibility"].as_str(), Some("hidden" | "after_due"))).collect()
}

/// Neither output nor exit code, signal, time or memory.
fn hidden_tells_nothing(result: &Value) {
    let hidden = hidden(result);
    assert_eq!(hidden.len(), 2, "{result}");
    for test in hidden {
        tells_nothing(test);
    }
}

fn tells_nothing(test: &Value) {
    for (field, value) in test.as_object().expect("a test") {
        assert!(OPEN.contains(&field.as_str()) || value.is_null(), "{field} of a hidden test is told: {test}");
    }
}

/// Follows a submission that has ended from its beginning; every event that was sent is still there.
async fn events_tell_nothing(client: &Client, submission: &str) -> usize {
    let mut events = client.follow(submission, Some("0-0")).await.expect("an answer").expect("events");
    let (mut looked, mut hidden) = (0, 0);
    while let Some(message) = events.next().await.expect("an event") {
        let data = message.json().expect("JSON");
        assert!(!message.data.contains(SECRET), "{message:?}");
        match message.event.as_str() {
            "test" if data["test"]["visibility"] == "hidden" => {
                tells_nothing(&data["test"]);
                hidden += 1;
            }
            "done" => {
                hidden_tells_nothing(&data);
                looked += 1;
                break;
            }
            _ => {}
        }
        looked += 1;
    }
    assert!(looked > 0);
    assert!(hidden <= 1, "told {hidden} times");
    looked
}

/// What the compiler says of the lab's own hidden files is not quoted.
async fn compiler(arena: &Arena<'_>) -> String {
    let mut document = labs::sum(&["c", "java"]);
    document["starter"] = json!({
        "c": [{"name": "given.h", "role": "hidden",
               "content": format!("int given(int key) {{ return key == 1; }} /* {SECRET} in C */\n")}],
        "java": [{"name": "Given.java", "role": "hidden",
                  "content": format!("class Given {{ static void check(Main m) {{ m.absent(); }} /* {SECRET} in Java */ }}\n")}],
    });
    let lab = arena.lab(&document).await;
    let inside = Program::of("c", "main.c", "int main(void) {\n    int x =\n#include \"given.h\"\n}\n");
    let twice =
        Program::of("c", "main.c", "#include \"given.h\"\n#include \"given.h\"\nint main(void) { return given(); }\n");
    let calls = Program::of("c", "main.c", "#include \"given.h\"\nint main(void) { return given(1, 2); }\n");
    let absent =
        Program::of("java", "Main.java", "class Main { public static void main(String[] a) { Given.check(); } }\n");
    let mut seen = 0;
    for program in [inside, twice, calls, absent] {
        let graded = testkit::classroom::grade(arena.attacker(), &lab, &program).await;
        assert_eq!(graded["verdict"], "CE", "{graded}");
        assert!(graded["compile"]["diagnostics"].as_array().is_some_and(|d| !d.is_empty()), "{graded}");
        let id = graded["id"].as_str().expect("an id");
        let again = arena.attacker().get(&format!("/submissions/{id}")).await.expect("the submission");
        for answer in [&graded, &again] {
            assert!(!answer.to_string().contains(SECRET), "the compiler tells a secret: {answer}");
        }
        let mut events = arena.attacker().follow(id, Some("0-0")).await.expect("an answer").expect("events");
        while let Some(message) = events.next().await.expect("an event") {
            assert!(!message.data.contains(SECRET), "{message:?}");
            seen += 1;
        }
    }
    format!("CE, {seen} events tell nothing")
}

#[test]
fn students_learn_of_hidden_tests_what_visibility_allows_and_no_more() {
    family([
        tells("T5_streams_and_exit_code_c", "t5/tells.c", "c"),
        tells("T5_exception_python", "t5/tells.py", "python"),
        tells("T5_exception_java", "t5/Tells.java", "java"),
        tells("T5_signals_c", "t5/signals.c", "c"),
        tells("T5_floods_python", "t5/floods.py", "python"),
        Row::new("T5_compiler_c", "c", compiler),
    ]);
}
