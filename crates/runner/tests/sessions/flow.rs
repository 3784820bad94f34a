//! Floods, in both directions.

use iteratione_common::terminal::Reason;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{bash, run, with_acks},
    stage::Stage,
};

/// Prints lines that are numbered from 1.
pub fn numbers(lines: usize) -> String {
    format!("printf '%08d\\n' {{1..{lines}}}")
}

/// What a terminal shows of them.
pub fn numbered(lines: usize) -> Vec<u8> {
    (1..=lines).flat_map(|line| format!("{line:08}\r\n").into_bytes()).collect()
}

#[tokio::test]
async fn everything_comes_in_order_whoever_acknowledges() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(bash(&numbers(60_000))).await;
    client.until_ended_by(Reason::Exited).await;
    assert!(client.output == numbered(60_000), "{} bytes", client.output.len());

    client.run(with_acks(bash(&numbers(60_000)))).await;
    let mut acked = 0;
    while client.exit().is_none() {
        client.until("more", |c| c.output.len() >= acked + (32 << 10) || c.exit().is_some()).await;
        acked = client.output.len();
        client.ack(acked).await;
    }
    assert!(client.output == numbered(60_000), "{} bytes", client.output.len());
    stage.end().await;
}

#[tokio::test]
async fn without_acknowledgements_exactly_the_window_comes_and_the_program_waits() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(with_acks(bash(&numbers(60_000)))).await;
    client.until("the window is full", |c| c.output.len() >= 192 << 10).await;
    // It can say no more: what comes next is the answer to something else.
    client.send(run("bash", "main.sh", "echo no")).await;
    client.until_error("running").await;
    assert_eq!(client.output.len(), 192 << 10);
    client.send(json!({"type": "kill"})).await;
    client.ack(192 << 10).await;
    client.until_exit().await;
    assert!(numbered(60_000).starts_with(&client.output));
    stage.end().await;
}

#[tokio::test]
async fn an_interrupt_gets_through_a_flood_that_nobody_reads() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    let script = "import signal, sys\n\
                  def stop(*_):\n sys.stdout.write('\\ncaught\\n'); sys.stdout.flush(); sys.exit(7)\n\
                  signal.signal(signal.SIGINT, stop)\n\
                  print('ready', flush=True)\n\
                  while True:\n print('x' * 500)\n";
    client.run(run("python", "main.py", script)).await;
    client.until_shown("ready").await;
    // Nothing is read now, and the interrupt is on its way all the same.
    client.type_in("\u{3}").await;
    let exit = client.until_exit().await;
    // The handler may meet Python in the middle of a write, which it does not allow to begin another.
    assert!(exit.reason == Reason::Exited && exit.code != Some(0), "{exit:?}");
    stage.end().await;
}

#[tokio::test]
async fn input_that_nobody_reads_is_bounded_and_its_loss_is_told() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(bash("stty raw -echo; echo ready; until test -e /tmp/never; do sleep 1; done")).await;
    client.until_shown("ready").await;
    let piece = vec![b'x'; 32 << 10];
    for _ in 0..96 {
        client.send_raw(Message::binary(piece.clone())).await;
    }
    client.until("it is told", |c| c.notices("input_dropped") > 0).await;
    // The program is not harmed, and can be ended.
    client.send(json!({"type": "kill"})).await;
    client.until_ended_by(Reason::Killed).await;
    // Not for each piece. The system's own buffers may make room for some once more.
    assert!(client.notices("input_dropped") < 10, "{}", client.notices("input_dropped"));
    stage.end().await;
}
