//! Every verdict in every language.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{
    Client,
    classroom::grade,
    labs::{self, with},
    programs::Program,
    stack::{Setup, with_stack},
};

const LANGUAGES: [&str; 4] = ["java", "python", "c", "cpp"];
/// What a program that sleeps may do, elapsed.
const SLEEP_MS: u64 = 2000;

#[test]
fn every_verdict_in_every_language_is_what_the_program_deserves() {
    with_stack(Setup { warm: 1, ..Setup::default() }, Duration::from_secs(300), async |stack| {
        let class = stack.classroom("verdicts", LANGUAGES.len()).await;
        let sum = class.publish("sum", &labs::sum(&LANGUAGES)).await;
        let short = with(labs::sum(&LANGUAGES), "/limits", "wall_ms", json!(SLEEP_MS));
        let short = class.publish("sleepers", &short).await;
        // One student for each language: an account does not get all of the grader for itself.
        let (sum, short) = (&sum, &short);
        let each = class.students.iter().zip(LANGUAGES).map(|(student, language)| async move {
            let program = |name: &str| Program::read(&format!("{language}/{name}"));
            let client = &student.client;
            accepted(&grade(client, sum, &program("accepted")).await);
            wrong(&grade(client, sum, &program("wrong-answer")).await);
            does_not_compile(&grade(client, sum, &program("compile-error")).await, language);
            too_much_cpu(&grade(client, sum, &program("busy")).await);
            too_long(&grade(client, short, &program("sleeps")).await);
            exit_code(&grade(client, sum, &program("exit-3")).await);
            signal(&grade(client, sum, &program("signal")).await);
            too_much_memory(&grade(client, sum, &program("memory")).await);
            too_much_output(&grade(client, sum, &program("output")).await);
        });
        join_all(each).await;
        attempts_are_counted(&class.students[0].client, sum).await;
    });
}

/// The only test, which must have the verdict that the submission has.
fn only_test<'a>(result: &'a Value, verdict: &str) -> &'a Value {
    assert_eq!(result["status"], "done", "{result}");
    assert_eq!(result["verdict"], verdict, "{result}");
    let test = &result["tests"][0];
    assert_eq!(test["verdict"], verdict, "{result}");
    assert_eq!(result["max_score"], 1.0, "{result}");
    assert_eq!(result["score"], if verdict == "AC" { 1.0 } else { 0.0 }, "{result}");
    assert!(test["cpu_ms"].is_u64() && test["wall_ms"].is_u64() && test["memory_kb"].is_u64(), "{test}");
    test
}

fn says(test: &Value, what: &str) {
    assert!(test["message"].as_str().is_some_and(|m| m.contains(what)), "{what:?} is not in {test}");
}

fn accepted(result: &Value) {
    let test = only_test(result, "AC");
    assert_eq!(
        (&test["exit_code"], &test["signal"], &test["message"]),
        (&json!(0), &Value::Null, &Value::Null),
        "{test}"
    );
    assert_eq!((&test["stdin"], &test["stdout"], &test["expected"]), (&json!("1 2\n"), &json!("3\n"), &json!("3\n")));
    assert_eq!(result["compile"]["ok"], true, "{result}");
    assert_eq!(result["compile"]["diagnostics"], json!([]), "{result}");
    let memory = test["memory_kb"].as_u64().expect("a number");
    assert!((100..128 * 1024).contains(&memory), "{test}");
    let times = (&result["created_at"].as_str(), &result["finished_at"].as_str());
    assert!(times.0.is_some() && times.0 < times.1, "{result}");
}

fn wrong(result: &Value) {
    let test = only_test(result, "WA");
    assert_eq!((&test["stdout"], &test["exit_code"]), (&json!("-1\n"), &json!(0)), "{test}");
    assert!(test["message"].as_str().is_some_and(|m| !m.is_empty()), "where it differs: {test}");
}

fn does_not_compile(result: &Value, language: &str) {
    assert_eq!(result["verdict"], "CE", "{result}");
    assert_eq!((&result["score"], &result["compile"]["ok"]), (&json!(0.0), &json!(false)), "{result}");
    assert_eq!(result["tests"][0]["verdict"], "SK", "{result}");
    let (file, line) = match language {
        "java" => ("Main.java", 3),
        "python" => ("main.py", 2),
        "c" => ("main.c", 4),
        _ => ("main.cpp", 4),
    };
    let diagnostics = result["compile"]["diagnostics"].as_array().expect("a list");
    let error = diagnostics.iter().find(|d| d["severity"] == "error").unwrap_or_else(|| panic!("no error: {result}"));
    assert_eq!((&error["file"], &error["line"]), (&json!(file), &json!(line)), "{error}");
    assert!(error["column"].as_u64() >= Some(1) && error["message"].as_str().is_some_and(|m| m.len() > 3), "{error}");
    let output = result["compile"]["output"].as_str().expect("text");
    assert!(output.contains(file) && !output.contains("/src") && !output.contains("/build"), "{output}");
}

fn too_much_cpu(result: &Value) {
    let test = only_test(result, "TLE");
    assert_eq!(test["limit"], "cpu", "{test}");
    assert!(test["cpu_ms"].as_u64() >= Some(1000), "{test}");
    assert_eq!((&test["exit_code"], &test["signal"]), (&Value::Null, &Value::Null), "the judge ended it: {test}");
    says(test, "CPU time");
}

fn too_long(result: &Value) {
    let test = only_test(result, "TLE");
    assert_eq!(test["limit"], "wall", "{test}");
    assert!(test["wall_ms"].as_u64() >= Some(SLEEP_MS) && test["cpu_ms"].as_u64() < Some(1000), "{test}");
}

fn exit_code(result: &Value) {
    let test = only_test(result, "RTE");
    assert_eq!((&test["exit_code"], &test["signal"]), (&json!(3), &Value::Null), "{test}");
    assert_eq!(test["stdout"], "3\n", "the right answer does not help: {test}");
    says(test, "code 3");
}

fn signal(result: &Value) {
    let test = only_test(result, "RTE");
    assert!(test["exit_code"].is_null() && matches!(test["signal"].as_i64(), Some(6 | 9 | 11)), "{test}");
    says(test, "signal");
}

fn too_much_memory(result: &Value) {
    let test = only_test(result, "MLE");
    says(test, "memory");
}

fn too_much_output(result: &Value) {
    let test = only_test(result, "OLE");
    says(test, "output");
    let kept = test["stdout"].as_str().expect("text");
    assert!(kept.starts_with("0123456789") && kept.len() <= 16 * 1024, "{} bytes", kept.len());
}

async fn attempts_are_counted(client: &Client, lab: &str) {
    let list = client.get(&format!("/labs/{lab}/submissions?limit=100")).await.expect("a list");
    let attempts: Vec<_> = list["items"].as_array().expect("a list").iter().map(|s| s["attempt"].clone()).collect();
    assert_eq!(attempts, [8, 7, 6, 5, 4, 3, 2, 1], "eight to this lab, newest first");
}
