//! Submits the programs and follows each to its grade.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    cases::{CASES, Case},
    course::Course,
    files,
};

/// Submissions under way at once. A judge lets each account have at least two; with more, the figures would be of the queue.
const AT_ONCE: usize = 2;
/// From submitting to the verdict, on a slow machine.
const GRADING: Duration = Duration::from_mins(3);
/// A judge that is too busy says when to come back; so often the demo does.
const TRIES: usize = 20;

/// How a program was graded.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Slug of the lab.
    pub lab: &'static str,
    /// For people.
    pub program: &'static str,
    /// Language id.
    pub language: &'static str,
    /// The verdict it must get.
    pub expected: &'static str,
    /// The verdict it got.
    pub verdict: String,
    /// The score it must get.
    pub expected_score: f64,
    /// The score it got.
    pub score: f64,
    /// Points that could be had.
    pub max_score: f64,
    /// CPU milliseconds of its slowest test that shows them.
    pub cpu_ms: Option<u64>,
    /// Elapsed milliseconds of that kind.
    pub wall_ms: Option<u64>,
    /// Peak memory of that kind, in KiB.
    pub memory_kb: Option<u64>,
    /// From the request to the verdict.
    pub seconds: f64,
    /// What a student reads.
    pub message: String,
    /// What is not as it should be; empty if nothing.
    pub wrong: Vec<String>,
}

impl Row {
    /// Whether it was graded as it should be.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Submits every case; the rows are in the cases' order.
pub async fn all(course: &Course) -> anyhow::Result<Vec<Row>> {
    stream::iter(CASES).map(|case| one(course, case)).buffered(AT_ONCE).try_collect().await
}

async fn one(course: &Course, case: &'static Case) -> anyhow::Result<Row> {
    let lab = course.labs.get(case.lab).with_context(|| format!("there is no lab {}", case.lab))?;
    let hand_in = json!({"language": case.language, "files": files::program(case.folder)?, "main": case.main});
    let begin = Instant::now();
    let id = submit(course, lab, &hand_in).await?;
    let result = course.student.result(&id, GRADING).await?;
    Ok(row(case, &result, begin.elapsed().as_secs_f64()))
}

/// Hands in, and comes back when the judge says that it is too busy.
async fn submit(course: &Course, lab: &str, hand_in: &Value) -> anyhow::Result<String> {
    for _ in 0..TRIES {
        let answer = course.student.call(Method::POST, &format!("/labs/{lab}/submissions"), Some(hand_in)).await?;
        if matches!(answer.status, 429 | 503) {
            let seconds = answer.header("retry-after").and_then(|s| s.parse().ok()).unwrap_or(5_u64);
            tokio::time::sleep(Duration::from_secs(seconds.clamp(1, 30))).await;
            continue;
        }
        let body = answer.expect(&[202])?;
        return Ok(body["id"].as_str().with_context(|| format!("the submission has no id: {body}"))?.to_owned());
    }
    bail!("the judge was too busy {TRIES} times")
}

fn row(case: &'static Case, result: &Value, seconds: f64) -> Row {
    let tests = result["tests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let most = |field: &str| tests.iter().filter_map(|t| t[field].as_u64()).max();
    let mut row = Row {
        lab: case.lab,
        program: case.name,
        language: case.language,
        expected: case.verdict,
        verdict: result["verdict"].as_str().unwrap_or("none").to_owned(),
        expected_score: case.score,
        score: result["score"].as_f64().unwrap_or(f64::NAN),
        max_score: result["max_score"].as_f64().unwrap_or(f64::NAN),
        cpu_ms: most("cpu_ms"),
        wall_ms: most("wall_ms"),
        memory_kb: most("memory_kb"),
        seconds,
        message: message(result, tests),
        wrong: Vec::new(),
    };
    if row.verdict != case.verdict {
        row.wrong.push(format!("should be {}, but is {}", case.verdict, row.verdict));
    }
    // A score that is not a number is not near anything.
    if row.score.is_nan() || (row.score - case.score).abs() >= 1e-6 {
        row.wrong.push(format!("should score {}, but scored {}", case.score, row.score));
    }
    for part in case.says.iter().filter(|part| !row.message.contains(**part)) {
        row.wrong.push(format!("the message does not say {part:?}"));
    }
    if case.verdict == "CE" && case.says.is_empty() && !row.message.contains(':') {
        row.wrong.push("there is no diagnostic with a place".to_owned());
    }
    row
}

/// The first thing that tells a student what is wrong.
fn message(result: &Value, tests: &[Value]) -> String {
    let diagnostics = result["compile"]["diagnostics"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(error) = diagnostics.iter().find(|d| d["severity"] == "error") {
        let message = error["message"].as_str().unwrap_or_default();
        return match (error["file"].as_str(), error["line"].as_u64()) {
            (Some(file), Some(line)) => format!("{file}:{line}: {message}"),
            _ => message.to_owned(),
        };
    }
    if let Some(message) = result["message"].as_str() {
        return message.to_owned();
    }
    let failed = tests.iter().find(|t| !matches!(t["verdict"].as_str(), Some("AC" | "SK")));
    failed.map_or_else(String::new, |test| match test["message"].as_str() {
        Some(message) => format!("{}: {message}", test["name"].as_str().unwrap_or("?")),
        None => test["name"].as_str().unwrap_or("?").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(name: &str) -> &'static Case {
        CASES.iter().find(|c| c.name == name).expect("a case")
    }

    #[test]
    fn a_row_is_right_only_with_verdict_score_and_message() {
        let result = |verdict: &str, score: f64, message: &str| json!({"verdict": verdict, "score": score, "max_score": 10.0, "message": message, "tests": []});
        let two = case("two entry points");
        let said = "Several: library.app.First, library.other.Second.";
        assert!(row(two, &result("CE", 0.0, said), 1.0).is_right());
        assert_eq!(row(two, &result("CE", 0.0, "Several: library.app.First"), 1.0).wrong.len(), 1);
        assert_eq!(row(two, &result("AC", 10.0, said), 1.0).wrong.len(), 2);
        assert_eq!(row(two, &json!({}), 1.0).wrong.len(), 4);
    }

    #[test]
    fn a_compile_error_without_a_place_is_wrong() {
        let missing = case("misses a semicolon");
        let result = |diagnostics: Value| json!({"verdict": "CE", "score": 0, "compile": {"diagnostics": diagnostics}});
        let located =
            json!([{"file": "Main.java", "line": 7, "column": 31, "severity": "error", "message": "';' expected"}]);
        let row_of = |diagnostics| row(missing, &result(diagnostics), 1.0);
        assert_eq!(row_of(located).message, "Main.java:7: ';' expected");
        assert!(!row_of(json!([])).is_right());
    }
}
