//! The OpenAPI document, tried against the running services by schemathesis (`./iteratione test openapi`): whatever it
//! makes up, no answer is a 5xx, and none is of a status, a type or a shape that the document does not name.
//!
//! What is tried is what the document says; nothing here names an endpoint but those that make something to begin with.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use iteratione_common::config::process_environment;
use iteratione_demo::{ADMIN, INSTRUCTOR, PASSWORD};
use reqwest::Method;
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

#[test]
fn every_answer_to_whatever_is_sent_is_one_that_the_openapi_document_names() {
    let setup = Setup { slots: 2, ..Setup::default() };
    with_stack(setup, WHOLE, async |stack| {
        let (seed, roles) = furnish(stack).await;
        let folder = tempfile::tempdir().expect("a folder");
        let seed_file = folder.path().join("seed.json");
        std::fs::write(&seed_file, json!(seed).to_string()).expect("written");
        let mut wrong = Vec::new();
        for role in &roles {
            // What one role makes of the things, another does not find.
            if !tried(stack, role, &seed_file).await {
                wrong.push(role.name);
            }
        }
        assert!(wrong.is_empty(), "the document is not true for: {}", wrong.join(", "));
    });
}

/// Things to find, and who looks: each path parameter's name, and what it may be.
async fn furnish(stack: &Stack) -> (BTreeMap<&'static str, Vec<String>>, Vec<Role>) {
    let class = stack.classroom("openapi", 2).await;
    let solution = Program::read("python/accepted").solution("right", &json!({"score": 1}));
    let document = with(labs::sum(&["python", "c"]), "", "solutions", json!([solution]));
    let lab = class.publish("sum", &document).await;
    let put = class.instructor.put("/courses/openapi/labs/draft", &document).await.expect("a draft");
    let mut submissions = Vec::new();
    for program in ["python/accepted", "python/wrong-answer", "c/compile-error"] {
        let result = grade(class.student(), &lab, &Program::read(program)).await;
        submissions.push(text(&result, "id"));
    }
    let course = class.instructor.get("/courses/openapi").await.expect("the course");
    let students = &class.students;
    let seed = BTreeMap::from([
        ("course", vec!["openapi".to_owned(), text(&course, "id")]),
        ("lab", vec![lab, text(&put, "id")]),
        ("slug", vec!["sum".to_owned(), "draft".to_owned(), "another".to_owned()]),
        ("submission", submissions),
        ("user", vec![students[1].id.clone(), students[0].email.clone(), students[0].id.clone()]),
    ]);
    let account = |email: &str, password| Some((email.to_owned(), password));
    let roles = vec![
        Role { name: "instructor", account: account(INSTRUCTOR, PASSWORD) },
        Role { name: "student", account: account(&students[0].email, students[0].password) },
        Role { name: "anonymous", account: None },
        Role { name: "admin", account: account(ADMIN, PASSWORD) },
    ];
    (seed, roles)
}

/// Lets schemathesis loose as somebody; whether it found nothing. What it found is in its log, and printed.
async fn tried(stack: &Stack, role: &Role, seed_file: &Path) -> bool {
    let home = repository().join("tests/openapi");
    let logs = repository().join(".local/log");
    std::fs::create_dir_all(&logs).expect("a folder for logs");
    let log_path = logs.join(format!("openapi-{}.log", role.name));
    let log = std::fs::File::create(&log_path).expect("a log");
    let mut command = Command::new(schemathesis());
    command
        .arg("--config-file")
        .arg(home.join("schemathesis.toml"))
        .args(["run", &format!("{}/api/v1/openapi.json", stack.url), "--no-color"])
        .args(["--max-examples", &Settings::number("ITERATIONE_TEST_OPENAPI_EXAMPLES", EXAMPLES).to_string()])
        .args(["--seed", &Settings::number("ITERATIONE_TEST_OPENAPI_SEED", SEED).to_string()])
        // What it keeps of a run stays in the current folder.
        .current_dir(seed_file.parent().expect("a folder"))
        .env("PYTHONPATH", &home)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("OPENAPI_SEED", seed_file)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log"))
        .stderr(log)
        .kill_on_drop(true);
    if let Some((email, password)) = &role.account {
        let client = stack.signed_in(email, password).await;
        let token = token(&client, role.name).await;
        let login = json!({"url": stack.url, "email": email, "password": password, "token": token});
        command.env("OPENAPI_LOGIN", login.to_string());
    }
    let begin = std::time::Instant::now();
    let status = command.status().await.expect("schemathesis starts");
    let said = std::fs::read_to_string(&log_path).unwrap_or_default();
    eprintln!("{}: {} s, {}", role.name, begin.elapsed().as_secs(), said.lines().last().unwrap_or("it said nothing"));
    if !status.success() {
        eprintln!("{said}\n(this is {})", log_path.display());
    }
    status.success()
}

async fn token(client: &Client, name: &str) -> String {
    let made: anyhow::Result<Value> =
        client.call(Method::POST, "/me/tokens", Some(&json!({"name": name}))).await.and_then(|a| a.expect(&[201]));
    text(&made.expect("a token"), "token")
}

/// Its program: `./iteratione test openapi` installs it.
fn schemathesis() -> PathBuf {
    let given = process_environment().get("ITERATIONE_TEST_SCHEMATHESIS").map(PathBuf::from);
    let path = given.unwrap_or_else(|| repository().join(".local/openapi/bin/schemathesis"));
    assert!(path.is_file(), "there is no {}: ./iteratione test openapi installs it", path.display());
    path
}
