//! What anybody does at a terminal.

use iteratione_common::terminal::{Phase, Reason, ServerMessage};
use serde_json::json;

use crate::{
    client::{as_json, bash, run},
    stage::Stage,
};

#[tokio::test]
async fn a_program_prints_reads_what_is_typed_and_ends_with_its_figures() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(bash("read -r -p 'name? ' name; echo \"hello $name\"; exit 3")).await;
    client.until_shown("name? ").await;
    client.type_in("ada\r").await;
    client.until_shown("hello ada\r\n").await;
    let exit = client.until_ended_by(Reason::Exited).await;
    assert_eq!((exit.code, exit.signal), (Some(3), None));
    assert!(exit.wall_ms > 0 && exit.memory_kb > 0, "{exit:?}");
    assert_eq!(client.output, b"name? ada\r\nhello ada\r\n");
    let phases = client.phases();
    assert!(phases.ends_with(&[Phase::Compiling, Phase::Running]), "{phases:?}");
    stage.until("its jail is gone", || stage.services.sandbox.live() == 0).await;
    stage.end().await;
}

#[tokio::test]
async fn after_one_run_another_follows_on_the_same_socket() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    let mut sessions = Vec::new();
    for word in ["one", "two", "three"] {
        client.run(bash(&format!("echo {word}"))).await;
        client.until_ended_by(Reason::Exited).await;
        assert_eq!(client.output, format!("{word}\r\n").into_bytes());
        sessions.push(client.session());
    }
    sessions.dedup();
    assert_eq!(sessions.len(), 3);
    stage.end().await;
}

#[tokio::test]
async fn the_terminal_is_one_and_has_the_size_that_it_is_given() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    let script = "trap 'stty size; exit' WINCH; test -t 0 && test -t 1 && stty size; echo $TERM ready; \
                  while :; do read -t 1; done";
    let mut resized = bash(script);
    resized["cols"] = json!(100);
    resized["rows"] = json!(31);
    client.run(resized).await;
    client.until_shown("31 100\r\nxterm-256color ready").await;
    for rows in (1..=10_000).rev().map(|n| 1 + n % 900) {
        client.send(json!({"type": "resize", "cols": 70, "rows": rows})).await;
    }
    client.send(json!({"type": "resize", "cols": 7, "rows": 60_000})).await;
    let exit = client.until_ended_by(Reason::Exited).await;
    assert_eq!(exit.code, Some(0));
    stage.end().await;
}

#[tokio::test]
async fn text_is_typed_as_text_and_comes_as_text_if_that_is_wanted() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    let mut wanted = as_json(bash("read -r -s word; printf '%s' \"$word$1\"; printf '\\xff\\xc3'"));
    wanted["args"] = json!(["🦀"]);
    client.run(wanted).await;
    client.until_running().await;
    client.send(json!({"type": "stdin", "data": "grüße\r"})).await;
    client.until_ended_by(Reason::Exited).await;
    let shown = String::from_utf8(client.output.clone()).expect("text");
    assert!(shown.ends_with("grüße🦀\u{fffd}\u{fffd}"), "{shown:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_program_that_does_not_compile_says_where() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(run("c", "main.c", "int main(void) { return x; }\n")).await;
    let exit = client.until_ended_by(Reason::Compile).await;
    assert_eq!((exit.code, exit.message.as_deref()), (None, Some("The program does not compile.")));
    let items = client.said.iter().find_map(|message| match message {
        ServerMessage::Diagnostics { items } => Some(items.clone()),
        _ => None,
    });
    let items = items.expect("diagnostics");
    assert_eq!((items[0].file.as_deref(), items[0].line), (Some("main.c"), Some(1)));
    client.run(run("c", "main.c", "#include <stdio.h>\nint main(void) { puts(\"well\"); }\n")).await;
    client.until_ended_by(Reason::Exited).await;
    assert_eq!(client.output, b"well\r\n");
    stage.end().await;
}

#[tokio::test]
async fn an_interrupt_is_a_key() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(bash("trap 'echo caught; exit 5' INT; echo ready; while :; do read -t 1; done")).await;
    client.until_shown("ready").await;
    client.type_in("\u{3}").await;
    let exit = client.until_ended_by(Reason::Exited).await;
    assert!(client.shows("caught"));
    assert_eq!(exit.code, Some(5));
    stage.end().await;
}
