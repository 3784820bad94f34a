//! `itr roster import`

use std::fs;

use anyhow::Context as _;
use iteratione_client::rest::{Call, Content};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Outcome, arguments::RosterImport, judge::Judge, output::Output};

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    added: usize,
    changed: usize,
    unchanged: usize,
    unknown: Vec<String>,
}

/// Sends a roster as it is. Addresses without an account are told, and are no success.
pub async fn import(judge: &Judge, wanted: &RosterImport, output: &Output) -> anyhow::Result<Outcome> {
    let path = wanted.file.display();
    let bytes = fs::read(&wanted.file).with_context(|| format!("cannot read {path}"))?;
    let is_json = wanted.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let content = if is_json {
        let list: Value = serde_json::from_slice(&bytes).with_context(|| format!("{path} is not JSON"))?;
        // One member alone is answered with that member: as a list, it is answered with a report too.
        Content::Json(if list.is_object() { Value::Array(vec![list]) } else { list })
    } else {
        Content::Bytes { content_type: "text/csv", bytes: bytes.into() }
    };
    let call = Call::new(Method::POST, ["courses", &wanted.course, "members"]).content(content);
    let report: Report = judge.json(&format!("add the people in {path} to {}", wanted.course), &call).await?;
    output.json(&report);
    let Report { added, changed, unchanged, unknown } = &report;
    output.say(&format!("{}: {added} added, {changed} changed, {unchanged} as they were", wanted.course));
    if !unknown.is_empty() {
        output.say(&format!("{} have no account yet; once they have registered, import again:", unknown.len()));
        for email in unknown {
            output.say(&format!("  {email}"));
        }
    }
    Ok(Outcome::of(unknown.is_empty()))
}
