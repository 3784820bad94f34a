use iteratione_common::{
    events::EventBus,
    lifecycle::Lifecycle,
    store::{PgPool, job},
};
use serde_json::json;

use super::client::Client;
use crate::world::{World, grade, plain_lab};

#[sqlx::test(migrations = "../../migrations")]
async fn while_redis_is_away_the_end_comes_all_the_same(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let mut client = Client::open(&world, &world.student, id, None).await;
    assert_eq!(client.expect("snapshot").await.data["status"], "queued");
    let claimed = world.claim(id).await;
    let status = client.expect("status").await;
    assert_eq!((&status.data["status"], &status.data["grading_attempt"]), (&json!("running"), &json!(1)));
    world.finish(id, claimed.attempt).await;
    assert_eq!(client.expect("done").await.data["verdict"], "WA");
    assert_eq!(client.next().await, None);
    // To come back works too, and does not wait for Redis for long.
    let mut again = Client::open(&world, &world.student, id, Some("0-0")).await;
    again.expect("done").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lost_event_does_not_keep_the_client_waiting(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let claimed = world.claim(id).await;
    let mut client = Client::open(&world, &world.student, id, None).await;
    client.expect("snapshot").await;
    world.publish_test(id, claimed.attempt, 0).await;
    client.expect("test").await;
    // Recorded, but never announced.
    job::finish(world.pg(), id, claimed.attempt, &grade()).await.expect("finishes").expect("not fenced");
    assert_eq!(client.expect("done").await.data["tests"].as_array().map(Vec::len), Some(4));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_end_waits_for_what_was_published_before_it(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let claimed = world.claim(id).await;
    world.publish_test(id, claimed.attempt, 0).await;
    job::finish(world.pg(), id, claimed.attempt, &grade()).await.expect("finishes").expect("not fenced");
    // The row is done before the client comes back, and its event is not there yet.
    let mut client = Client::open(&world, &world.student, id, Some("0-0")).await;
    client.expect("test").await;
    client.expect("done").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_service_that_stops_sends_its_clients_away_with_a_pause(pg: PgPool) {
    let lifecycle = Lifecycle::new();
    let (soft, url) = (lifecycle.soft.clone(), crate::world::redis_url());
    let bus = EventBus::connect(&url, "test", &lifecycle).expect("URL");
    let world = World::adjusted(pg, &[("REDIS_URL", &url)], |state| {
        state.events = bus;
        state.lifecycle = lifecycle;
    })
    .await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let mut client = Client::open(&world, &world.student, id, None).await;
    client.expect("snapshot").await;
    soft.cancel();
    let farewell = client.next().await.expect("a word");
    assert!(farewell.retry.is_some_and(|ms| (500..3000).contains(&ms)), "{farewell:?}");
    assert_eq!(client.next().await, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_followers_of_one_submission_cost_no_connection_each(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let mut clients = Vec::new();
    for _ in 0..40 {
        let mut client = Client::open(&world, &world.student, id, None).await;
        client.expect("snapshot").await;
        clients.push(client);
    }
    // The pool of a test is small; were a follower to hold a connection, nothing else could be done.
    let claimed = world.claim(id).await;
    world.finish(id, claimed.attempt).await;
    for client in &mut clients {
        let last = client.rest().await;
        assert_eq!(last.last().map(|s| s.event.as_str()), Some("done"));
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_account_cannot_hold_open_streams_without_end(pg: PgPool) {
    let world = World::adjusted(pg, &[("ITERATIONE_API__LIMITS__FOLLOWERS_PER_ACCOUNT", "2")], |_| {}).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let first = Client::open(&world, &world.student, id, None).await;
    let second = Client::open(&world, &world.student, id, None).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
    let refused = world.app.get(&world.student, &format!("/submissions/{id}/events")).await;
    refused.problem(429, "too_many_followers");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(Client::open(&world, &world.assistant, id, None).await.status, 200);
    drop(first);
    assert_eq!(Client::open(&world, &world.student, id, None).await.status, 200);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_quiet_stream_says_that_it_lives(pg: PgPool) {
    let world = World::with_redis(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let mut client = Client::open(&world, &world.student, id, None).await;
    client.expect("snapshot").await;
    assert_eq!(client.chunk().await.as_deref(), Some(": alive\n\n"));
}
