use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use iteratione_common::store::PgPool;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{
    testing::Answer as Told,
    world::{World, plain_lab},
};

/// A receiver on the loopback: what came, and what it answers next (204 when nothing is left to say).
#[derive(Clone, Default)]
struct Receiver {
    came: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
}

impl Receiver {
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let url = format!("http://{}/hook?key=SECRET", listener.local_addr().expect("address"));
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        // Ends with the test's runtime.
        #[expect(clippy::disallowed_methods, reason = "a test's own server")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn say(&self, answers: &[(u16, &'static str)]) {
        self.answers.lock().expect("lock").extend(answers);
    }

    fn came(&self) -> Vec<(HeaderMap, Bytes)> {
        self.came.lock().expect("lock").clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    receiver.came.lock().expect("lock").push((headers, body));
    let (status, text) = receiver.answers.lock().expect("lock").pop_front().unwrap_or((204, ""));
    let location = [(header::LOCATION, "http://127.0.0.1:9/")];
    (StatusCode::from_u16(status).expect("status"), location, text).into_response()
}

/// A world in which webhooks may lead to the loopback, a receiver there, and its webhook's path and secret.
async fn world(pg: PgPool) -> (World, Receiver, String, String) {
    let world = World::adjusted(pg, &[("ITERATIONE_API__WEBHOOKS__ALLOW_PRIVATE", "127.0.0.0/8")], |_| {}).await;
    let receiver = Receiver::default();
    let url = receiver.listen().await;
    let made = world.app.post(&world.instructor, "/courses/c/webhooks", &json!({"url": url})).await.expect(201);
    let path = format!("/courses/c/webhooks/{}", made["id"].as_str().expect("id"));
    (world, receiver, path, made["secret"].as_str().expect("secret").to_owned())
}

async fn deliveries(world: &World, path: &str) -> Vec<Value> {
    let page = world.app.get(&world.instructor, &format!("{path}/deliveries")).await.expect(200);
    page["items"].as_array().expect("items").clone()
}

async fn ping(world: &World, path: &str) -> Told {
    world.app.post(&world.instructor, &format!("{path}/ping"), &json!({})).await
}

/// Makes what waits due now, and sends it.
async fn send_now(world: &World) -> usize {
    sqlx::query("update webhook_delivery set next_attempt_at = now() where state = 'pending'")
        .execute(world.pg())
        .await
        .expect("hurries");
    send_due(&world.app.state).await.expect("sends")
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_grade_is_told_signed_and_without_code(pg: PgPool) {
    let (world, receiver, path, secret) = world(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    assert_eq!(send_due(&world.app.state).await.expect("looks"), 0, "nothing is told before there is a grade");
    world.graded(id).await;
    assert_eq!(send_due(&world.app.state).await.expect("sends"), 1);
    assert_eq!(send_due(&world.app.state).await.expect("looks"), 0, "once is enough");

    let came = receiver.came();
    let (headers, body) = &came[0];
    let text = |name: &str| headers[name].to_str().expect("ASCII").to_owned();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("prefix")).expect("base64");
    let at: i64 = text("webhook-timestamp").parse().expect("seconds");
    assert_eq!(text("webhook-signature"), signature(&key, &text("webhook-id"), at, body));
    assert_eq!(text("content-type"), "application/json");
    let message: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(message["type"], "submission.graded");
    let data = &message["data"];
    assert_eq!((&data["submission"], &data["lab"]), (&json!(id), &json!(lab)));
    assert_eq!(
        (&data["user"], &data["attempt"], &data["lab_slug"]),
        (&json!(world.student.id), &json!(1), &json!("sum"))
    );
    assert_eq!((&data["verdict"], &data["score"], &data["max_score"]), (&json!("WA"), &json!(20.0), &json!(100.0)));
    assert!(!String::from_utf8_lossy(body).contains("SECRET") && !String::from_utf8_lossy(body).contains("print"));
    assert!(body.len() < 1024, "small: {}", body.len());
    let seen = deliveries(&world, &path).await;
    assert_eq!(
        (&seen[0]["state"], &seen[0]["attempts"], &seen[0]["status"]),
        (&json!("delivered"), &json!(1), &json!(204))
    );
    assert_eq!(seen[0]["message"], text("webhook-id"));
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_does_not_take_it_is_asked_again_later_under_the_same_id_and_then_no_more(pg: PgPool) {
    let (world, receiver, path, _) = world(pg).await;
    receiver.say(&[(500, "broken"), (302, ""), (429, "")]);
    let made = ping(&world, &path).await.expect(202);
    assert_eq!((&made["state"], &made["attempts"]), (&json!("pending"), &json!(0)));
    for (attempt, error) in [(1, "answered 500"), (2, "redirects (302)"), (3, "answered 429")] {
        assert_eq!(send_now(&world).await, 1);
        assert_eq!(send_due(&world.app.state).await.expect("looks"), 0, "not at once");
        let seen = &deliveries(&world, &path).await[0];
        assert_eq!((&seen["state"], &seen["attempts"]), (&json!("pending"), &json!(attempt)));
        assert!(seen["error"].as_str().expect("error").contains(error), "{seen}");
    }
    assert_eq!(deliveries(&world, &path).await[0]["response"], Value::Null);
    assert!(world.app.get(&world.instructor, &path).await.expect(200)["failing_since"].is_string());
    assert_eq!(send_now(&world).await, 1);
    assert_eq!(deliveries(&world, &path).await[0]["state"], "delivered");
    assert_eq!(world.app.get(&world.instructor, &path).await.expect(200)["failing_since"], Value::Null);
    let ids: Vec<_> = receiver.came().iter().map(|(headers, _)| headers["webhook-id"].clone()).collect();
    assert!(ids.len() == 4 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");

    // One that never takes anything: eleven tries, then it is dead.
    receiver.say(&[(503, "no"); 11]);
    ping(&world, &path).await.expect(202);
    for _ in 0..11 {
        assert_eq!(send_now(&world).await, 1);
    }
    let dead = &deliveries(&world, &path).await[0];
    assert_eq!((&dead["state"], &dead["attempts"], &dead["response"]), (&json!("dead"), &json!(11), &json!("no")));
    assert_eq!(send_now(&world).await, 0);
    // Not for so long yet that the webhook is given up, too.
    assert_eq!(world.app.get(&world.instructor, &path).await.expect(200)["active"], true);
    // By hand it is sent once more, as a new delivery of the same message.
    let delivery = dead["id"].as_str().expect("id");
    let again = world.app.post(&world.instructor, &format!("{path}/deliveries/{delivery}/redeliver"), &json!({})).await;
    assert_eq!(again.expect(202)["message"], dead["message"]);
    assert_eq!(send_now(&world).await, 1);
    assert_eq!(deliveries(&world, &path).await[0]["state"], "delivered");
}

#[test]
fn the_waits_are_a_day_in_all() {
    let total: Duration = WAITS.iter().sum();
    assert!((Duration::from_hours(23)..=Duration::from_hours(24)).contains(&total), "{total:?}");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_webhook_that_has_failed_for_days_or_is_gone_is_switched_off(pg: PgPool) {
    let (world, receiver, path, _) = world(pg.clone()).await;
    receiver.say(&[(500, "")]);
    ping(&world, &path).await.expect(202);
    sqlx::query("update webhook set failing_since = now() - interval '4 days'").execute(&pg).await.expect("ages");
    sqlx::query("update webhook_delivery set attempt = 10").execute(&pg).await.expect("ages");
    assert_eq!(send_now(&world).await, 1);
    let off = world.app.get(&world.instructor, &path).await.expect(200);
    assert_eq!(
        (&off["active"], &off["disabled_reason"]),
        (&json!(false), &json!("No message could be delivered for too long."))
    );
    ping(&world, &path).await.problem(409, "webhook_inactive");
    // Nobody writes to it either.
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    world.graded(id).await;
    assert_eq!(deliveries(&world, &path).await.len(), 1);

    let on = json!({"active": true});
    let on = world.app.call(&world.instructor, Method::PATCH, &path, Some(&on)).await.expect(200);
    assert_eq!(
        (&on["active"], &on["disabled_reason"], &on["failing_since"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    receiver.say(&[(410, "")]);
    ping(&world, &path).await.expect(202);
    ping(&world, &path).await.expect(202);
    sqlx::query(
        "update webhook_delivery set next_attempt_at = now() + interval '1 hour' where delivery_id =
                 (select delivery_id from webhook_delivery order by delivery_id desc limit 1)",
    )
    .execute(&pg)
    .await
    .expect("later");
    assert_eq!(send_due(&world.app.state).await.expect("sends"), 1);
    let off = world.app.get(&world.instructor, &path).await.expect(200);
    assert_eq!((&off["active"], &off["disabled_reason"]), (&json!(false), &json!("The receiver answered 410 Gone.")));
    assert!(deliveries(&world, &path).await.iter().all(|d| d["state"] == "dead"));
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_private_address_is_refused_when_it_is_given_and_again_when_it_is_used(pg: PgPool) {
    let (world, receiver, path, _) = world(pg.clone()).await;
    let url = world.app.get(&world.instructor, &path).await.expect(200)["url"].as_str().expect("url").to_owned();
    ping(&world, &path).await.expect(202);
    // The same database, a service that allows nothing.
    let strict = crate::testing::TestApp::new(pg);
    for url in [
        url.as_str(),
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "ftp://x.test/",
    ] {
        let problem =
            strict.post(&world.instructor, "/courses/c/webhooks", &json!({"url": url})).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{problem}");
        let patch = json!({"url": url});
        strict.call(&world.instructor, Method::PATCH, &path, Some(&patch)).await.problem(422, "invalid");
    }
    assert_eq!(send_due(&strict.state).await.expect("tries"), 1);
    assert_eq!(receiver.came().len(), 0);
    let seen = &deliveries(&world, &path).await[0];
    assert!(seen["error"].as_str().expect("error").contains("not public"), "{seen}");
    assert_eq!(seen["state"], "pending");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn two_senders_never_have_the_same_message_and_a_late_one_notes_nothing(pg: PgPool) {
    let (world, _, path, _) = world(pg).await;
    for _ in 0..5 {
        ping(&world, &path).await.expect(202);
    }
    let (one, two) = tokio::join!(
        webhook::claim(world.pg(), OF_ONE, AT_ONCE, LEASE),
        webhook::claim(world.pg(), OF_ONE, AT_ONCE, LEASE)
    );
    let (one, two) = (one.expect("claims"), two.expect("claims"));
    assert!(one.len() <= 2 && two.len() <= 2, "a few of each webhook at once");
    assert!(one.iter().all(|a| two.iter().all(|b| a.delivery != b.delivery)));
    // The first sender is thought dead; the second has it now.
    let late = one.into_iter().chain(two).next().expect("a message");
    sqlx::query("update webhook_delivery set attempt = attempt + 1").execute(world.pg()).await.expect("taken");
    let mut tx = world.pg().begin().await.expect("begins");
    let settled = webhook::settle(&mut tx, &late, &Attempted::default(), PATIENCE).await.expect("settles");
    assert_eq!(settled, Settled::Late);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_service_sends_by_itself_until_it_stops(pg: PgPool) {
    let (world, receiver, path, _) = world(pg).await;
    spawn(&world.app.state);
    ping(&world, &path).await.expect(202);
    let came = async {
        while receiver.came().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), came).await.expect("it is sent");
    world.app.state.lifecycle.soft.cancel();
    assert!(world.app.state.lifecycle.finished(Duration::from_secs(60)).await, "the sender stops");
}
