//! Who runs the program.

use std::{
    io::{Read as _, Write as _},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::json;

use super::{Arguments, raw};
use crate::{Auth, ClientError, ticket};

/// A language that the judge offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Language {
    /// What requests call it.
    pub id: String,
    /// Endings of its files, without the dot; the first is the usual one.
    pub extensions: Vec<String>,
}

/// A way to the judge.
pub struct Account {
    pub http: reqwest::Client,
    pub api: String,
    pub auth: Auth,
}

impl Account {
    pub fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let api = arguments.url.trim_end_matches('/').to_owned();
        ensure!(api.starts_with("http://"), ClientError::Address(api));
        let http = crate::http::builder(&api)
            .cookie_store(true)
            .connect_timeout(ticket::DEADLINE)
            .user_agent(concat!("iteratione-run/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("no HTTP client")?;
        let auth = match (&arguments.email, arguments.token.clone().or_else(|| variable("ITERATIONE_TOKEN"))) {
            (Some(_), _) => Auth::Cookie,
            (None, Some(token)) => Auth::Token(token),
            (None, None) => bail!("who are you? Set ITERATIONE_TOKEN to an API token, or give --email"),
        };
        Ok(Self { http, api, auth })
    }

    /// The languages that there are; asked without an account.
    pub async fn languages(&self) -> anyhow::Result<Vec<Language>> {
        #[derive(Deserialize)]
        struct List {
            items: Vec<Language>,
        }
        let request = self.http.get(format!("{}/api/v1/languages", self.api)).timeout(ticket::DEADLINE);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        ensure!(response.status().is_success(), "{} gives no list of languages: is it a judge?", self.api);
        Ok(ticket::json::<List>(response).await.context("the list of languages")?.items)
    }

    /// Signs in by password, if there is an address.
    pub async fn sign_in(&self, email: Option<&str>) -> anyhow::Result<()> {
        let Some(email) = email else { return Ok(()) };
        let asked = || ask_password(&format!("password of {email}"), "set ITERATIONE_PASSWORD");
        let password = variable("ITERATIONE_PASSWORD").map_or_else(asked, Ok)?;
        let request = self.http.post(format!("{}/api/v1/auth/login", self.api));
        let request = request.json(&json!({"email": email, "password": password}));
        ticket::call(request, &self.api, &Auth::Cookie).await.context("you are not signed in")?;
        Ok(())
    }

    /// Ends the session that [`Self::sign_in`] began; it would end by itself.
    pub async fn sign_out(&self) {
        if matches!(self.auth, Auth::Cookie) {
            let request = self.http.post(format!("{}/api/v1/auth/logout", self.api)).json(&json!({}));
            let _ = tokio::time::timeout(Duration::from_secs(2), ticket::call(request, &self.api, &Auth::Cookie)).await;
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        let why = std::error::Error::source(error).map_or_else(|| error.to_string(), deepest);
        anyhow::anyhow!("{} does not answer: {why}", self.api)
    }
}

fn deepest(mut error: &(dyn std::error::Error + 'static)) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[expect(clippy::disallowed_methods, reason = "a program for people has no configuration file")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Asks on the terminal, without showing what is typed; `instead` is what to do where there is no terminal.
pub fn ask_password(question: &str, instead: &str) -> anyhow::Result<String> {
    let mut terminal = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .with_context(|| format!("there is no terminal to ask on: {instead}"))?;
    write!(terminal, "{question}: ")?;
    let hidden = raw::Mode::hidden(&terminal)?;
    let (mut line, mut byte) = (Vec::new(), [0]);
    while terminal.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    drop(hidden);
    writeln!(terminal)?;
    String::from_utf8(line).context("the password is not UTF-8")
}
