//! The OpenAPI document, tried against the running services by schemathesis (`./iteratione test openapi`): whatever it
//! makes up, no answer is a 5xx, and none is of a status, a type or a shape that the document does not name.
//!
//! What is tried is what the document says; nothing here names an endpoint but those that make something to begin with.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use iteratione_common::config::process_environment;
use iteratione_demo::{ADMIN, INSTRUCTOR, PASSWORD};
use serde_json::{Value, json};
use testkit::{
    Client,
    classroom::{grade, text},
    labs::{self, with},
    programs::Program,
    settings::{Settings, repository},
    stack::{Setup, Stack, with_stack},
};
use tokio::process::Command;

/// All of it; each role has its own bound within.
const WHOLE: Duration = Duration::from_mins(60);
/// Requests per operation, role and phase, unless `ITERATIONE_TEST_OPENAPI_EXAMPLES` says another.
const EXAMPLES: usize = 10;
const SEED: usize = 1;

/// Somebody who asks.
struct Role {
    name: &'static str,
    /// Address and password; nobody without.
    account: Option<(String, &'static str)>,
}

/// Path parameters by name, and what each may be.
type Things = BTreeMap<&'static str, Vec<String>>;

#[test]
fn every_answer_to_whatever_is_sent_is_one_that_the_openapi_document_names() {
    // Wrong passwords by the hundred come from this one address.
    let settings = vec![("ITERATIONE_API__LIMITS__LOGIN_ADDRESS_BURST", "1000000".to_owned())];
    let setup = Setup { slots: 2, settings, ..Setup::default() };
    with_stack(setup, WHOLE, async |stack| {
        let mut wrong = Vec::new();
        for name in ["student", "instructor", "anonymous", "admin"] {
            // Each has a course of its own: what one makes of the things, another would not find.
            let (things, student) = furnish(stack, name).await;
            let account = match name {
                "student" => Some(student),
                "instructor" => Some((INSTRUCTOR.to_owned(), PASSWORD)),
                "admin" => Some((ADMIN.to_owned(), PASSWORD)),
                _ => None,
            };
            if !tried(stack, &Role { name, account }, things).await {
                wrong.push(name);
            }
        }
        assert!(wrong.is_empty(), "the document is not true for: {}", wrong.join(", "));
    });
}

/// Things to find in a course, and one of its students.
async fn furnish(stack: &Stack, course: &str) -> (Things, (String, &'static str)) {
    // Some whom the run may remove.
    let class = stack.classroom(course, 4).await;
    let solution = Program::read("python/accepted").solution("right", &json!({"score": 1}));
    let document = with(labs::sum(&["python", "c"]), "", "solutions", json!([solution]));
    let lab = class.publish("sum", &document).await;
    let put = class.instructor.put(&format!("/courses/{course}/labs/draft"), &document).await.expect("a draft");
    let mut submissions = Vec::new();
    for program in ["python/accepted", "python/wrong-answer", "c/compile-error"] {
        let result = grade(class.student(), &lab, &Program::read(program)).await;
        submissions.push(text(&result, "id"));
    }
    let view = class.instructor.get(&format!("/courses/{course}")).await.expect("the course");
    let [one, other, ..] = class.students.as_slice() else { panic!("four students") };
    let things = BTreeMap::from([
        ("course", vec![course.to_owned(), text(&view, "id")]),
        ("lab", vec![lab, text(&put, "id")]),
        ("slug", vec!["sum".to_owned(), "draft".to_owned(), "another".to_owned()]),
        ("submission", submissions),
        ("user", vec![other.id.clone(), one.email.clone(), one.id.clone()]),
    ]);
    (things, (one.email.clone(), one.password))
}

/// Lets schemathesis loose as somebody; whether it found nothing. What it found is in its log, and printed.
async fn tried(stack: &Stack, role: &Role, things: Things) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let home = repository().join("tests/openapi");
    let logs = repository().join(".local/log");
    std::fs::create_dir_all(&logs).expect("a folder for logs");
    let log_path = logs.join(format!("openapi-{}.log", role.name));
    let log = std::fs::File::create(&log_path).expect("a log");
    let mut command = Command::new(schemathesis());
    let mut seed = json!({"things": things});
    if let Some((email, password)) = &role.account {
        let client = stack.signed_in(email, password).await;
        let token = token(&client, role.name).await;
        let login = json!({"url": stack.url, "email": email, "password": password, "token": text(&token, "token")});
        command.env("OPENAPI_LOGIN", login.to_string());
        seed["untouchable"] = json!([text(&token, "id")]);
    }
    let seed_file = folder.path().join("seed.json");
    std::fs::write(&seed_file, seed.to_string()).expect("written");
    command
        .arg("--config-file")
        .arg(home.join("schemathesis.toml"))
        .args(["run", &format!("{}/api/v1/openapi.json", stack.url), "--no-color"])
        .args(["--max-examples", &Settings::number("ITERATIONE_TEST_OPENAPI_EXAMPLES", EXAMPLES).to_string()])
        .args(["--seed", &Settings::number("ITERATIONE_TEST_OPENAPI_SEED", SEED).to_string()])
        // What it keeps of a run stays in the current folder.
        .current_dir(folder.path())
        .env("PYTHONPATH", &home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OPENAPI_SEED", &seed_file)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log"))
        .stderr(log)
        .kill_on_drop(true);
    let begin = std::time::Instant::now();
    let status = command.status().await.expect("schemathesis starts");
    let said = std::fs::read_to_string(&log_path).unwrap_or_default();
    eprintln!("{}: {} s, {}", role.name, begin.elapsed().as_secs(), said.lines().last().unwrap_or("it said nothing"));
    if !status.success() {
        eprintln!("{said}\n(this is {})", log_path.display());
    }
    status.success()
}

async fn token(client: &Client, name: &str) -> Value {
    client.post("/me/tokens", &json!({"name": name})).await.expect("a token")
}

/// Its program: `./iteratione test openapi` installs it.
fn schemathesis() -> PathBuf {
    let given = process_environment().get("ITERATIONE_TEST_SCHEMATHESIS").map(PathBuf::from);
    let path = given.unwrap_or_else(|| repository().join(".local/openapi/bin/schemathesis"));
    assert!(path.is_file(), "there is no {}: ./iteratione test openapi installs it", path.display());
    path
}
