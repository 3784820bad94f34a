use axum::http::Method;
use iteratione_common::store::{PgPool, job};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    testing::{Answer, TestUser},
    world::{World, hand_in, plain_lab},
};

/// Hours from now.
#[expect(clippy::disallowed_methods, reason = "as the service's own clock")]
fn hours(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

/// A lab whose deadline was two hours ago; half the points for another hour.
fn over() -> Value {
    let mut lab = plain_lab();
    lab["due_at"] = json!(hours(-2));
    lab["late"] = json!([{"until": hours(-1), "factor": 0.5}]);
    lab["attempts"] = json!({"max": 1, "per_hour": 2});
    lab
}

async fn submit(world: &World, user: &TestUser, lab: impl std::fmt::Display) -> Answer {
    world.app.post(user, &format!("/labs/{lab}/submissions"), &hand_in()).await
}

async fn grant(world: &World, lab: impl std::fmt::Display, what: Value) -> Answer {
    let path = format!("/labs/{lab}/extensions/{}", world.student.id);
    world.app.call(&world.assistant, Method::PUT, &path, Some(&what)).await
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_extension_moves_one_students_deadline_and_late_rules_and_nobody_elses(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &over()).await;
    submit(&world, &world.student, lab).await.problem(409, "deadline_passed");

    // Their deadline was half an hour ago, so the late rule holds for another half.
    let due = hours(0) - SignedDuration::from_mins(30);
    let view = grant(&world, lab, json!({"due_at": due, "note": "ill"})).await.expect(201);
    assert_eq!((&view["user"], &view["note"]), (&json!(world.student.id), &json!("ill")));
    let late = submit(&world, &world.student, lab).await.expect(202);
    let stored = world.app.get(&world.assistant, &format!("/submissions/{}", late["id"].as_str().expect("id"))).await;
    assert_eq!(stored.expect(200)["late_factor"], 0.5);
    submit(&world, &world.other, lab).await.problem(409, "deadline_passed");

    let theirs = world.app.get(&world.student, &format!("/labs/{lab}")).await.expect(200);
    let others = world.app.get(&world.other, &format!("/labs/{lab}")).await.expect(200);
    let time = |value: &Value| value.as_str().expect("text").parse::<Timestamp>().expect("time");
    assert!(time(&theirs["due_at"]).duration_since(due).abs() < SignedDuration::from_secs(1), "{theirs}");
    assert!(time(&others["due_at"]) < hours(-1), "{others}");

    grant(&world, lab, json!({"due_at": hours(3), "extra_attempts": 1})).await.expect(200);
    let in_time = submit(&world, &world.student, lab).await.expect(202);
    let stored =
        world.app.get(&world.assistant, &format!("/submissions/{}", in_time["id"].as_str().expect("id"))).await;
    assert_eq!(stored.expect(200)["late_factor"], 1.0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn extra_attempts_are_on_top_and_an_hour_is_a_bucket_all_the_same(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = over();
    document["due_at"] = json!(hours(5));
    document["late"] = json!([]);
    let lab = world.published("sum", &document).await;
    submit(&world, &world.student, lab).await.expect(202);
    submit(&world, &world.student, lab).await.problem(409, "attempts_exhausted");
    grant(&world, lab, json!({"extra_attempts": 2})).await.expect(201);
    submit(&world, &world.student, lab).await.expect(202);
    let refused = submit(&world, &world.student, lab).await;
    refused.problem(429, "too_many_submissions");
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1700..=1800).contains(&wait), "two an hour is one in half an hour: {wait}");
    let own = world.app.get(&world.student, &format!("/labs/{lab}")).await.expect(200)["own"].clone();
    assert_eq!((&own["used"], &own["left"], &own["left_now"]), (&json!(2), &json!(1), &json!(0)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_grader_is_told_the_deadline_that_holds_for_the_student(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = plain_lab();
    document["due_at"] = json!(hours(1));
    let lab = world.published("sum", &document).await;
    let theirs = hours(7);
    grant(&world, lab, json!({"due_at": theirs})).await.expect(201);
    let first = world.submit(&world.student, lab).await;
    let second = world.submit(&world.other, lab).await;
    let due = |claimed: job::Claimed| claimed.due_at.expect("a deadline");
    let close = |one: Timestamp, other: Timestamp| one.duration_since(other).abs() < SignedDuration::from_mins(1);
    assert!(close(due(world.claim(first).await), theirs));
    assert!(close(due(world.claim(second).await), hours(1)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn extensions_are_listed_read_and_taken_back(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &over()).await;
    let list = format!("/labs/{lab}/extensions");
    let one = format!("{list}/{}", world.student.id);
    assert_eq!(world.app.get(&world.assistant, &list).await.expect(200)["items"], json!([]));
    world.app.get(&world.assistant, &one).await.problem(404, "not_found");
    let made = grant(&world, lab, json!({"due_at": hours(3)})).await;
    assert_eq!(made.header("location"), format!("/api/v1{one}"));
    let items = world.app.get(&world.assistant, &list).await.expect(200)["items"].clone();
    assert_eq!(
        (&items[0]["email"], &items[0]["granted_by"]),
        (&json!("student@test.test"), &json!(world.assistant.id))
    );
    assert_eq!(world.app.get(&world.assistant, &one).await.expect(200), items[0]);
    world.app.call(&world.assistant, Method::DELETE, &one, None).await.expect(204);
    world.app.get(&world.assistant, &one).await.problem(404, "not_found");
    submit(&world, &world.student, lab).await.problem(409, "deadline_passed");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_makes_no_sense_is_named_all_at_once(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &over()).await;
    grant(&world, lab, json!({})).await.problem(422, "invalid");
    let bad = json!({"available_from": "-000009-01-01T00:00:00Z", "due_at": "1999-01-01T00:00:00Z",
                     "extra_attempts": 1_000_000, "note": "x".repeat(1001)});
    let problem = grant(&world, lab, bad).await.problem(422, "invalid");
    let pointers: Vec<_> = problem["errors"].as_array().expect("list").iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/available_from", "/due_at", "/extra_attempts", "/note"]);
    let backwards = json!({"available_from": hours(2), "due_at": hours(1)});
    assert_eq!(grant(&world, lab, backwards).await.problem(422, "invalid")["errors"][0]["pointer"], "/due_at");
    for who in [world.outsider.id.to_string(), "nobody".to_owned()] {
        let path = format!("/labs/{lab}/extensions/{who}");
        let body = json!({"extra_attempts": 1});
        world.app.call(&world.assistant, Method::PUT, &path, Some(&body)).await.problem(404, "not_found");
    }
}
