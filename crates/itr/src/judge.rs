//! The REST API, as far as it is used here: questions in the words of the commands, answers with the fields they read.

use anyhow::{Context as _, bail};
use iteratione_client::{
    Auth,
    rest::{Answer, Call, Content, Rest},
};
use iteratione_common::ids::{CourseId, LabId};
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{session::Settings, terms::Refusal};

/// Items of a page.
const PAGE: &str = "200";
/// Pages of a list that are read: a list that does not end is no list.
const MOST_PAGES: usize = 500;
const AGENT: &str = concat!("itr/", env!("CARGO_PKG_VERSION"));

/// A judge, and who asks it.
pub struct Judge {
    rest: Rest,
    /// Where it is.
    pub url: String,
}

/// A course.
#[derive(Debug, Clone, Deserialize)]
pub struct Course {
    pub slug: String,
    pub title: String,
    pub role: String,
    #[serde(default)]
    pub join_code: Option<String>,
}

/// An account.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: String,
}

/// A language that the judge offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Language {
    /// What requests call it.
    pub id: String,
    /// Endings of its files, without the dot.
    pub extensions: Vec<String>,
}

#[derive(Deserialize)]
struct Line {
    id: LabId,
    slug: String,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Value>,
    next: Option<String>,
}

impl Judge {
    /// As whoever is signed in.
    pub fn signed_in(settings: &Settings) -> anyhow::Result<Self> {
        let (url, token) = settings.account()?;
        Self::new(url, Some(Auth::Token(token)))
    }

    /// As somebody, or nobody.
    pub fn new(url: String, auth: Option<Auth>) -> anyhow::Result<Self> {
        let waits = |wait: std::time::Duration, why: &str| {
            if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
                eprintln!("{why}: once more in {:.1} s", wait.as_secs_f64());
            }
        };
        let rest = Rest::new(&url, auth, AGENT, waits)?;
        Ok(Self { rest, url })
    }

    /// Whatever the judge answers.
    pub async fn ask(&self, call: &Call) -> anyhow::Result<Answer> {
        let asking = self.rest.call(call).await;
        asking.with_context(|| format!("{} could not be asked", self.url))
    }

    /// The answer, if it is a success; `what` is the rest of "cannot …".
    pub async fn answer(&self, what: &str, call: &Call) -> anyhow::Result<Answer> {
        let answer = self.ask(call).await?;
        if answer.is_success() { Ok(answer) } else { Err(Refusal::new(what, &answer).into()) }
    }

    /// The JSON of a success.
    pub async fn json<T: DeserializeOwned>(&self, what: &str, call: &Call) -> anyhow::Result<T> {
        let answer = self.answer(what, call).await?;
        serde_json::from_slice(&answer.body).with_context(|| format!("cannot {what}: the answer makes no sense"))
    }

    /// `GET` of a path.
    pub async fn get<T: DeserializeOwned>(&self, what: &str, path: &[&str]) -> anyhow::Result<T> {
        self.json(what, &get(path)).await
    }

    /// `POST` with JSON.
    pub async fn post<T: DeserializeOwned>(&self, what: &str, path: &[&str], body: Value) -> anyhow::Result<T> {
        let call = Call::new(Method::POST, path.iter().copied()).content(Content::Json(body));
        self.json(what, &call).await
    }

    /// The first items of a list, over as many pages as it takes.
    pub async fn list(&self, what: &str, call: &Call, most: usize) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut page = call.clone().query("limit", PAGE);
            if let Some(after) = after {
                page = page.query("after", after);
            }
            let list: List = self.json(what, &page).await?;
            items.extend(list.items);
            after = list.next;
            if after.is_none() || items.len() >= most {
                break;
            }
        }
        items.truncate(most);
        Ok(items)
    }

    /// Who is signed in.
    pub async fn me(&self) -> anyhow::Result<Account> {
        self.get("ask who you are", &["me"]).await
    }

    /// The courses of whoever asks.
    pub async fn courses(&self) -> anyhow::Result<Vec<Value>> {
        self.list("list your courses", &get(&["courses"]), usize::MAX).await
    }

    /// The languages that programs may be in.
    pub async fn languages(&self) -> anyhow::Result<Vec<Language>> {
        let list: List = self.get("list the languages", &["languages"]).await?;
        Ok(list.items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect())
    }

    /// The id of a lab that is named `course/slug`, or by its id.
    pub async fn lab(&self, named: &str) -> anyhow::Result<String> {
        if let Ok(id) = named.parse::<LabId>() {
            return Ok(id.to_string());
        }
        let Some((course, slug)) = named.split_once('/') else {
            bail!("“{named}” names no lab: write COURSE/LAB by their short names, or the lab's id");
        };
        let what = format!("list the labs of {course}");
        let items = self.list(&what, &get(&["courses", course, "labs"]), usize::MAX).await?;
        let lines: Vec<Line> = items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect();
        if let Some(line) = lines.iter().find(|line| line.slug == slug) {
            return Ok(line.id.to_string());
        }
        let there = lines.iter().map(|line| &*line.slug).collect::<Vec<_>>().join(", ");
        bail!("the course {course} has no lab “{slug}”; it has: {}", if there.is_empty() { "none" } else { &there });
    }

    /// The course that labs go to: the one that is named, or the only one.
    pub async fn own_course(&self, named: Option<&str>) -> anyhow::Result<String> {
        if let Some(named) = named {
            return Ok(named.to_owned());
        }
        let courses: Vec<Course> =
            self.courses().await?.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect();
        let own: Vec<&Course> =
            courses.iter().filter(|c| c.role == "instructor" && !c.slug.starts_with(VERIFY_COURSE)).collect();
        match own.as_slice() {
            [only] => Ok(only.slug.clone()),
            [] => bail!("you are an instructor of no course: name one with --course"),
            several => {
                let slugs = several.iter().map(|course| &*course.slug).collect::<Vec<_>>().join(", ");
                bail!("you have several courses, {slugs}: name one with --course, or set ITR_COURSE")
            }
        }
    }

    /// A course of one's own that has no students: labs are verified there.
    pub async fn verify_course(&self) -> anyhow::Result<String> {
        let me = self.me().await?;
        let own: String = me.id.chars().rev().filter(char::is_ascii_alphanumeric).take(12).collect();
        let slug = format!("{VERIFY_COURSE}-{own}");
        let found = self.ask(&get(&["courses", &slug])).await?;
        match found.status {
            200 => return Ok(slug),
            404 => {}
            _ => return Err(Refusal::new("look for the course in which labs are verified", &found).into()),
        }
        let wanted = json!({"slug": slug, "title": "Labs that itr verifies"});
        let made: Value = self.post("make the course in which labs are verified", &["courses"], wanted).await?;
        made["id"].as_str().and_then(|id| id.parse::<CourseId>().ok()).context("the new course has no id")?;
        Ok(slug)
    }
}

/// Where `itr lab verify` puts labs; with a part of the account's id behind it.
const VERIFY_COURSE: &str = "itr-verify";

/// `GET` of a path.
pub fn get(path: &[&str]) -> Call {
    Call::new(Method::GET, path.iter().copied())
}
