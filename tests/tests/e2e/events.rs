//! Following a submission live.

use std::time::Duration;

use iteratione_demo::sse::Message;
use serde_json::{Value, json};
use testkit::{
    Client, Events,
    classroom::{running, submit},
    labs,
    programs::Program,
    stack::{Setup, with_stack},
};

const TESTS: usize = 4;

/// Each test takes half a second, so that there is something to follow.
fn slow() -> Program {
    Program::of("python", "main.py", "import time\ntime.sleep(0.5)\nprint(int(input()) + 1)\n")
}

fn document() -> Value {
    let tests: Vec<Value> =
        (0..TESTS).map(|n| labs::test(&format!("t{n}"), &format!("{n}\n"), &format!("{}\n", n + 1))).collect();
    labs::lab(&["python"], &json!([labs::group("all", &tests)]))
}

/// Everything up to and including `done`.
async fn to_the_end(events: &mut Events) -> Vec<Message> {
    let mut all = Vec::new();
    while let Some(message) = events.next().await.expect("an event") {
        all.push(message);
    }
    assert_eq!(all.last().map(|m| m.event.as_str()), Some("done"), "{all:?}");
    all
}

/// Up to and including the n-th event of a name.
async fn up_to(events: &mut Events, name: &str, n: usize) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    while all.iter().filter(|m| m.event == name).count() < n {
        all.push(events.next().await.expect("an event").expect("the stream goes on"));
    }
    all
}

async fn follow(client: &Client, submission: &str, last: Option<&str>) -> Events {
    client.follow(submission, last).await.expect("an answer").expect("there is something to follow")
}

fn names(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|m| m.event.as_str()).collect()
}

/// Indices of the tests, in the order in which they were told.
fn indices(messages: &[Message]) -> Vec<u64> {
    let tests = messages.iter().filter(|m| m.event == "test");
    tests.map(|m| m.json().expect("JSON")["index"].as_u64().expect("an index")).collect()
}

#[test]
fn events_come_in_order_and_a_client_that_comes_back_gets_exactly_what_it_missed() {
    with_stack(Setup::default(), Duration::from_secs(120), async |stack| {
        let class = stack.classroom("events", 1).await;
        let lab = class.publish("slow", &document()).await;
        let student = class.student();
        let id = submit(student, &lab, &slow()).await;

        let mut whole = follow(student, &id, None).await;
        // A second follower leaves after the second test, and comes back.
        let mut first_part = follow(student, &id, None).await;
        let leaving = async {
            let before = up_to(&mut first_part, "test", 2).await;
            drop(first_part);
            let last = before.last().and_then(|m| m.id.clone()).expect("an id");
            let mut back = follow(student, &id, Some(&last)).await;
            (before, last, to_the_end(&mut back).await)
        };
        let (all, (before, last, after)) = tokio::join!(to_the_end(&mut whole), leaving);

        let told: Vec<&str> = names(&all).into_iter().filter(|name| *name != "status").collect();
        assert_eq!(told, ["snapshot", "compile", "test", "test", "test", "test", "done"], "{all:?}");
        assert_eq!(indices(&all), [0, 1, 2, 3]);
        assert!(all.iter().all(|m| m.id.is_some()), "every event has an id: {all:?}");
        assert_eq!(all[0].json().expect("JSON")["id"], json!(id));
        let running = all.iter().position(|m| m.event == "status" && m.data.contains("running"));
        let compile = all.iter().position(|m| m.event == "compile");
        assert!(running < compile, "{:?}", names(&all));

        // The end is the result itself, and the tests are what was told before.
        let result = student.get(&format!("/submissions/{id}")).await.expect("the result");
        let done = all.last().expect("done").json().expect("JSON");
        assert_eq!(done, result);
        assert_eq!((&result["verdict"], &result["score"]), (&json!("AC"), &json!(4.0)));
        let live: Vec<Value> =
            all.iter().filter(|m| m.event == "test").map(|m| m.json().expect("JSON")["test"].clone()).collect();
        assert_eq!(json!(live), result["tests"]);

        assert!(!names(&after).contains(&"snapshot"), "a client that comes back knows it: {after:?}");
        let joined: Vec<Message> = before.iter().chain(&after).filter(|m| m.event == "test").cloned().collect();
        let straight: Vec<Message> = all.iter().filter(|m| m.event == "test").cloned().collect();
        assert_eq!(joined, straight, "nothing missed, nothing twice");

        // Long after the end, from the same place.
        let mut late = follow(student, &id, Some(&last)).await;
        assert_eq!(to_the_end(&mut late).await, after);
        let end = after.last().and_then(|m| m.id.as_deref());
        assert!(student.follow(&id, end).await.expect("an answer").is_none(), "there is nothing after the end");
        let mut fresh = follow(student, &id, None).await;
        assert_eq!(names(&to_the_end(&mut fresh).await), ["snapshot", "done"]);
    });
}

#[test]
fn followers_survive_the_end_of_the_api_that_they_followed() {
    with_stack(Setup::default(), Duration::from_secs(120), async |stack| {
        let class = stack.classroom("restart", 1).await;
        let lab = class.publish("slow", &document()).await;
        let student = class.student();
        let id = submit(student, &lab, &slow()).await;
        let mut events = follow(student, &id, None).await;
        let before = up_to(&mut events, "test", 1).await;
        running(student, &id, 1).await;
        stack.api.kill().await;
        assert!(events.next().await.is_err(), "the connection is cut");
        stack.api.start().await;
        let last = before.last().and_then(|m| m.id.as_deref());
        let mut back = follow(student, &id, last).await;
        let after = to_the_end(&mut back).await;
        let told = [indices(&before), indices(&after)].concat();
        assert_eq!(told, [0, 1, 2, 3], "{before:?} {after:?}");

        // An API that is told to stop says goodbye instead of making its clients wait.
        let id = submit(student, &lab, &slow()).await;
        let mut events = follow(student, &id, None).await;
        up_to(&mut events, "test", 1).await;
        stack.api.terminate();
        let ending = async { while events.next().await.expect("no error").is_some() {} };
        tokio::time::timeout(Duration::from_secs(10), ending).await.expect("the stream ends");
        assert!(stack.api.ended(Duration::from_secs(30)).await.success());
        stack.api.start().await;
        assert_eq!(student.result(&id, Duration::from_secs(60)).await.expect("a result")["verdict"], "AC");
    });
}
