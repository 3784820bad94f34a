//! Every way in which a run ends.

use iteratione_common::{ids::UserId, terminal::Reason};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{bash, run, with_acks},
    stage::Stage,
};

const FOREVER: &str = "echo ready; while :; do read -t 1; done";

#[tokio::test]
async fn a_kill_ends_a_program_and_frees_its_place_before_that_is_said() {
    let stage = Stage::new().await;
    let account = UserId::new();
    let mut client = stage.connect(account).await;
    client.run(bash(FOREVER)).await;
    client.until_shown("ready").await;
    client.send(json!({"type": "kill"})).await;
    client.until_ended_by(Reason::Killed).await;
    // The account may have one run: the next is not refused.
    let mut other = stage.connect(account).await;
    other.run(bash("echo next")).await;
    other.until_ended_by(Reason::Exited).await;
    stage.end().await;
}

#[tokio::test]
async fn a_program_that_runs_for_too_long_is_ended() {
    let stage = Stage::with(|config| config.wall_seconds = 1).await;
    let mut client = stage.guest().await;
    client.run(bash(FOREVER)).await;
    let exit = client.until_ended_by(Reason::Wall).await;
    assert_eq!(exit.message.as_deref(), Some("It ran for longer than 1 s."));
    stage.end().await;
}

#[tokio::test]
async fn a_program_that_computes_for_too_long_is_ended() {
    let stage = Stage::with(|config| config.cpu_seconds = 1).await;
    let mut client = stage.guest().await;
    client.run(bash("while :; do :; done")).await;
    let exit = client.until_ended_by(Reason::Cpu).await;
    assert_eq!(exit.message.as_deref(), Some("It used more than 1 s of CPU time."));
    stage.end().await;
}

#[tokio::test]
async fn a_program_to_which_nobody_types_and_which_prints_nothing_is_ended() {
    let stage = Stage::with(|config| config.idle_seconds = 1).await;
    let mut client = stage.guest().await;
    client.run(bash("read -r")).await;
    let exit = client.until_ended_by(Reason::Idle).await;
    assert_eq!(exit.message.as_deref(), Some("Nothing was typed and nothing printed for 1 s."));
    stage.end().await;
}

#[tokio::test]
async fn a_program_whose_output_nobody_takes_is_ended_all_the_same() {
    let stage = Stage::with(|config| config.idle_seconds = 1).await;
    let mut client = stage.guest().await;
    // Its last output can never come, because nothing is acknowledged.
    client.run(with_acks(bash("while :; do printf '%01000d' 7; done"))).await;
    client.until_ended_by(Reason::Idle).await;
    assert_eq!(client.output.len(), 192 << 10);
    stage.end().await;
}

#[tokio::test]
async fn a_program_that_prints_too_much_is_ended_after_what_it_may_print() {
    let stage = Stage::with(|config| config.output_mb = 1).await;
    let mut client = stage.guest().await;
    client.run(bash("while :; do printf '%01000d' 7; done")).await;
    let exit = client.until_ended_by(Reason::Output).await;
    assert_eq!(exit.message.as_deref(), Some("It printed more than 1 MiB."));
    assert_eq!(client.output.len(), 1 << 20);
    stage.end().await;
}

#[tokio::test]
async fn a_program_that_eats_all_memory_is_told_so() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(run("python", "main.py", "held = []\nwhile True:\n held.append(bytearray(1 << 24))\n")).await;
    let exit = client.until_exit().await;
    // Either the kernel ends it, or its own allocator says no.
    assert!(exit.reason == Reason::Memory || client.shows("MemoryError"), "{exit:?}");
    stage.end().await;
}

#[tokio::test]
async fn who_says_goodbye_is_not_waited_for() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(bash(FOREVER)).await;
    client.until_shown("ready").await;
    client.close(1000).await;
    assert_eq!(client.until_closed().await, Some(1000));
    stage.is_empty().await;
    stage.end().await;
}

#[tokio::test]
async fn who_hangs_up_while_it_waits_or_compiles_leaves_nothing_behind() {
    let stage = Stage::with(|config| {
        config.sessions = 1;
        config.grace_seconds = 0;
    })
    .await;
    let mut first = stage.guest().await;
    first.run(bash(FOREVER)).await;
    first.until_shown("ready").await;
    let mut second = stage.guest().await;
    second.run(run("c", "main.c", "int main(void) { return 0; }\n")).await;
    stage.until("the second one waits", || stage.services.admission.counts() == (1, 1)).await;
    drop(second);
    stage.until("nobody waits", || stage.services.admission.counts() == (1, 0)).await;
    drop(first);
    stage.is_empty().await;
    let mut third = stage.guest().await;
    third.run(run("c", "main.c", "#include <stdio.h>\nint main(void) { for (;;) getchar(); }\n")).await;
    stage.until("it is under way", || stage.services.sandbox.live() > 0).await;
    drop(third);
    stage.is_empty().await;
    stage.end().await;
}

#[tokio::test]
async fn when_the_grace_is_over_the_container_is_gone() {
    let stage = Stage::with(|config| config.grace_seconds = 1).await;
    let account = UserId::new();
    let mut client = stage.connect(account).await;
    client.run(bash(FOREVER)).await;
    client.until_shown("ready").await;
    let session = client.session();
    drop(client);
    stage.is_empty().await;
    let mut late = stage.connect(account).await;
    late.resume(&session, 0, false).await;
    late.until_error("no_session").await;
    assert_eq!(late.until_closed().await, Some(4004));
    stage.end().await;
}

#[tokio::test]
async fn a_run_without_a_socket_makes_room_for_the_next_of_its_account() {
    let stage = Stage::new().await;
    let account = UserId::new();
    let mut client = stage.connect(account).await;
    client.run(bash(FOREVER)).await;
    client.until_shown("ready").await;
    let mut second = stage.connect(account).await;
    second.run(bash("echo no")).await;
    second.until_error("too_many_sessions").await;
    assert_eq!(second.until_closed().await, Some(4029));
    client.try_send(Message::text(json!({"type": "resize", "cols": 1, "rows": 1}).to_string())).await;
    drop(client);
    // It is noticed at once, but not at the same moment.
    let began = std::time::Instant::now();
    loop {
        let mut third = stage.connect(account).await;
        third.run(bash("echo yes")).await;
        third.until("an answer", |c| c.exit().is_some() || c.errors().next().is_some()).await;
        if third.exit().is_some_and(|exit| exit.reason == Reason::Exited) {
            break;
        }
        assert!(began.elapsed() < crate::stage::DEADLINE, "{:?}", third.said);
    }
    stage.end().await;
}
