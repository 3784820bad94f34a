use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{
    ids::SessionId,
    store::{AccountRole, PgPool, session},
    terminal::ticket::{TicketError, TicketKey},
};
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use crate::{
    auth::secret,
    clock::Clock,
    testing::{Answer, TestApp, TestUser, request},
    world::World,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const NOON: Timestamp = Timestamp::constant(1_800_000_000, 0);

async fn ask(app: &TestApp, user: &TestUser) -> Answer {
    app.post(user, "/run-tickets", &json!({})).await
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_ticket_is_what_the_runner_honours_for_half_a_minute(pg: PgPool) {
    let app = TestApp::adjusted(pg, &[("ITERATIONE_TICKET_KEY", KEY)], |state| {
        state.clock = Clock::from_fn(|| NOON);
    });
    let ada = app.account("ada", AccountRole::Student).await;
    let answer = ask(&app, &ada).await;
    let made = answer.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let text = made["ticket"].as_str().expect("ticket");
    assert_eq!(made["url"], format!("/ws/run?ticket={text}"));
    assert_eq!(made["expires_at"], (NOON + 30.seconds()).to_string());

    let runner = |key: &str| {
        TicketKey::from_setting(&key.into(), iteratione_common::config::Environment::Production).expect("key")
    };
    let ticket = runner(KEY).verify(text, NOON + 29.seconds()).expect("honoured");
    assert_eq!(ticket.account, ada.id);
    assert_eq!(runner(KEY).verify(text, NOON + 30.seconds()), Err(TicketError::Expired));
    let other = KEY.replace('0', "1");
    assert_eq!(runner(&other).verify(text, NOON), Err(TicketError::Forged));
    assert_ne!(ask(&app, &ada).await.expect(201)["ticket"], made["ticket"]);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn everybody_who_is_signed_in_gets_a_ticket_and_nobody_else(pg: PgPool) {
    let world = World::new(pg.clone()).await;
    let app = &world.app;
    for user in [&world.admin, &world.instructor, &world.assistant, &world.student, &world.other, &world.outsider] {
        ask(app, user).await.expect(201);
    }
    let anonymous = |method| {
        let request = request(method, "/run-tickets").header(header::CONTENT_TYPE, "application/json");
        request.body(Body::from("{}")).expect("request")
    };
    app.send(anonymous(Method::POST)).await.problem(401, "unauthenticated");
    app.send(anonymous(Method::GET)).await.problem(405, "method_not_allowed");
    let stranger = TestUser { token: "itr_nope".to_owned(), ..world.student.clone() };
    ask(app, &stranger).await.problem(401, "unauthenticated");
    // A token that may only read cannot start programs.
    sqlx::query("update api_token set scopes = '{read}' where account_id = $1")
        .bind(world.student.id.uuid())
        .execute(&pg)
        .await
        .expect("update");
    ask(app, &world.student).await.problem(403, "insufficient_scope");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_page_of_another_site_gets_no_ticket_for_a_browsers_cookie(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Student).await;
    let token = secret::session_token();
    session::insert(&app.state.pg, SessionId::new(), ada.id, &secret::hash(&token), 1).await.expect("session");
    let ask = async |name: &str, value: &str| {
        let request = request(Method::POST, "/run-tickets")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::COOKIE, format!("itr_session={token}"))
            .header(name, value);
        app.send(request.body(Body::from("{}")).expect("request")).await
    };
    ask("origin", "https://judge.test").await.expect(201);
    ask("sec-fetch-site", "same-origin").await.expect(201);
    ask("origin", "https://evil.test").await.problem(403, "cross_site_request");
    ask("sec-fetch-site", "cross-site").await.problem(403, "cross_site_request");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_asks_too_often_is_told_when_to_come_back_and_others_are_served(pg: PgPool) {
    let settings =
        [("ITERATIONE_API__LIMITS__RUN_TICKET_BURST", "3"), ("ITERATIONE_API__LIMITS__RUN_TICKETS_PER_HOUR", "1")];
    let app = TestApp::with(pg, &settings);
    let ada = app.account("ada", AccountRole::Student).await;
    let bob = app.account("bob", AccountRole::Student).await;
    // What is refused for another reason costs nothing.
    for body in [json!({"account": bob.id}), json!([])] {
        app.post(&ada, "/run-tickets", &body).await.problem(422, "invalid");
    }
    let (a, b, c, d) = tokio::join!(ask(&app, &ada), ask(&app, &ada), ask(&app, &ada), ask(&app, &ada));
    let answers = [a, b, c, d];
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3);
    let refused = answers.iter().find(|answer| answer.status != 201).expect("the fourth");
    refused.problem(429, "too_many_run_tickets");
    let seconds: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=3600).contains(&seconds), "{seconds}");
    ask(&app, &bob).await.expect(201);
}
