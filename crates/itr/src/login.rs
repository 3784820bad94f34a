//! `itr login`, `itr logout`, `itr whoami`

use std::io::{IsTerminal as _, Write as _, stdin, stdout};

use anyhow::{Context as _, ensure};
use iteratione_client::{
    Auth,
    cli::ask_password,
    rest::{Call, Content},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Outcome,
    arguments::Login,
    judge::{Account, Judge},
    output::Output,
    session::{Kept, Settings},
};

/// Gets a token, and keeps it.
pub async fn login(settings: Settings, wanted: Login, output: &Output) -> anyhow::Result<Outcome> {
    let url = wanted.judge.trim_end_matches('/').to_owned();
    let (token, token_id) = match wanted.token {
        Some(token) if token.is_empty() => (asked_token()?, None),
        Some(token) => (token, None),
        None => by_password(&url, wanted.email, settings.password).await?,
    };
    let account = Judge::new(url.clone(), Some(Auth::Token(token.clone())))?.me().await?;
    let course = settings.kept.course.filter(|_| settings.kept.url.as_ref() == Some(&url));
    Kept { url: Some(url.clone()), token: Some(token), token_id, course }.write(&settings.path)?;
    tell(&account, &url, output);
    output.say(&format!("the token is kept in {}", settings.path.display()));
    Ok(Outcome::Good)
}

/// Trades a password for a token. Only a browser's session may make one, so there is one for a moment.
async fn by_password(
    url: &str,
    email: Option<String>,
    password: Option<String>,
) -> anyhow::Result<(String, Option<String>)> {
    let judge = Judge::new(url.to_owned(), None)?;
    let email = match email {
        Some(email) => email,
        None => asked("e-mail: ", "give --email")?,
    };
    let password = match password {
        Some(password) => password,
        None => ask_password(&format!("password of {email}"), "set ITR_PASSWORD, or give --token")?,
    };
    let login = Call::new(Method::POST, ["auth", "login"])
        .content(Content::Json(json!({"email": email, "password": password})));
    let answer = judge.answer("sign in", &login).await?;
    // By hand: over plain HTTP, such as an ssh tunnel's, a cookie store keeps no cookie that is meant for HTTPS.
    let cookie = answer.header("set-cookie").and_then(|set| set.split(';').next()).context("there was no session")?;
    let session = |call: Call| call.header("cookie", cookie);
    let name = format!("itr on {}", host());
    let token = Call::new(Method::POST, ["me", "tokens"]).content(Content::Json(json!({"name": name})));
    let made: Value = judge.json("make a token", &session(token)).await?;
    judge.ask(&session(Call::new(Method::POST, ["auth", "logout"]))).await?;
    let token = made["token"].as_str().context("the judge gave no token")?.to_owned();
    Ok((token, made["id"].as_str().map(str::to_owned)))
}

/// What this machine is called, in the list of tokens.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(60).collect();
    if name.is_empty() { "some machine".to_owned() } else { name }
}

fn asked_token() -> anyhow::Result<String> {
    if stdin().is_terminal() {
        return Ok(ask_password("token", "give it by standard input")?.trim().to_owned());
    }
    asked("", "give it by standard input")
}

fn asked(question: &str, instead: &str) -> anyhow::Result<String> {
    if stdin().is_terminal() {
        print!("{question}");
        stdout().flush()?;
    }
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    ensure!(!line.trim().is_empty(), "nothing was given: {instead}");
    Ok(line.trim().to_owned())
}

/// Ends the token, if it was made by [`login`], and forgets it.
pub async fn logout(settings: Settings, output: &Output) -> anyhow::Result<Outcome> {
    let Kept { url, token, token_id, .. } = settings.kept;
    let (Some(url), Some(token)) = (url, token) else {
        output.say("you were not signed in");
        return Ok(Outcome::Good);
    };
    Kept::default().write(&settings.path)?;
    let ended = match &token_id {
        Some(id) => {
            let end = Call::new(Method::DELETE, ["me", "tokens", id.as_str()]);
            Judge::new(url.clone(), Some(Auth::Token(token)))?.ask(&end).await.is_ok_and(|answer| answer.is_success())
        }
        None => false,
    };
    let of_token =
        if ended { "its token is no longer valid" } else { "its token is forgotten here, but may still be valid" };
    output.say(&format!("signed out of {url}: {of_token}"));
    output.json(&json!({"url": url, "ended": ended}));
    Ok(Outcome::Good)
}

/// Who is signed in.
pub async fn whoami(judge: &Judge, output: &Output) -> anyhow::Result<Outcome> {
    let account = judge.me().await?;
    tell(&account, &judge.url, output);
    Ok(Outcome::Good)
}

fn tell(account: &Account, url: &str, output: &Output) {
    let Account { id, email, name, role } = account;
    output.say(&format!("{name} <{email}>, {role}, at {url}"));
    output.json(&json!({"url": url, "id": id, "email": email, "name": name, "role": role}));
}
