//! The end of a runner.

use iteratione_common::terminal::Reason;

use crate::{client::bash, stage::Stage};

#[tokio::test]
async fn who_runs_may_go_on_for_a_while_and_all_others_are_sent_away() {
    let stage = Stage::with(|config| config.sessions = 2).await;
    let (mut ends, mut stays, mut waits, mut idle) =
        (stage.guest().await, stage.guest().await, stage.guest().await, stage.guest().await);
    for client in [&mut ends, &mut stays] {
        client.run(bash("echo ready; read -r; echo end; read -r")).await;
        client.until_shown("ready").await;
    }
    waits.run(bash("echo never")).await;
    waits.until("it waits", |c| !c.phases().is_empty()).await;
    stage.services.lifecycle.soft.cancel();
    for client in [&mut waits, &mut idle] {
        client.until_error("restarting").await;
        assert_eq!(client.until_closed().await, Some(1012));
    }
    for client in [&mut ends, &mut stays] {
        client.until("it knows", |c| c.notices("restarting") == 1).await;
    }
    ends.type_in("\r\r").await;
    ends.until_ended_by(Reason::Exited).await;
    assert!(ends.shows("end"));
    assert_eq!(ends.until_closed().await, Some(1012));

    stage.services.lifecycle.hard.cancel();
    stays.until_ended_by(Reason::Killed).await;
    assert_eq!(stays.until_closed().await, Some(1012));
    stage.is_empty().await;
    stage.end().await;
}

#[tokio::test]
async fn nobody_is_waited_for_who_cannot_come_back() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    client.run(bash("echo ready; read -r")).await;
    client.until_shown("ready").await;
    drop(client);
    stage.services.lifecycle.soft.cancel();
    stage.is_empty().await;
    stage.end().await;
}
