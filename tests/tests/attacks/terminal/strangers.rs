//! A4: only a fresh ticket of one's own opens a terminal, and only one's own runs can be gone on with.

use futures_util::future::join_all;
use iteratione_common::ids::UserId;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::classroom::text;

use super::{Rows, account, address, key, python, raw::Raw, ticket};
use crate::frame::{Arena, Row};

/// What it reads it prints.
const ECHOES: &str = "print('ready', flush=True)\nprint('unharmed', input())\n";
const FUTURE: &str = "2199-01-01T00:00:00Z";
const PAST: &str = "2020-01-01T00:00:00Z";

pub fn rows() -> Rows {
    vec![leave(), tickets(), once()]
}

fn leave() -> Row {
    Row::new("A4_tickets_for_nobody", "python", async |arena| {
        let ask = |client: testkit::Client| async move {
            client.call(Method::POST, "/run-tickets", Some(&json!({}))).await.expect("an answer").status
        };
        assert_eq!(ask(arena.stack.anonymous()).await, 401, "nobody");
        let leaves = account(arena).await;
        assert_eq!(ask(leaves.clone()).await, 201, "somebody");
        let out = leaves.call(Method::POST, "/auth/logout", None).await.expect("an answer");
        assert!(out.status < 300, "{out:?}");
        assert_eq!(ask(leaves).await, 401, "signed out");
        let owner = account(arena).await;
        let made = owner.post("/me/tokens", &json!({"name": "terminal"})).await.expect("a token");
        let bearer = format!("Bearer {}", text(&made, "token"));
        let with_token = async || {
            let headers = [("authorization", bearer.as_str())];
            let nobody = arena.stack.anonymous();
            let asked = nobody.call_with(Method::POST, "/run-tickets", Some(&json!({})), &headers).await;
            asked.expect("an answer").status
        };
        assert_eq!(with_token().await, 201, "a token");
        let path = format!("/me/tokens/{}", text(&made, "id"));
        let revoked = owner.call(Method::DELETE, &path, None).await.expect("an answer");
        assert!(revoked.status < 300, "{revoked:?}");
        assert_eq!(with_token().await, 401, "a revoked token");
        "refused to nobody, who signed out, and a revoked token".to_owned()
    })
}

/// Tickets that are none, each with what is wrong with it.
fn no_tickets() -> Vec<(&'static str, String)> {
    let (good, others) = (ticket(UserId::new()), ticket(UserId::new()));
    let mut flipped = good.clone().into_bytes();
    flipped[80] = if flipped[80] == b'A' { b'B' } else { b'A' };
    let expired = key("").issue(UserId::new(), PAST.parse().expect("a moment")).1;
    let foreign =
        key("a key that somebody has made up for himself").issue(UserId::new(), FUTURE.parse().expect("a moment")).1;
    vec![
        ("none", String::new()),
        ("a word", "ticket".to_owned()),
        ("truncated", good[..95].to_owned()),
        ("longer", format!("{good}A")),
        ("all the same letter", "A".repeat(96)),
        ("no base64", "%00".repeat(96)),
        ("another signature", String::from_utf8(flipped).expect("ASCII")),
        // Characters 24 to 39 are of the account.
        ("another account", format!("{}{}{}", &good[..24], &others[24..40], &good[40..])),
        // … and 43 to 52 of its end.
        ("another end", format!("{}{}{}", &good[..46], "_____", &good[51..])),
        ("expired", expired),
        ("another key", foreign),
        ("very long", "A".repeat(6000)),
    ]
}

fn tickets() -> Row {
    Row::new("A4_tickets_that_are_none", "python", async |arena| {
        let bases = [&arena.stack.url, &arena.stack.runner_urls[0]];
        let mut refused = 0;
        for (what, ticket) in no_tickets() {
            for base in bases {
                let mut socket = Raw::open(&address(base, &ticket)).await;
                if socket.status == 101 {
                    // Whoever is refused does not get a program started either.
                    socket.text(&python("print('mine')").to_string()).await;
                    assert_eq!(socket.closed().await, Some(4001), "{what}: {:?}", socket.messages);
                    assert_eq!(socket.error().await, "unauthenticated", "{what}");
                    assert_eq!(socket.messages.len(), 1, "{what}: {:?}", socket.messages);
                } else {
                    assert!((400..500).contains(&socket.status), "{what}: {}", socket.status);
                }
                refused += 1;
            }
        }
        format!("{refused} refused")
    })
}

fn once() -> Row {
    Row::new("A4_a_ticket_used_by_eight_at_once", "python", async |arena| {
        let stolen = address(&arena.stack.url, &ticket(UserId::new()));
        let mut sockets = join_all((0..8).map(async |_| Raw::open(&stolen).await)).await;
        let outcomes = join_all(sockets.iter_mut().map(async |socket| {
            assert_eq!(socket.status, 101);
            socket.text(&python("print('mine')").to_string()).await;
            let is = |m: &Value| m["type"] == "error" || m["type"] == "exit";
            let answer = socket.message("answer", is).await;
            if answer["type"] == "exit" {
                return true;
            }
            assert_eq!(answer["code"], "unauthenticated", "{answer}");
            assert_eq!(socket.closed().await, Some(4001));
            false
        }))
        .await;
        assert_eq!(outcomes.iter().filter(|won| **won).count(), 1, "{outcomes:?}");
        let mut late = Raw::open(&stolen).await;
        assert_eq!(late.closed().await, Some(4001), "later it is used all the same");
        "one of 8 has won".to_owned()
    })
}

pub fn attached() -> Row {
    Row::new("A4_runs_of_others", "python", async |arena| {
        let base = &arena.stack.url;
        let victim = UserId::new();
        let mut owner = Raw::run(&address(base, &ticket(victim)), &python(ECHOES)).await;
        owner.shown("ready").await;
        let session = owner.phase("running").await;
        let mut flipped = session.clone().into_bytes();
        flipped[0] = if flipped[0] == b'0' { b'1' } else { b'0' };
        let guesses = [
            ("the right one", session.clone()),
            ("empty", String::new()),
            ("truncated", session[..session.len() - 1].to_owned()),
            ("longer", format!("{session}0")),
            ("in capitals", session.to_uppercase() + " "),
            ("guessed", String::from_utf8(flipped).expect("ASCII")),
            ("zeros", "0".repeat(session.len())),
            ("a path", "../../sessions".to_owned()),
            ("a NUL", "\0".to_owned()),
            ("long", "f".repeat(50_000)),
        ];
        let mut words = std::collections::BTreeSet::new();
        for (what, guess) in &guesses {
            let resume = json!({"type": "resume", "session": guess, "seq": 0}).to_string();
            words.insert(refused(arena, UserId::new(), &resume, what).await);
            if *what != "the right one" {
                words.insert(refused(arena, victim, &resume, what).await);
            }
        }
        assert_eq!(words.len(), 1, "an answer tells which runs there are: {words:?}");
        let resume = json!({"type": "resume", "session": session, "seq": 0}).to_string();
        let mut taken_over = 0;
        // Two tabs: the first one keeps it, unless it cannot show in time that it lives.
        loop {
            let mut tab = Raw::open(&address(base, &ticket(victim))).await;
            tab.text(&resume).await;
            let is = |m: &Value| m["type"] == "error" || m["type"] == "resumed";
            let (first, answer) = tokio::join!(shows_life(&mut owner), tab.message("answer", is));
            if answer["type"] == "error" {
                assert!(first, "the first one was cut off");
                assert_eq!((answer["code"].as_str(), tab.closed().await), (Some("in_use"), Some(4009)), "{answer}");
                assert!(tab.output.is_empty(), "{}", tab.tail());
                break;
            }
            taken_over += 1;
            assert!(taken_over < 10, "the first tab never keeps it");
            owner = tab;
        }
        owner.keys(b"and private\r").await;
        owner.shown("unharmed and private").await;
        assert_eq!(owner.exit().await["reason"], "exited");
        format!("{} attempts refused in the same words", 2 * guesses.len() - 1)
    })
}

/// Tries to go on with a run; gives back the words in which it was refused.
async fn refused(arena: &Arena<'_>, who: UserId, resume: &str, what: &str) -> String {
    let mut socket = Raw::open(&address(&arena.stack.url, &ticket(who))).await;
    assert!(socket.text(resume).await, "{what}");
    assert_eq!(socket.closed().await, Some(4004), "{what}: {:?}", socket.messages);
    assert!(socket.output.is_empty(), "{what}: {}", socket.tail());
    socket.message("error", |m| m["type"] == "error" && m["code"] == "no_session").await.to_string()
}

/// Reads, and so answers, one ping; `false` if the socket was closed before one came.
async fn shows_life(socket: &mut Raw) -> bool {
    let before = socket.pings;
    while socket.pings == before {
        if !socket.read().await {
            return false;
        }
    }
    true
}
