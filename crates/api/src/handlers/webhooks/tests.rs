use axum::http::{Method, Request, header};
use iteratione_common::store::PgPool;
use serde_json::{Value, json};

use crate::{
    testing::request,
    world::{World, plain_lab},
};

const LOOPBACK: (&str, &str) = ("ITERATIONE_API__WEBHOOKS__ALLOW_PRIVATE", "127.0.0.0/8");
/// Nothing is sent in these tests; nobody listens there.
const URL: &str = "https://127.0.0.1:9/hook?key=SECRET";

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_webhook_shows_its_secret_once_and_the_log_never_its_key(pg: PgPool) {
    let world = World::adjusted(pg, &[LOOPBACK], |_| {}).await;
    let app = &world.app;
    let twice = async || {
        let request: Request<_> = request(Method::POST, "/courses/c/webhooks")
            .header(header::AUTHORIZATION, format!("Bearer {}", world.instructor.token))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "k")
            .body(json!({"url": URL}).to_string().into())
            .expect("request");
        app.send(request).await.expect(201)
    };
    let (made, again) = (twice().await, twice().await);
    assert!(made["secret"].as_str().expect("secret").starts_with("whsec_"));
    assert_eq!((&again["secret"], &again["id"]), (&Value::Null, &made["id"]));
    let path = format!("/courses/c/webhooks/{}", made["id"].as_str().expect("id"));
    let seen = app.get(&world.instructor, &path).await.expect(200);
    assert_eq!(
        (&seen["url"], &seen["events"], &seen["active"]),
        (&json!(URL), &json!(["submission.graded"]), &json!(true))
    );
    assert_eq!(seen.get("secret"), None);
    let change = json!({"active": false, "rotate_secret": true});
    let changed = app.call(&world.instructor, Method::PATCH, &path, Some(&change)).await.expect(200);
    assert_ne!(changed["secret"], made["secret"]);
    assert_eq!(app.get(&world.instructor, "/courses/c/webhooks").await.expect(200)["items"][0]["active"], false);
    assert_eq!(app.call(&world.instructor, Method::DELETE, &path, None).await.status, 204);
    app.get(&world.instructor, &path).await.problem(404, "not_found");
    let log = app.get(&world.instructor, "/courses/c/audit").await.expect(200).to_string();
    for action in ["webhook.create", "webhook.change", "webhook.delete", "https://127.0.0.1:9"] {
        assert!(log.contains(action), "{action}: {log}");
    }
    assert!(!log.contains("SECRET") && !log.contains("whsec_"), "{log}");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_webhook_is_of_its_course_alone_and_there_are_not_many(pg: PgPool) {
    let world = World::adjusted(pg, &[LOOPBACK], |_| {}).await;
    let app = &world.app;
    let made = app.post(&world.outsider, "/courses/elsewhere/webhooks", &json!({"url": URL})).await.expect(201);
    let id = made["id"].as_str().expect("id");
    for path in [format!("/courses/c/webhooks/{id}"), format!("/courses/c/webhooks/{id}/deliveries")] {
        app.get(&world.instructor, &path).await.problem(404, "not_found");
    }
    app.post(&world.instructor, &format!("/courses/c/webhooks/{id}/ping"), &json!({})).await.problem(404, "not_found");
    let path = format!("/courses/c/webhooks/{id}");
    app.call(&world.instructor, Method::DELETE, &path, None).await.problem(404, "not_found");
    // A grade in the one course is no message in the other.
    let lab = world.published("sum", &plain_lab()).await;
    let submission = world.submit(&world.student, lab).await;
    world.graded(submission).await;
    let there = app.get(&world.outsider, &format!("/courses/elsewhere/webhooks/{id}/deliveries")).await.expect(200);
    assert_eq!(there["items"], json!([]));
    for _ in 0..10 {
        app.post(&world.instructor, "/courses/c/webhooks", &json!({"url": URL})).await.expect(201);
    }
    app.post(&world.instructor, "/courses/c/webhooks", &json!({"url": URL})).await.problem(409, "too_many_webhooks");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn what_nobody_can_be_told_of_is_refused(pg: PgPool) {
    let world = World::adjusted(pg, &[LOOPBACK], |_| {}).await;
    for (body, pointer) in [
        (json!({"url": URL, "events": []}), "/events"),
        (json!({"url": URL, "events": ["ping"]}), "/events"),
        (json!({"url": URL, "events": ["grades"]}), "/events/0"),
        (json!({"url": "https://no-such-name.invalid/"}), "/url"),
        (json!({}), ""),
    ] {
        let problem = world.app.post(&world.instructor, "/courses/c/webhooks", &body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}
