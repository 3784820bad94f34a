//! `itr rejudge …`: a set of submissions is graded again at low priority, looked at, and then counts or is dropped.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::{
    Outcome,
    arguments::RejudgePreview,
    judge::Judge,
    output::{Cell, Mood, Output, number},
    submissions::mood,
};

const PAUSE: Duration = Duration::from_secs(2);

/// Begins a set, waits until it is graded, and shows what would change.
pub async fn preview(judge: &Judge, wanted: &RejudgePreview, output: &Output) -> anyhow::Result<Outcome> {
    let lab = judge.lab(&wanted.lab).await?;
    let what = format!("grade {} again", wanted.lab);
    let begun: Value = judge.post(&what, &["labs", &lab, "rejudge"], json!({})).await?;
    let id = begun["id"].as_str().with_context(|| format!("cannot {what}: the answer names no set"))?;
    let deadline = Instant::now() + Duration::from_secs(wanted.wait);
    let mut set = begun.clone();
    while wanted.wait > 0 && is_under_way(&set) {
        if Instant::now() > deadline {
            bail!("{id} is not graded after {} s; look again: itr rejudge show {id}", wanted.wait);
        }
        output.progress(&format!("{id}: {}", progress(&set)));
        tokio::time::sleep(PAUSE).await;
        set = get(judge, id).await?;
    }
    tell(id, &set, output);
    Ok(Outcome::Good)
}

/// How a set stands.
pub async fn show(judge: &Judge, id: &str, output: &Output) -> anyhow::Result<Outcome> {
    let set = get(judge, id).await?;
    tell(id, &set, output);
    Ok(Outcome::Good)
}

/// Lets a set count, or drops it.
pub async fn decide(judge: &Judge, id: &str, decision: &str, output: &Output) -> anyhow::Result<Outcome> {
    let answer: Value =
        judge.post(&format!("{decision} the rejudging"), &["rejudges", id, decision], json!({})).await?;
    output.json(&answer);
    let status = answer["status"].as_str().unwrap_or(decision);
    output.say(&format!("{id}: {status}"));
    Ok(Outcome::Good)
}

async fn get(judge: &Judge, id: &str) -> anyhow::Result<Value> {
    judge.get("look at the rejudging", &["rejudges", id]).await
}

/// Whether some of it is still to be graded.
fn is_under_way(set: &Value) -> bool {
    matches!(set["status"].as_str(), Some("queued" | "pending" | "running" | "grading" | "judging"))
}

fn progress(set: &Value) -> String {
    let count = |field: &str| set[field].as_u64();
    let status = set["status"].as_str().unwrap_or("?");
    match (count("done"), count("total").or_else(|| count("submissions"))) {
        (Some(done), Some(total)) => format!("{status}, {done} of {total} graded"),
        _ => status.to_owned(),
    }
}

fn tell(id: &str, set: &Value, output: &Output) {
    output.json(set);
    output.say(&format!("{id}: {}", progress(set)));
    let rows = changes(set);
    output.table(["who", "before", "after", "submission"], &rows);
    if is_under_way(set) {
        output.say(&format!("look again: itr rejudge show {id}"));
    } else if matches!(set["status"].as_str(), Some("ready" | "done" | "finished" | "preview" | "graded")) {
        output.say(&format!("nothing counts yet: itr rejudge apply {id}, or itr rejudge cancel {id}"));
    }
}

/// What would change, one row a submission or student: those whose before differs from their after.
fn changes(set: &Value) -> Vec<[Cell; 4]> {
    let has_both = |item: &&Value| item.get("before").is_some() && item.get("after").is_some();
    let lists = set.as_object().into_iter().flat_map(|fields| fields.values()).filter_map(Value::as_array);
    let items = lists.flatten().filter(has_both).filter(|item| item["before"] != item["after"]);
    let text = |item: &Value, fields: &[&str]| {
        fields.iter().find_map(|field| item[*field].as_str()).unwrap_or_default().to_owned()
    };
    items
        .map(|item| {
            let who = text(item, &["email", "name", "user"]);
            let (before, after) = (grade(&item["before"]), grade(&item["after"]));
            [who.into(), before, after, text(item, &["submission", "id"]).into()]
        })
        .collect()
}

/// A grade in one cell: verdict and points.
fn grade(of: &Value) -> Cell {
    let verdict = of["verdict"].as_str().unwrap_or_default();
    let points = of["score"].as_f64().or_else(|| of.as_f64()).map(number).unwrap_or_default();
    let text = format!("{verdict} {points}");
    let mood = if verdict.is_empty() { Mood::Plain } else { mood(verdict) };
    Cell::new(if text.trim().is_empty() { "-" } else { text.trim() }, mood)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_shown() {
        let set = json!({"status": "ready", "total": 3, "done": 3, "submissions": [
            {"id": "s1", "email": "a@x.edu", "before": {"verdict": "WA", "score": 0}, "after": {"verdict": "AC", "score": 10}},
            {"id": "s2", "email": "b@x.edu", "before": {"verdict": "AC", "score": 10}, "after": {"verdict": "AC", "score": 10}},
        ]});
        assert_eq!(changes(&set).len(), 1);
        assert_eq!(progress(&set), "ready, 3 of 3 graded");
        assert!(!is_under_way(&set) && is_under_way(&json!({"status": "running"})));
    }
}
