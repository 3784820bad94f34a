//! A5: clients that do not read, break off, or never come to the point. Their jails are gone soon, and nothing has grown.

use std::time::Duration;

use iteratione_common::ids::UserId;
use serde_json::{Value, json};
use testkit::wait::until_true;
use tokio::time::sleep;

use super::{
    PATIENCE, Rows, address, gone, growth, python,
    raw::{BINARY, Raw, head},
    somebody, ticket,
};
use crate::frame::Row;

/// More than all buffers between program and client have room for.
const FLOOD: &str = "import sys\nwhile True: sys.stdout.write('x' * 65536)\n";
const SLEEPS: &str = "import time\nprint('ready', flush=True)\ntime.sleep(250)\n";

pub fn rows() -> Rows {
    vec![never_reads(), breaks_off(), goodbye(), compiling(), queued(), slow()]
}

fn never_reads() -> Row {
    Row::new("A5_a_client_that_never_reads", "python", async |arena| {
        let attacking = async {
            let mut socket = Raw::run(&somebody(arena), &python(FLOOD)).await;
            socket.phase("running").await;
            // The program prints tens of megabytes in this time, if nobody holds it back.
            sleep(Duration::from_secs(4)).await;
            // It has not ended by printing too much: it waits.
            assert!(!arena.stack.used_jails().is_empty(), "it must still be there");
            drop(socket);
            gone(arena).await
        };
        let (gone, grown) = growth(arena, attacking).await;
        format!("gone after {gone}, of which 3 s are grace; {grown}")
    })
}

fn breaks_off() -> Row {
    Row::new("A5_a_client_that_breaks_off", "python", async |arena| {
        let mut socket = Raw::run(&somebody(arena), &python(SLEEPS)).await;
        socket.shown("ready").await;
        drop(socket);
        format!("gone after {}, of which 3 s are grace", gone(arena).await)
    })
}

fn goodbye() -> Row {
    Row::new("A5_a_client_that_closes", "python", async |arena| {
        let mut socket = Raw::run(&somebody(arena), &python(SLEEPS)).await;
        socket.shown("ready").await;
        socket.close(1000).await;
        let gone = gone(arena).await;
        assert_eq!(socket.closed().await, Some(1000));
        format!("gone after {gone}")
    })
}

fn compiling() -> Row {
    Row::new("A5_a_client_that_leaves_while_it_is_compiled", "cpp", async |arena| {
        // Takes the compiler long enough.
        let source = "#include <bits/stdc++.h>\n#include <regex>\n\
            template<int N> struct F { static const long v = F<N-1>::v + F<N-2>::v * N; };\n\
            template<> struct F<0> { static const long v = 1; }; template<> struct F<1> { static const long v = 1; };\n\
            int main() { std::regex r(\"(a|b)*c\"); std::cout << F<800>::v; }\n";
        let run = json!({"type": "run", "language": "cpp", "files": [{"name": "main.cpp", "content": source}],
            "cols": 80, "rows": 24});
        let mut seen = Vec::new();
        for says_goodbye in [false, true] {
            let mut socket = Raw::run(&somebody(arena), &run).await;
            socket.phase("compiling").await;
            until_true("it has a jail", PATIENCE, async || !arena.stack.used_jails().is_empty()).await;
            if says_goodbye {
                socket.close(1000).await;
            }
            drop(socket);
            seen.push(gone(arena).await);
        }
        format!("gone after {seen:?}")
    })
}

fn queued() -> Row {
    Row::new("A5_a_client_that_leaves_the_line", "python", async |arena| {
        let mut running = Vec::new();
        for _ in 0..3 {
            let mut socket = Raw::run(&somebody(arena), &python(SLEEPS)).await;
            socket.shown("ready").await;
            running.push(socket);
        }
        let mut leaves = Raw::run(&somebody(arena), &python("print('never')")).await;
        leaves.message("place in the line", |m| m["position"] == 1).await;
        let mut stays = Raw::run(&somebody(arena), &python("print('at last')")).await;
        stays.message("place in the line", |m| m["position"] == 2).await;
        drop(leaves);
        stays.message("better place", |m| m["position"] == 1).await;
        running[0].text(&json!({"type": "kill"}).to_string()).await;
        assert_eq!(running[0].exit().await["reason"], "killed");
        assert_eq!(stays.exit().await["reason"], "exited");
        assert!(stays.shows("at last"));
        drop(running);
        format!("the last ones gone after {}", gone(arena).await)
    })
}

fn slow() -> Row {
    Row::new("A5_sockets_that_never_come_to_the_point", "python", async |arena| {
        let account = UserId::new();
        let base = &arena.stack.url;
        let mut silent = Raw::open(&address(base, &ticket(account))).await;
        let mut half = Raw::open(&address(base, &ticket(account))).await;
        let run = python("print('never')").to_string();
        half.bytes(&head(super::raw::TEXT, run.len() as u64)).await;
        half.bytes(&run.as_bytes()[..10]).await;
        let mut typed = Raw::run(&address(base, &ticket(account)), &python(SLEEPS)).await;
        typed.shown("ready").await;
        typed.bytes(&head(BINARY, 1000)).await;
        typed.bytes(b"half a keystro").await;
        assert_eq!(silent.closed().await, Some(4008));
        assert_eq!(half.closed().await, Some(4008));
        // Half a frame is no reason to end a program, which goes on.
        assert!(!typed.ended && typed.code.is_none());
        drop(typed);
        until_true("its jail is gone", PATIENCE, async || arena.stack.used_jails().is_empty()).await;
        let is_idle = |m: &Value| m["code"] == "idle";
        assert!(silent.messages.iter().any(is_idle) && half.messages.iter().any(is_idle));
        "closed with 4008".to_owned()
    })
}
