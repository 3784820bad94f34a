//! `itr submissions`

use std::collections::BTreeMap;

use anyhow::Context as _;
use iteratione_common::ids::UserId;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Outcome,
    arguments::Submissions,
    judge::{Judge, get},
    output::{Cell, Mood, Output, number},
};

/// A submission in a list.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    user: String,
    language: String,
    status: String,
    attempt: i64,
    created_at: String,
    #[serde(default)]
    verdict: Option<String>,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    max_score: Option<f64>,
}

/// What was handed in, with the members' addresses.
pub async fn list(judge: &Judge, wanted: &Submissions, output: &Output) -> anyhow::Result<Outcome> {
    let lab = judge.lab(&wanted.lab).await?;
    let members = members(judge, &lab).await?;
    let mut call = get(&["labs", &lab, "submissions"]);
    if let Some(user) = &wanted.user {
        let id = if let Ok(id) = user.parse::<UserId>() {
            id.to_string()
        } else {
            let found = members.iter().find(|(_, email)| email.eq_ignore_ascii_case(user));
            found.with_context(|| format!("{user} is no member of the course"))?.0.clone()
        };
        call = call.query("user", id);
    }
    let items = judge.list(&format!("list the submissions to {}", wanted.lab), &call, wanted.limit).await?;
    output.json(&items);
    let lines: Vec<Line> = items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>()?;
    if lines.is_empty() {
        output.say("nothing was handed in yet");
    }
    let row = |line: Line| {
        let points = |points: Option<f64>| points.map_or_else(|| "-".to_owned(), number);
        let verdict = line.verdict.unwrap_or(line.status);
        let mood = mood(&verdict);
        [
            Cell::from(line.created_at.chars().take(19).collect::<String>()),
            members.get(&line.user).cloned().unwrap_or(line.user).into(),
            line.attempt.to_string().into(),
            line.language.into(),
            Cell::new(verdict, mood),
            format!("{}/{}", points(line.score), points(line.max_score)).into(),
            line.id.into(),
        ]
    };
    let rows: Vec<_> = lines.into_iter().map(row).collect();
    output.table(["when (UTC)", "who", "attempt", "language", "verdict", "score", "submission"], &rows);
    Ok(Outcome::Good)
}

/// Ids and addresses of the lab's course; nothing for a student, who sees only their own.
async fn members(judge: &Judge, lab: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let view: Value = judge.get("read the lab", &["labs", lab]).await?;
    let course = view["course"].as_str().context("the lab names no course")?;
    let call = get(&["courses", course, "members"]);
    let first = judge.ask(&call).await?;
    if first.status == 403 {
        return Ok(BTreeMap::new());
    }
    let items = judge.list("list the members of the course", &call, usize::MAX).await?;
    let pair = |item: &Value| Some((item["user"].as_str()?.to_owned(), item["email"].as_str()?.to_owned()));
    Ok(items.iter().filter_map(pair).collect())
}

/// How a verdict is to be read.
pub fn mood(verdict: &str) -> Mood {
    match verdict {
        "AC" => Mood::Good,
        "PA" | "SK" | "IE" => Mood::Doubtful,
        "queued" | "running" => Mood::Plain,
        _ => Mood::Bad,
    }
}
