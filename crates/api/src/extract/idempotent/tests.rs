use axum::{
    body::Body,
    http::{Method, Request, header},
};
use iteratione_common::store::{AccountRole, PgPool, idempotency};
use serde_json::{Value, json};

use crate::testing::{TestApp, TestUser, request};

fn post(user: &TestUser, key: &str, path: &str, body: &Value) -> Request<Body> {
    request(Method::POST, path)
        .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()))
        .expect("request")
}

async fn courses(pg: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from course").fetch_one(pg).await.expect("count")
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_same_request_again_gets_the_first_answer_and_does_nothing(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let ada = app.account("ada", AccountRole::Instructor).await;
    let body = json!({"slug": "a", "title": "A"});
    let first = app.send(post(&ada, "k", "/courses", &body)).await;
    let again = app.send(post(&ada, "k", "/courses", &body)).await;
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!((first.header("location"), again.header("location")), ("/api/v1/courses/a", "/api/v1/courses/a"));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(courses(&pg).await, 1);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_key_stands_for_one_request_of_one_account(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Instructor).await;
    let bob = app.account("bob", AccountRole::Instructor).await;
    let body = json!({"slug": "a", "title": "A"});
    app.send(post(&ada, "k", "/courses", &body)).await.expect(201);
    for (path, body) in [("/courses", json!({"slug": "b", "title": "A"})), ("/courses/a/members", body.clone())] {
        // The second is no valid member, which is found out before the key is looked at.
        let answer = app.send(post(&ada, "k", path, &body)).await;
        assert_eq!(answer.status, 422);
    }
    app.send(post(&ada, "k", "/courses", &json!({"slug": "b", "title": "A"})))
        .await
        .problem(422, "idempotency_key_reused");
    app.send(post(&bob, "k", "/courses", &json!({"slug": "b", "title": "A"}))).await.expect(201);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_failure_is_not_kept(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Instructor).await;
    app.send(post(&ada, "k", "/courses", &json!({"slug": "", "title": "A"}))).await.problem(422, "invalid");
    app.send(post(&ada, "k", "/courses", &json!({"slug": "a", "title": "A"}))).await.expect(201);
    app.send(post(&ada, "k2", "/courses", &json!({"slug": "a", "title": "B"}))).await.problem(409, "slug_taken");
    app.send(post(&ada, "k2", "/courses", &json!({"slug": "c", "title": "B"}))).await.expect(201);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn twins_at_once_do_the_work_once_and_both_get_the_answer(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let ada = app.account("ada", AccountRole::Instructor).await;
    let body = json!({"slug": "a", "title": "A"});
    let (one, two, three) = tokio::join!(
        app.send(post(&ada, "k", "/courses", &body)),
        app.send(post(&ada, "k", "/courses", &body)),
        app.send(post(&ada, "k", "/courses", &body)),
    );
    assert_eq!(one.expect(201), two.expect(201));
    assert_eq!(one.expect(201), three.expect(201));
    let replayed = [&one, &two, &three].iter().filter(|a| a.header("idempotent-replayed") == "true").count();
    assert_eq!((replayed, courses(&pg).await), (2, 1));
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_twin_does_not_wait_for_ever(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let ada = app.account("ada", AccountRole::Instructor).await;
    let mut tx = pg.begin().await.expect("begin");
    idempotency::claim(&mut tx, ada.id, "k", &[0; 32], 0).await.expect("claim");
    let answer = app.send(post(&ada, "k", "/courses", &json!({"slug": "a", "title": "A"}))).await;
    answer.problem(409, "idempotency_key_in_use");
    tx.rollback().await.expect("rollback");
    app.send(post(&ada, "k", "/courses", &json!({"slug": "a", "title": "A"}))).await.expect(201);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_key_must_be_short_and_printable_and_is_forgotten_after_a_day(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let ada = app.account("ada", AccountRole::Instructor).await;
    let body = json!({"slug": "a", "title": "A"});
    for key in ["", &"k".repeat(201), "\u{e9}", "a\tb"] {
        app.send(post(&ada, key, "/courses", &body)).await.problem(400, "bad_request");
    }
    app.send(post(&ada, &"k".repeat(200), "/courses", &body)).await.expect(201);
    assert_eq!(idempotency::sweep(&pg).await.expect("sweep"), 0);
    sqlx::query("update idempotency_key set created_at = now() - interval '25 hours'").execute(&pg).await.expect("age");
    assert_eq!(idempotency::sweep(&pg).await.expect("sweep"), 1);
}
