//! `itr lab …`: from a folder to the students.

mod gate;
mod pull;

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use iteratione_client::rest::{Call, Content};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use self::gate::{published, report};
pub use self::pull::pull;
use crate::{
    Outcome,
    arguments::{Publish, Push, Verify},
    folder::{self, Parcel, Placed},
    judge::Judge,
    output::{Cell, Mood, Output},
    session::Settings,
    terms::{Refusal, flaws},
};

/// What the judge answers to a lab.
#[derive(Debug, Deserialize)]
struct PutAnswer {
    id: Option<String>,
    slug: String,
    status: Option<String>,
    revision: Option<i64>,
    changed: bool,
}

/// Sends a folder; perhaps publishes it.
pub async fn push(judge: &Judge, settings: &Settings, wanted: &Push, output: &Output) -> anyhow::Result<Outcome> {
    let parcel = folder::read(&wanted.folder, async || judge.languages().await).await?;
    let slug = match &wanted.slug {
        Some(slug) => slug.clone(),
        None => folder::slug(&wanted.folder)?,
    };
    let course = judge.own_course(wanted.course.as_deref().or(settings.course.as_deref())).await?;
    let Some(answer) = put(judge, &course, &slug, &parcel, wanted.dry_run, output).await? else {
        return Ok(Outcome::Bad);
    };
    if !wanted.publish {
        output.json(&answer);
    }
    let put: PutAnswer = serde_json::from_value(answer).context("the judge's answer makes no sense")?;
    let named = format!("{course}/{}", put.slug);
    match (put.id, put.revision) {
        (Some(id), Some(revision)) => {
            let status = put.status.unwrap_or_default();
            let change = if put.changed { "" } else { ", as it was" };
            output.say(&format!("{named}: revision {revision}, {status}{change}"));
            if wanted.publish {
                return gate(judge, &id, &named, Duration::from_secs(900), output).await;
            }
            if status != "published" {
                output.say(&format!("students do not see it yet: itr lab publish {named}"));
            }
        }
        _ => output.say(&format!("{named}: nothing is wrong with it; nothing was stored")),
    }
    Ok(Outcome::Good)
}

/// Sends a lab. All that is wrong with it, and all that is to be thought about, is printed; nothing if it was refused.
async fn put(
    judge: &Judge,
    course: &str,
    slug: &str,
    parcel: &Parcel,
    dry_run: bool,
    output: &Output,
) -> anyhow::Result<Option<Value>> {
    let content = match parcel {
        Parcel::Document(document, _) => Content::Json((**document).clone()),
        Parcel::Archive(bytes, _) => Content::Bytes { content_type: "application/zip", bytes: bytes.clone() },
    };
    let mut call = Call::new(Method::PUT, ["courses", course, "labs", slug]).content(content);
    if dry_run {
        call = call.query("dry_run", "true");
    }
    let answer = judge.ask(&call).await?;
    if answer.is_success() {
        let body = answer.json();
        list(&parcel.place(flaws(&body["warnings"])), Mood::Doubtful, output);
        return Ok(Some(body));
    }
    let refusal = Refusal::new(format!("send {slug} to {course}"), &answer);
    let errors = refusal.flaws();
    if answer.status != 422 || errors.is_empty() {
        return Err(refusal.into());
    }
    output.json(&refusal.problem);
    list(&parcel.place(errors.clone()), Mood::Bad, output);
    list(&parcel.place(flaws(&refusal.problem["warnings"])), Mood::Doubtful, output);
    output.say(&format!("{course}/{slug}: {} to mend; nothing was stored", count(errors.len(), "error")));
    Ok(None)
}

fn list(placed: &[Placed], mood: Mood, output: &Output) {
    let kind = if mood == Mood::Bad { "error" } else { "warning" };
    let row = |placed: &Placed| {
        let Placed { file, pointer, detail } = placed.clone();
        [Cell::new(kind, mood), file.into(), pointer.into(), detail.into()]
    };
    output.table(["", "file", "where", "what"], &placed.iter().map(row).collect::<Vec<_>>());
}

/// `1 error`, `2 errors`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Sends a lab where nobody sees it, publishes it there, and tells what the gate found.
pub async fn verify(judge: &Judge, wanted: &Verify, output: &Output) -> anyhow::Result<Outcome> {
    let parcel = folder::read(&wanted.folder, async || judge.languages().await).await?;
    let slug = folder::slug(&wanted.folder)?;
    let course = judge.verify_course().await.context(
        "a lab is verified in a course of your own, which you must be allowed to make; or use itr lab push --dry-run",
    )?;
    // First without storing anything: what is wrong with it is no reason to make a lab.
    if put(judge, &course, &slug, &parcel, true, output).await?.is_none() {
        return Ok(Outcome::Bad);
    }
    let quiet = Output::silent();
    let put = put(judge, &course, &slug, &parcel, false, &quiet).await?.context("the judge changed its mind")?;
    let id = put["id"].as_str().context("the judge gave the lab no id")?;
    let named = folder_name(&wanted.folder);
    let found = gate(judge, id, &named, Duration::from_secs(wanted.wait), output).await;
    let delete = Call::new(Method::DELETE, ["labs", id]);
    let deleted = judge.answer("remove the lab that was verified", &delete).await;
    let found = found?;
    deleted?;
    Ok(found)
}

fn folder_name(path: &Path) -> String {
    path.display().to_string()
}

/// Publishes the newest revision.
pub async fn publish(judge: &Judge, wanted: &Publish, output: &Output) -> anyhow::Result<Outcome> {
    let id = judge.lab(&wanted.lab).await?;
    if wanted.wait > 0 {
        return gate(judge, &id, &wanted.lab, Duration::from_secs(wanted.wait), output).await;
    }
    let begun: Value = begin(judge, &id, &wanted.lab).await?;
    output.json(&begun);
    output.say(&format!("{}: {}", wanted.lab, begun["status"].as_str().unwrap_or("begun")));
    Ok(Outcome::Good)
}

async fn begin(judge: &Judge, id: &str, named: &str) -> anyhow::Result<Value> {
    judge.json(&format!("publish {named}"), &Call::new(Method::POST, ["labs", id, "publish"])).await
}

/// Publishes and waits for the gate.
async fn gate(judge: &Judge, id: &str, named: &str, wait: Duration, output: &Output) -> anyhow::Result<Outcome> {
    begin(judge, id, named).await?;
    let lab = published(judge, id, named, wait, output).await?;
    report(judge, named, &lab, output).await
}

/// How a lab stands.
pub async fn status(judge: &Judge, named: &str, output: &Output) -> anyhow::Result<Outcome> {
    let id = judge.lab(named).await?;
    let lab = judge.get(&format!("read {named}"), &["labs", &id]).await?;
    report(judge, named, &lab, output).await
}
