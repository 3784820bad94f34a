//! What the publish gate found: per solution what it claims, what it got, and what it took.

use std::time::{Duration, Instant};

use anyhow::bail;
use iteratione_common::lab::Expectation;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Outcome,
    judge::{Judge, get},
    output::{Cell, Mood, Output, number},
    submissions::mood,
};

const PAUSE: Duration = Duration::from_millis(700);

/// A lab, as far as the gate goes.
#[derive(Debug, Deserialize)]
struct Lab {
    status: String,
    revision: i64,
    #[serde(default)]
    published_revision: Option<i64>,
}

/// The gate's report.
#[derive(Debug, Deserialize)]
struct Validation {
    revision: i64,
    ok: bool,
    #[serde(default)]
    solutions: Vec<Solution>,
}

/// How a reference solution did.
#[derive(Debug, Deserialize)]
struct Solution {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    language: String,
    #[serde(default)]
    submission: Option<String>,
    #[serde(default)]
    expect: Option<Expectation>,
    #[serde(default)]
    verdict: Option<String>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    max_score: Option<f64>,
    ok: bool,
    #[serde(default)]
    message: Option<String>,
}

/// Waits until a lab is no longer being validated.
pub async fn published(judge: &Judge, id: &str, named: &str, wait: Duration, output: &Output) -> anyhow::Result<Value> {
    let deadline = Instant::now() + wait;
    let mut told = false;
    loop {
        let lab: Value = judge.get(&format!("read {named}"), &["labs", id]).await?;
        if lab["status"] != "validating" {
            return Ok(lab);
        }
        if Instant::now() > deadline {
            bail!(
                "{named} is not judged after {} s: is a grader running? It goes on; look again: itr lab status {id}",
                wait.as_secs()
            );
        }
        if !std::mem::replace(&mut told, true) {
            output.progress(&format!("{named}: the reference solutions are being graded"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Prints how a lab stands; bad if the gate holds it back.
pub async fn report(judge: &Judge, named: &str, whole: &Value, output: &Output) -> anyhow::Result<Outcome> {
    let lab: Lab = serde_json::from_value(whole.clone())?;
    let mut rows = Vec::new();
    let mut measures = Vec::new();
    // A lab that was never tried has none.
    let current = Validation::deserialize(&whole["validation"]).ok();
    let current = current.filter(|validation| validation.revision == lab.revision);
    for solution in current.iter().flat_map(|validation| &validation.solutions) {
        let (cpu_ms, memory_kb) = measured(judge, solution.submission.as_deref()).await?;
        measures.push(json!({"submission": solution.submission, "cpu_ms": cpu_ms, "memory_kb": memory_kb}));
        rows.push(row(solution, cpu_ms, memory_kb));
    }
    output.json(&json!({
        "lab": whole["id"], "status": lab.status, "revision": lab.revision, "published_revision": lab.published_revision,
        "validation": whole["validation"], "measures": measures,
    }));
    if current.is_some() {
        for objection in objections(&whole["validation"]) {
            output.say(&objection);
        }
    }
    output.table(["", "solution", "language", "claims", "got", "score", "CPU", "memory", ""], &rows);
    let published = match lab.published_revision {
        Some(revision) if revision == lab.revision => "students see it".to_owned(),
        Some(revision) => format!("students see revision {revision}"),
        None => "students do not see it".to_owned(),
    };
    output.say(&format!("{named}: revision {} is {}; {published}", lab.revision, lab.status));
    let good = lab.status != "rejected" && current.as_ref().is_none_or(|validation| validation.ok);
    if lab.status == "published" && current.is_none_or(|validation| validation.solutions.is_empty()) {
        output.say("there is no reference solution: nothing was proved");
    }
    Ok(Outcome::of(good))
}

/// What else the gate objects to: whatever beside the solutions is not `ok` and says why.
fn objections(validation: &Value) -> Vec<String> {
    let parts = validation.as_object().into_iter().flatten().filter(|(name, _)| *name != "solutions");
    let items = parts.flat_map(|(_, part)| part.as_array().map_or_else(|| vec![part], |list| list.iter().collect()));
    let failed = items.filter(|item| item["ok"] == false);
    failed.filter_map(|item| item["message"].as_str().map(str::to_owned)).collect()
}

fn row(solution: &Solution, cpu_ms: Option<u64>, memory_kb: Option<u64>) -> [Cell; 9] {
    let verdict = solution.verdict.clone().unwrap_or_else(|| "-".to_owned());
    let points = |points: Option<f64>| points.map_or_else(|| "-".to_owned(), number);
    let claim = solution.expect.as_ref().map_or_else(String::new, claim);
    let said = solution.message.clone().unwrap_or_default();
    let got = mood(&verdict);
    [
        if solution.ok { Cell::new("ok", Mood::Good) } else { Cell::new("WRONG", Mood::Bad) },
        solution.name.clone().unwrap_or_else(|| "-".to_owned()).into(),
        solution.language.clone().into(),
        claim.into(),
        Cell::new(verdict, got),
        format!("{}/{}", points(solution.score), points(solution.max_score)).into(),
        cpu_ms.map_or_else(String::new, |ms| format!("{ms} ms")).into(),
        memory_kb.map_or_else(String::new, |kb| format!("{} MiB", kb.div_ceil(1024))).into(),
        said.into(),
    ]
}

fn claim(of: &Expectation) -> String {
    let verdicts = of.allowed().iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
    let parts = Some(verdicts).filter(|v| !v.is_empty()).into_iter().chain(of.score.map(number));
    parts.collect::<Vec<_>>().join(" ")
}

/// The most that a test of a submission took.
async fn measured(judge: &Judge, submission: Option<&str>) -> anyhow::Result<(Option<u64>, Option<u64>)> {
    let Some(id) = submission else { return Ok((None, None)) };
    let answer = judge.ask(&get(&["submissions", id])).await?;
    let result = answer.json();
    let tests = result["tests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let most = |field: &str| tests.iter().filter_map(|test| test[field].as_u64()).max();
    Ok((most("cpu_ms"), most("memory_kb")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_gate_objects_to_is_told() {
        let validation = json!({"revision": 1, "ok": false, "solutions": [{"ok": false, "message": "in the table"}],
            "starter": {"ok": false, "message": "The starter gets full marks."},
            "others": [{"ok": true, "message": "fine"}, {"ok": false, "message": "Too slow."}]});
        assert_eq!(objections(&validation), ["Too slow.", "The starter gets full marks."]);
        assert!(objections(&Value::Null).is_empty());
    }
}
