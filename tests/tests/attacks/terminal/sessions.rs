//! A3: who wants everything gets a share.

use std::time::Instant;

use futures_util::future::join_all;
use iteratione_common::ids::UserId;
use reqwest::Method;
use serde_json::json;

use super::{Rows, account, address, growth, python, raw::Raw, somebody, ticket};
use crate::frame::Row;

/// More than the burst of one account.
const TICKETS: usize = 150;
/// Sockets that say nothing.
const SILENT: usize = 200;
/// Reads a line, and ends.
const WAITS: &str = "print('ready', flush=True)\ninput()\n";

pub fn rows() -> Rows {
    vec![tickets(), hoarded(), silent(), share(), line()]
}

fn tickets() -> Row {
    Row::new("A3_tickets_asked_for_without_end", "python", async |arena| {
        let (attacker, other) = (account(arena).await, account(arena).await);
        let nothing = json!({});
        let ask = || attacker.call(Method::POST, "/run-tickets", Some(&nothing));
        let asking = join_all((0..TICKETS).map(|_| ask())).await;
        let mut refused = 0;
        for answer in asking {
            let answer = answer.expect("an answer");
            if answer.status != 201 {
                assert_eq!(answer.status, 429, "{answer:?}");
                let after = answer.header("retry-after").and_then(|v| v.parse::<u64>().ok());
                assert!(after.is_some_and(|seconds| seconds > 0), "{answer:?}");
                refused += 1;
            }
        }
        assert!(refused > 0, "{TICKETS} tickets for one account");
        other.post("/run-tickets", &json!({})).await.expect("another account is not held back");
        format!("{refused} of {TICKETS} refused")
    })
}

fn hoarded() -> Row {
    Row::new("A3_hoarded_tickets_open_no_more_than_the_account_may_have", "python", async |arena| {
        let attacker = UserId::new();
        let opening = (0..60).map(async |_| Raw::open(&address(&arena.stack.url, &ticket(attacker))).await);
        let sockets = join_all(opening).await;
        let open = sockets.iter().filter(|s| s.status == 101).count();
        assert!((1..=16).contains(&open), "{open} sockets of one account");
        assert!(sockets.iter().all(|s| s.status == 101 || s.status == 429), "neither open nor refused");
        let mut other = Raw::run(&somebody(arena), &python("print('hello')")).await;
        assert_eq!(other.exit().await["reason"], "exited", "another account runs meanwhile");
        format!("{open} of 60 open")
    })
}

fn silent() -> Row {
    Row::new("A3_hundreds_of_sockets_without_a_word", "python", async |arena| {
        let attacking = async {
            let opening = (0..SILENT).map(async |_| Raw::open(&somebody(arena)).await);
            let mut sockets = join_all(opening).await;
            let begin = Instant::now();
            let open = sockets.iter().filter(|s| s.status == 101).count();
            assert_eq!(open, SILENT, "each is an account of its own");
            // They keep nobody from running.
            let mut other = Raw::run(&somebody(arena), &python("print('hello')")).await;
            assert_eq!(other.exit().await["reason"], "exited");
            let codes = join_all(sockets.iter_mut().map(Raw::closed)).await;
            assert!(codes.iter().all(|code| *code == Some(4008)), "{codes:?}");
            begin.elapsed().as_secs_f64()
        };
        let (seconds, grown) = growth(arena, attacking).await;
        format!("all closed after {seconds:.1} s; {grown}")
    })
}

fn share() -> Row {
    Row::new("A3_one_account_floods_runs", "python", async |arena| {
        let attacker = UserId::new();
        let base = &arena.stack.url;
        let opening = (0..12).map(async |_| Raw::run(&address(base, &ticket(attacker)), &python(WAITS)).await);
        let mut sockets = join_all(opening).await;
        let mut running = Vec::new();
        for mut socket in sockets.drain(..) {
            let said = |m: &serde_json::Value| m["type"] == "error" || m["type"] == "status" && m["phase"] == "running";
            let first = socket.message("answer", said).await;
            if first["type"] == "error" {
                assert_eq!(first["code"], "too_many_sessions", "{first}");
                assert_eq!(socket.closed().await, Some(4029));
            } else {
                running.push(socket);
            }
        }
        assert_eq!(running.len(), 2, "as many as an account may have");
        let mut other = Raw::run(&somebody(arena), &python("print('hello')")).await;
        assert_eq!(other.exit().await["reason"], "exited", "another account runs meanwhile");
        for socket in &mut running {
            socket.shown("ready").await;
            socket.keys(b"\r").await;
            assert_eq!(socket.exit().await["reason"], "exited");
        }
        "2 of 12 live".to_owned()
    })
}

fn line() -> Row {
    Row::new("A3_who_has_less_comes_first", "python", async |arena| {
        let base = &arena.stack.url;
        let (attacker, first, late) = (UserId::new(), UserId::new(), UserId::new());
        let run = async |who| Raw::run(&address(base, &ticket(who)), &python(WAITS)).await;
        let mut places = Vec::new();
        for who in [attacker, first, UserId::new()] {
            let mut socket = run(who).await;
            socket.shown("ready").await;
            places.push(socket);
        }
        let mut greedy = run(attacker).await;
        greedy.message("place in the line", |m| m["position"] == 1).await;
        let mut modest = run(late).await;
        modest.message("place in the line", |m| m["position"] == 1).await;
        greedy.message("new place in the line", |m| m["position"] == 2).await;
        greedy.messages.clear();
        // The place that becomes free is for the account that has none.
        places[1].keys(b"\r").await;
        places[1].exit().await;
        modest.shown("ready").await;
        greedy.message("place in the line", |m| m["position"] == 1).await;
        let has_begun = greedy.messages.iter().any(|m| m["phase"] == "compiling" || m["phase"] == "running");
        assert!(!has_begun, "{:?}", greedy.messages);
        places[2].keys(b"\r").await;
        places[2].exit().await;
        greedy.shown("ready").await;
        for socket in [&mut places[0], &mut modest, &mut greedy] {
            socket.keys(b"\r").await;
            assert_eq!(socket.exit().await["reason"], "exited");
        }
        "in the right order".to_owned()
    })
}
