//! Clients that mean no good, or know no better.

use iteratione_common::{ids::UserId, terminal::Reason};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{bash, run, with_acks},
    stage::{Stage, within},
};

#[tokio::test]
async fn nonsense_ends_the_socket_and_not_the_program() {
    let stage = Stage::new().await;
    for junk in [
        Message::text("{"),
        Message::text("{\"type\":\"sudo\"}"),
        Message::text("x".repeat(100 << 10)),
        Message::binary(vec![0xff; 100 << 10]),
        Message::text(json!({"type": "ack", "seq": 1_000_000_000_u64}).to_string()),
    ] {
        let account = UserId::new();
        let mut client = stage.connect(account).await;
        client.run(with_acks(bash("echo ready; read -r; echo unharmed"))).await;
        client.until_shown("ready").await;
        let (session, seen) = (client.session(), client.output.len());
        client.send_raw(junk).await;
        client.until_error("bad_message").await;
        assert_eq!(client.until_closed().await, Some(4002));
        let mut client = stage.connect(account).await;
        client.resume(&session, seen, true).await;
        client.until("it goes on", |c| c.resumed().is_some()).await;
        client.type_in("\r").await;
        client.until_ended_by(Reason::Exited).await;
        assert!(client.shows("unharmed"));
    }
    stage.end().await;
}

#[tokio::test]
async fn a_run_while_one_runs_is_refused_and_harms_nothing() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(bash("echo ready; read -r; echo first")).await;
    client.until_shown("ready").await;
    for _ in 0..3 {
        client.send(bash("echo second")).await;
    }
    client.until("all are refused", |c| c.errors().filter(|(code, _)| *code == "running").count() == 3).await;
    client.type_in("\r").await;
    client.until_ended_by(Reason::Exited).await;
    assert!(client.shows("first") && !client.shows("second"));
    stage.end().await;
}

#[tokio::test]
async fn a_frame_of_a_hundred_megabytes_is_refused_when_its_head_was_read() {
    let stage = Stage::new().await;
    let mut stream = within(TcpStream::connect(stage.address())).await.expect("connects");
    let head = format!(
        "GET /ws/run?ticket={} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        stage.ticket(UserId::new())
    );
    within(stream.write_all(head.as_bytes())).await.expect("written");
    // Binary, masked, 100 MiB; and none of them follow.
    let mut frame = vec![0x82, 0xff];
    frame.extend_from_slice(&(100_u64 << 20).to_be_bytes());
    frame.extend_from_slice(&[1, 2, 3, 4]);
    within(stream.write_all(&frame)).await.expect("written");
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.expect("closed");
    let close = [0x88, 0x0d, 0x0f, 0xa2];
    assert!(answer.windows(4).any(|window| window == close), "no close frame with 4002: {answer:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_flood_of_tiny_messages_does_not_keep_the_program_from_being_answer() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client
        .run(run(
            "python",
            "main.py",
            "import sys\nprint('ready', flush=True)\nn = 0\nwhile sys.stdin.read(1) != 'q':\n n += 1\nprint(n)\n",
        ))
        .await;
    client.until_shown("ready").await;
    for i in 0..5_000 {
        client.send(json!({"type": "resize", "cols": 80, "rows": 1 + i % 50})).await;
        client.send(json!({"type": "ack", "seq": 0})).await;
        client.send_raw(Message::Ping(Vec::new().into())).await;
    }
    client.type_in("abc\rq\r").await;
    client.until_ended_by(Reason::Exited).await;
    assert!(client.shows("4\r\n"));
    stage.end().await;
}

#[tokio::test]
async fn a_socket_that_wants_nothing_is_closed() {
    let stage = Stage::with(|config| config.socket_idle_seconds = 1).await;
    let mut client = stage.guest().await;
    // Keys without a program are nobody's.
    client.type_in("x").await;
    client.send(json!({"type": "kill"})).await;
    client.run(bash("echo once")).await;
    client.until_ended_by(Reason::Exited).await;
    client.send(json!({"type": "resize", "cols": 1, "rows": 1})).await;
    let mut waits = stage.guest().await;
    waits.until_error("idle").await;
    assert_eq!(waits.until_closed().await, Some(4008));
    stage.end().await;
}
