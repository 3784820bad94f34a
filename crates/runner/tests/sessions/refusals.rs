//! Who and what is not let in.

use iteratione_common::{ids::UserId, lab::SourceFile, sources, terminal::Reason};
use jiff::SignedDuration;
use serde_json::json;

use crate::{
    client::{Client, bash, run},
    stage::Stage,
};

#[tokio::test]
async fn only_a_fresh_genuine_ticket_opens_a_terminal_and_only_once() {
    let stage = Stage::new().await;
    let account = UserId::new();
    let used = stage.ticket(account);
    let mut client = Client::connect(stage.address(), &used).await;
    client.run(bash("echo in")).await;
    client.until_ended_by(Reason::Exited).await;
    let mut forged = stage.ticket(account);
    forged.replace_range(20..24, "AAAA");
    let expired = stage.ticket_until(account, SignedDuration::from_secs(-1));
    for ticket in [used, forged, expired, String::new(), "x".repeat(5000)] {
        let mut refused = Client::connect(stage.address(), &ticket).await;
        refused.until_error("unauthenticated").await;
        assert_eq!(refused.until_closed().await, Some(4001));
    }
    stage.end().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words_and_may_be_put_right() {
    let stage = Stage::new().await;
    let mut client = stage.guest().await;
    let mut refused = async |run, says: &str| {
        client.run(run).await;
        let message = client.until_error("invalid_run").await;
        assert!(message.contains(says), "{message}");
    };
    refused(run("cobol", "a.cob", "x"), "The language must be one of: bash, c, python.").await;
    let bad = SourceFile { name: "../x.sh".to_owned(), content: String::new() };
    let language = stage.services.sandbox.languages().get("bash").expect("bash");
    let as_the_api = sources::check(language, std::slice::from_ref(&bad)).expect_err("bad");
    refused(run("bash", &bad.name, ""), &as_the_api[0].detail).await;
    refused(run("bash", "main.sh", &"x".repeat(300 << 10)), "at most 256 KiB are allowed").await;
    let mut many = bash("");
    many["args"] = json!(vec!["x"; 1000]);
    refused(many, "too many arguments").await;
    client.run(bash("echo right")).await;
    client.until_ended_by(Reason::Exited).await;
    stage.end().await;
}

#[tokio::test]
async fn who_waits_is_told_its_place_and_let_in_when_one_is_free() {
    let stage = Stage::with(|config| config.sessions = 1).await;
    let mut first = stage.guest().await;
    first.run(bash("echo ready; read -r")).await;
    first.until_shown("ready").await;
    let mut second = stage.guest().await;
    second.run(bash("echo second")).await;
    second.until("it waits", |c| !c.phases().is_empty()).await;
    assert!(second.output.is_empty());
    first.type_in("\r").await;
    first.until_ended_by(Reason::Exited).await;
    second.until_ended_by(Reason::Exited).await;
    assert_eq!(second.output, b"second\r\n");
    stage.end().await;
}
