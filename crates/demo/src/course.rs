//! The demo's course: made once, and found again by every later run.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{INSTRUCTOR, PASSWORD, STUDENT, client::Client, files};

const SLUG: &str = "demo";
/// Grading the reference solutions of all labs, on a slow machine.
const PUBLISHING: Duration = Duration::from_mins(5);

/// The course with its published labs.
pub struct Course {
    /// Somebody who has joined it.
    pub student: Client,
    /// Slug and id.
    pub labs: BTreeMap<&'static str, String>,
}

/// Makes what is missing: course, labs, membership. Returns when all labs are published.
pub async fn prepare(url: &str) -> anyhow::Result<Course> {
    let instructor = signed_in(url, INSTRUCTOR).await?;
    let join_code = course(&instructor).await?;
    let mut labs = BTreeMap::new();
    for (slug, text) in files::LABS {
        let lab = instructor.put(&format!("/courses/{SLUG}/labs/{slug}"), &files::lab(text)?).await?;
        let id = lab["id"].as_str().with_context(|| format!("the lab has no id: {lab}"))?.to_owned();
        instructor.call(Method::POST, &format!("/labs/{id}/publish"), None).await?.expect(&[200, 202])?;
        labs.insert(slug, id);
    }
    for (slug, id) in &labs {
        published(&instructor, slug, id).await?;
    }
    let student = signed_in(url, STUDENT).await?;
    student.post("/courses/join", &json!({"join_code": join_code})).await?;
    Ok(Course { student, labs })
}

async fn signed_in(url: &str, email: &str) -> anyhow::Result<Client> {
    let client = Client::new(url)?;
    client.login(email, PASSWORD).await.with_context(|| format!("cannot sign in as {email}"))?;
    Ok(client)
}

/// The course's join code.
async fn course(instructor: &Client) -> anyhow::Result<String> {
    let wanted = json!({"slug": SLUG, "title": "Demo course"});
    let made = instructor.call(Method::POST, "/courses", Some(&wanted)).await?;
    let course = match made.status {
        409 => instructor.get(&format!("/courses/{SLUG}")).await?,
        _ => made.expect(&[200, 201])?,
    };
    Ok(course["join_code"].as_str().context("the course shows no join code: is the instructor its staff?")?.to_owned())
}

/// Waits until a lab is published.
async fn published(instructor: &Client, slug: &str, id: &str) -> anyhow::Result<()> {
    let waiting = async {
        loop {
            let lab = instructor.get(&format!("/labs/{id}")).await?;
            match lab["status"].as_str() {
                Some("published") => return Ok(()),
                Some("rejected") => bail!("the lab {slug} was rejected: {}", objections(&lab["validation"])),
                _ => tokio::time::sleep(Duration::from_millis(300)).await,
            }
        }
    };
    tokio::time::timeout(PUBLISHING, waiting).await.with_context(|| {
        format!("the lab {slug} was not published after {} s: is a grader running?", PUBLISHING.as_secs())
    })?
}

fn objections(validation: &Value) -> String {
    let solutions = validation["solutions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wrong = solutions.iter().filter(|s| s["ok"] == false);
    wrong.map(|s| format!("{} ({}): {}", s["name"], s["language"], s["message"])).collect::<Vec<_>>().join("; ")
}
