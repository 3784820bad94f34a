//! Sockets that break.

use iteratione_common::{ids::UserId, terminal::Reason};
use serde_json::json;

use crate::{
    client::{as_json, bash, with_acks},
    flow::{numbered, numbers},
    stage::Stage,
};

#[tokio::test]
async fn nothing_is_lost_and_nothing_comes_twice_however_often_the_socket_breaks() {
    const LINES: usize = 60_000;
    let stage = Stage::new().await;
    let account = UserId::new();
    let mut client = stage.connect(account).await;
    client.run(with_acks(bash(&numbers(LINES)))).await;
    client.until_running().await;
    let (session, mut output, mut breaks) = (client.session(), Vec::new(), 0_usize);
    loop {
        // At another place each time, often in the middle of a line.
        let goal = 7_919 * (1 + breaks % 5) + 13 * breaks;
        client.until("some more", |c| c.output.len() >= goal || c.exit().is_some()).await;
        // Sometimes the last acknowledgement is lost, or says less than there is.
        let shown = output.len() + client.output.len() / (1 + breaks % 3);
        client.ack(shown).await;
        output.append(&mut client.output);
        if client.exit().is_some() {
            break;
        }
        drop(client);
        breaks += 1;
        client = stage.connect(account).await;
        client.resume(&session, output.len(), true).await;
        client.until("it goes on", |c| c.resumed().is_some() || c.errors().next().is_some()).await;
        while client.resumed().is_none() {
            // The runner has not seen the end of the old socket yet.
            client.until_error("in_use").await;
            client = stage.connect(account).await;
            client.resume(&session, output.len(), true).await;
            client.until("it goes on", |c| c.resumed().is_some() || c.errors().next().is_some()).await;
        }
        assert_eq!(client.resumed(), Some((output.len() as u64, 0)));
    }
    assert!(breaks > 10, "{breaks}");
    assert!(output == numbered(LINES), "{} bytes after {breaks} breaks", output.len());
    stage.end().await;
}

#[tokio::test]
async fn a_run_that_ends_while_nobody_is_there_tells_its_end_to_who_comes_back() {
    let stage = Stage::new().await;
    let account = UserId::new();
    let mut client = stage.connect(account).await;
    client.run(bash("echo ready; read -r; echo grüße; exit 4")).await;
    client.until_shown("ready\r\n").await;
    let (session, seen) = (client.session(), client.output.len());
    client.type_in("\r").await;
    drop(client);
    stage.until("it is over", || stage.services.admission.counts() == (0, 0)).await;
    let mut client = stage.connect(account).await;
    client.send(json!({"type": "resume", "session": session, "seq": seen, "encoding": "json"})).await;
    let exit = client.until_ended_by(Reason::Exited).await;
    assert_eq!(exit.code, Some(4));
    assert_eq!(String::from_utf8_lossy(&client.output), "\r\ngrüße\r\n");
    // And may run again.
    client.run(as_json(bash("echo again"))).await;
    client.until_ended_by(Reason::Exited).await;
    stage.end().await;
}

#[tokio::test]
async fn a_second_socket_is_refused_while_the_first_one_lives() {
    let stage = Stage::new().await;
    let account = UserId::new();
    let mut first = stage.connect(account).await;
    first.run(bash("read -r; echo on")).await;
    first.until_running().await;
    let session = first.session();
    let mut second = stage.connect(account).await;
    second.resume(&session, 0, false).await;
    let refused = async {
        second.until_error("in_use").await;
        second.until_closed().await
    };
    // It answers the ping, because somebody reads it.
    let code = tokio::select! {
        code = refused => code,
        () = first.until("never", |_| false) => unreachable!("it reads for ever"),
    };
    assert_eq!(code, Some(4009));
    first.type_in("\r").await;
    first.until_ended_by(Reason::Exited).await;
    stage.end().await;
}

#[tokio::test]
async fn a_second_socket_takes_over_when_the_first_one_answers_no_more() {
    let stage = Stage::new().await;
    let account = UserId::new();
    let mut first = stage.connect(account).await;
    first.run(bash("echo ready; read -r; stty size; echo on")).await;
    first.until_shown("ready").await;
    let session = first.session();
    // It is open, but nobody is there to read, and so to answer.
    let mut second = stage.connect(account).await;
    second.send(json!({"type": "resume", "session": session, "seq": 0, "cols": 33, "rows": 44})).await;
    second.until("it goes on", |c| c.resumed().is_some()).await;
    second.type_in("\r").await;
    second.until_ended_by(Reason::Exited).await;
    assert_eq!(String::from_utf8_lossy(&second.output), "ready\r\n\r\n44 33\r\non\r\n");
    first.until_closed().await;
    assert!(first.exit().is_none());
    stage.end().await;
}

#[tokio::test]
async fn nobody_else_goes_on_with_a_run() {
    let stage = Stage::new().await;
    let mut owner = stage.guest().await;
    owner.run(bash("echo ready; read -r; echo mine")).await;
    owner.until_shown("ready").await;
    let session = owner.session();
    let mut answers = Vec::new();
    for named in [session.as_str(), "0123456789abcdef0123456789abcdef", ""] {
        let mut stranger = stage.guest().await;
        stranger.resume(named, 0, false).await;
        answers.push((stranger.until_error("no_session").await, stranger.until_closed().await));
        assert!(stranger.output.is_empty());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "what is another's looks like what is not there");
    assert_eq!(answers[0].1, Some(4004));
    owner.type_in("\r").await;
    owner.until_ended_by(Reason::Exited).await;
    stage.end().await;
}
