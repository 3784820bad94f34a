use iteratione_common::{
    ids::SubmissionId,
    store::{PgPool, job},
};
use serde_json::json;

use super::client::{Client, Seen};
use crate::{
    testing::TestUser,
    world::{World, assert_no_secret, plain_lab},
};

fn names(all: &[Seen]) -> Vec<&str> {
    all.iter().map(|seen| seen.event.as_str()).collect()
}

/// What a grader does with a submission that nothing goes wrong with.
async fn graded_live(world: &World, id: SubmissionId) {
    let claimed = world.claim(id).await;
    world.publish_running(id, claimed.attempt).await;
    world.publish_compile(id, claimed.attempt).await;
    for index in 0..4 {
        world.publish_test(id, claimed.attempt, index).await;
    }
    world.finish(id, claimed.attempt).await;
}

async fn submitted(world: &World) -> SubmissionId {
    let lab = world.published("sum", &plain_lab()).await;
    world.submit(&world.student, lab).await
}

async fn all_of(world: &World, user: &TestUser, id: SubmissionId, last: Option<&str>) -> Vec<Seen> {
    Client::open(world, user, id, last).await.rest().await
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_student_follows_from_the_queue_to_the_result_and_reads_no_secret(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let id = submitted(&world).await;
    let mut student = Client::open(&world, &world.student, id, None).await;
    let mut staff = Client::open(&world, &world.assistant, id, None).await;
    let snapshot = student.expect("snapshot").await;
    assert_eq!((&snapshot.data["status"], &snapshot.data["queue_position"]), (&json!("queued"), &json!(1)));
    assert_eq!(snapshot.data["id"], id.to_string());

    graded_live(&world, id).await;
    let all = student.rest().await;
    assert_eq!(names(&all), ["status", "compile", "test", "test", "test", "test", "done"]);
    assert_eq!((&all[0].data["status"], &all[0].data["grading_attempt"]), (&json!("running"), &json!(1)));
    assert_eq!((&all[2].data["index"], &all[2].data["of"]), (&json!(0), &json!(4)));
    assert_eq!(all[2].data["test"]["stdout"], "open stdout");
    assert_eq!(all[4].data["test"]["stdout"], json!(null));
    assert_eq!(all[4].data["test"]["message"], "Think of negative numbers.");
    for seen in &all {
        assert!(!seen.id.is_empty(), "{seen:?}");
        assert_no_secret(&seen.data.to_string());
    }
    let done = &all[6].data;
    assert_eq!((&done["status"], &done["verdict"], &done["score"]), (&json!("done"), &json!("WA"), &json!(20.0)));
    let result = world.app.get(&world.student, &format!("/submissions/{id}")).await.expect(200);
    assert_eq!(done, &result);

    let seen = staff.rest().await;
    assert_eq!(seen[5].data["test"]["stdout"], "SECRET stdout");
    assert_eq!(seen[2].data["compile"]["diagnostics"][1]["message"], "SECRET line of the hidden file");
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_comes_late_gets_what_happened_and_what_happens(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let id = submitted(&world).await;
    let claimed = world.claim(id).await;
    world.publish_running(id, claimed.attempt).await;
    world.publish_compile(id, claimed.attempt).await;
    world.publish_test(id, claimed.attempt, 0).await;
    let mut client = Client::open(&world, &world.student, id, None).await;
    assert_eq!(client.expect("snapshot").await.data["status"], "running");
    client.expect("status").await;
    client.expect("compile").await;
    assert_eq!(client.expect("test").await.data["index"], 0);
    world.publish_test(id, claimed.attempt, 1).await;
    assert_eq!(client.expect("test").await.data["index"], 1);
    world.finish(id, claimed.attempt).await;
    client.expect("done").await;
    assert_eq!(client.next().await, None);

    // Many times: whether the history or the end is read first must not matter.
    for _ in 0..100 {
        let after = all_of(&world, &world.student, id, None).await;
        assert_eq!(names(&after), ["snapshot", "done"]);
        assert_eq!(after[0].data, after[1].data);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_client_that_comes_back_goes_on_where_it_broke_off(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let id = submitted(&world).await;
    let mut client = Client::open(&world, &world.student, id, None).await;
    let mut all = vec![client.expect("snapshot").await];
    graded_live(&world, id).await;
    all.extend(client.rest().await);
    assert_eq!(all.len(), 8);
    for (n, seen) in all.iter().enumerate() {
        let client = Client::open(&world, &world.student, id, Some(&seen.id)).await;
        if n == 7 {
            // The end was seen: an `EventSource` must not come back for ever.
            assert_eq!(client.status, 204);
            continue;
        }
        let rest = { client }.rest().await;
        assert_eq!(rest, all[n + 1..], "after {n}");
    }
    // In the query, for clients that cannot set the header.
    let path = format!("/submissions/{id}/events?last_event_id={}", all[7].id);
    assert_eq!(world.app.get(&world.student, &path).await.status, 204);
    // What is no id of ours counts as none.
    assert_eq!(names(&all_of(&world, &world.student, id, Some("tomorrow")).await), ["snapshot", "done"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn in_the_middle_of_grading_a_client_comes_back_without_loss_or_repetition(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let id = submitted(&world).await;
    let claimed = world.claim(id).await;
    let mut indices = Vec::new();
    let mut last = None;
    for index in 0..4 {
        // Half of them come while nobody listens.
        let mut client = Client::open(&world, &world.student, id, last.as_deref()).await;
        if last.is_none() {
            client.expect("snapshot").await;
        }
        world.publish_test(id, claimed.attempt, index).await;
        if index % 2 == 1 {
            for _ in 0..2 {
                let seen = client.expect("test").await;
                indices.push(seen.data["index"].as_u64().expect("index"));
                last = Some(seen.id);
            }
        } else if last.is_none() {
            last = Some("0-0".to_owned());
        }
    }
    world.finish(id, claimed.attempt).await;
    assert_eq!(names(&all_of(&world, &world.student, id, last.as_deref()).await), ["done"]);
    assert_eq!(indices, [0, 1, 2, 3]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_an_earlier_attempt_found_is_void(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let id = submitted(&world).await;
    let mut early = Client::open(&world, &world.student, id, None).await;
    early.expect("snapshot").await;
    let first = world.claim(id).await;
    world.publish_running(id, first.attempt).await;
    world.publish_test(id, first.attempt, 3).await;
    early.expect("status").await;
    assert_eq!(early.expect("test").await.data["grading_attempt"], 1);

    // The grader dies; another one takes over.
    job::retry(world.pg(), id, first.attempt, 3, std::time::Duration::ZERO, "lost").await.expect("retries");
    let second = world.claim(id).await;
    assert_eq!(second.attempt, 2);
    world.publish_running(id, second.attempt).await;
    world.publish_test(id, second.attempt, 0).await;
    let mut late = Client::open(&world, &world.student, id, None).await;
    // The first was only paused, and goes on talking.
    world.publish_test(id, first.attempt, 2).await;
    world.finish(id, second.attempt).await;

    let snapshot = late.expect("snapshot").await;
    assert_eq!((&snapshot.data["status"], &snapshot.data["grading_attempt"]), (&json!("running"), &json!(2)));
    let late = late.rest().await;
    assert_eq!(names(&late), ["status", "test", "done"]);
    assert_eq!(late[1].data["index"], 0);
    let early: Vec<_> = early.rest().await.into_iter().filter(|s| s.data["status"] != "queued").collect();
    assert_eq!(names(&early), ["status", "test", "done"]);
    assert_eq!((&early[0].data["grading_attempt"], &early[1].data["index"]), (&json!(2), &json!(0)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_place_in_the_queue_is_pushed_when_it_changes(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let first = world.submit(&world.student, lab).await;
    let second = world.submit(&world.other, lab).await;
    let mut client = Client::open(&world, &world.other, second, None).await;
    assert_eq!(client.expect("snapshot").await.data["queue_position"], 2);
    world.claim(first).await;
    let moved = client.expect("status").await;
    assert_eq!((&moved.data["status"], &moved.data["queue_position"]), (&json!("queued"), &json!(1)));
}
