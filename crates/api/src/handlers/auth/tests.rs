use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::store::PgPool;
use serde_json::{Value, json};

use crate::testing::{Answer, TestApp, request};

const PASSWORD: &str = "correct horse";

async fn post(app: &TestApp, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(body.to_string())).expect("request")).await
}

async fn register(app: &TestApp, email: &str) -> Answer {
    post(app, "/auth/register", &json!({"email": email, "password": PASSWORD, "name": "Ada"}), &[]).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    post(app, "/auth/login", &json!({"email": email, "password": password}), &[]).await
}

async fn me(app: &TestApp, cookie: &str) -> Answer {
    app.send(request(Method::GET, "/me").header(header::COOKIE, cookie).body(Body::empty()).expect("request")).await
}

/// `itr_session=…` as the browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().expect("cookie").to_owned()
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_registers_is_signed_in_and_can_sign_in_again_and_out(pg: PgPool) {
    let app = TestApp::new(pg);
    let answer = register(&app, " Ada@Example.EDU ").await;
    let account = answer.expect(201);
    assert_eq!((&account["email"], &account["role"]), (&json!("ada@example.edu"), &json!("student")));
    let set = answer.header("set-cookie");
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=1209600"), "{set}");
    let answer = me(&app, &cookie(&answer)).await;
    assert_eq!(answer.expect(200), account);
    assert!(answer.header("set-cookie").contains("Max-Age=1209600"), "the cookie is renewed");

    let answer = login(&app, "ADA@example.edu", PASSWORD).await;
    assert_eq!(answer.expect(200), account);
    let session = cookie(&answer);
    let out = post(&app, "/auth/logout", &json!({}), &[("cookie", &session)]).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").starts_with("itr_session=; ") && out.header("set-cookie").contains("Max-Age=0"));
    me(&app, &session).await.problem(401, "unauthenticated");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn outside_dev_the_cookie_needs_https(pg: PgPool) {
    let settings = [
        ("ITERATIONE_ENV", "production"),
        ("ITERATIONE_API__PUBLIC_URL", "https://judge.test"),
        ("DATABASE_URL", "postgres://u:not-known@h/d"),
    ];
    let app = TestApp::with(pg, &settings);
    let answer = register(&app, "ada@example.edu").await;
    answer.expect(201);
    assert!(answer.header("set-cookie").ends_with("; Secure"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn all_mistakes_of_a_registration_are_named_at_once(pg: PgPool) {
    let app = TestApp::new(pg);
    let body = json!({"email": "ada", "password": "short", "name": " "});
    let problem = post(&app, "/auth/register", &body, &[]).await.problem(422, "invalid");
    insta::assert_json_snapshot!(problem["errors"], @r#"
    [
      {
        "detail": "is not an e-mail address",
        "pointer": "/email"
      },
      {
        "detail": "must have 1 to 100 characters, not 0",
        "pointer": "/name"
      },
      {
        "detail": "must have 10 to 200 characters",
        "pointer": "/password"
      }
    ]
    "#);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn an_address_has_one_account_however_it_is_written(pg: PgPool) {
    let app = TestApp::new(pg);
    register(&app, "ada@example.edu").await.expect(201);
    let problem = register(&app, "ADA@EXAMPLE.edu").await.problem(409, "email_taken");
    assert_eq!(problem["errors"][0]["pointer"], "/email");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_registration_sent_twice_with_one_key_gives_one_account_and_two_sessions(pg: PgPool) {
    let app = TestApp::new(pg);
    let body = json!({"email": "ada@example.edu", "password": PASSWORD, "name": "Ada"});
    let key = [("idempotency-key", "k1")];
    let (one, two) =
        tokio::join!(post(&app, "/auth/register", &body, &key), post(&app, "/auth/register", &body, &key),);
    assert_eq!(one.expect(201), two.expect(201));
    assert_ne!(cookie(&one), cookie(&two));
    me(&app, &cookie(&two)).await.expect(200);
    assert_eq!([&one, &two].iter().filter(|a| a.header("idempotent-replayed") == "true").count(), 1);
    // The key without the password is worth nothing, and the password's fast hash is nowhere.
    let guess = json!({"email": "ada@example.edu", "password": "wrong horse!", "name": "Ada"});
    post(&app, "/auth/register", &guess, &key).await.problem(409, "email_taken");
    post(&app, "/auth/register", &body, &[("idempotency-key", "k2")]).await.problem(409, "email_taken");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn an_unknown_address_and_a_wrong_password_look_the_same(pg: PgPool) {
    let app = TestApp::new(pg);
    register(&app, "ada@example.edu").await.expect(201);
    let mut wrong = login(&app, "ada@example.edu", "wrong horse!").await.problem(401, "invalid_credentials");
    let mut unknown = login(&app, "bob@example.edu", PASSWORD).await.problem(401, "invalid_credentials");
    let mut no_address = login(&app, "bob", PASSWORD).await.problem(401, "invalid_credentials");
    for problem in [&mut wrong, &mut unknown, &mut no_address] {
        problem["request_id"] = Value::Null;
    }
    assert_eq!(wrong, unknown);
    assert_eq!(wrong, no_address);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn guessing_ends_with_429_but_does_not_lock_out_the_class_behind_the_same_address(pg: PgPool) {
    let settings = [("ITERATIONE_API__LIMITS__LOGIN_BURST", "3"), ("ITERATIONE_API__TRUSTED_PROXIES", "1")];
    let app = TestApp::with(pg, &settings);
    register(&app, "ada@example.edu").await.expect(201);
    register(&app, "bob@example.edu").await.expect(201);
    for _ in 0..3 {
        login(&app, "ada@example.edu", "wrong horse!").await.problem(401, "invalid_credentials");
    }
    let answer = login(&app, "ada@example.edu", PASSWORD).await;
    answer.problem(429, "too_many_logins");
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    for _ in 0..10 {
        login(&app, "bob@example.edu", PASSWORD).await.expect(200);
    }
    // Ada at home is not kept out by somebody who guesses elsewhere.
    let body = json!({"email": "ada@example.edu", "password": PASSWORD});
    post(&app, "/auth/login", &body, &[("x-forwarded-for", "192.0.2.7")]).await.expect(200);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn registration_can_be_closed_or_kept_to_domains(pg: PgPool) {
    let closed = TestApp::with(pg.clone(), &[("ITERATIONE_API__REGISTRATION", "closed")]);
    register(&closed, "ada@example.edu").await.problem(403, "registration_closed");
    let domains =
        [("ITERATIONE_API__REGISTRATION", "domains"), ("ITERATIONE_API__REGISTRATION_DOMAINS", "example.edu, x.test")];
    let kept = TestApp::with(pg, &domains);
    let problem = register(&kept, "ada@example.edu.evil.test").await.problem(403, "registration_domain");
    assert_eq!(problem["errors"][0]["pointer"], "/email");
    register(&kept, "ada@EXAMPLE.edu").await.expect(201);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn another_sites_page_can_neither_use_the_cookie_nor_sign_somebody_in(pg: PgPool) {
    let app = TestApp::new(pg);
    let session = cookie(&register(&app, "ada@example.edu").await);
    let body = json!({"name": "t"});
    let with = |name, value| [("cookie", session.as_str()), (name, value)].to_vec();
    for headers in [
        with("origin", "https://evil.test"),
        with("origin", "null"),
        with("sec-fetch-site", "cross-site"),
        vec![("origin", "https://evil.test")],
    ] {
        post(&app, "/me/tokens", &body, &headers).await.problem(403, "cross_site_request");
    }
    let creds = json!({"email": "ada@example.edu", "password": PASSWORD});
    post(&app, "/auth/login", &creds, &[("origin", "https://evil.test")]).await.problem(403, "cross_site_request");
    for headers in [with("origin", "https://judge.test"), with("sec-fetch-site", "same-origin"), with("x-not", "x")] {
        post(&app, "/me/tokens", &body, &headers).await.expect(201);
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_session_ends_unless_it_is_used_and_use_renews_it(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let session = cookie(&register(&app, "ada@example.edu").await);
    let set = async |days: i32| {
        sqlx::query("update session set expires_at = now() + make_interval(days => $1)")
            .bind(days)
            .execute(&pg)
            .await
            .expect("update");
    };
    let days_left = async || -> f64 {
        sqlx::query_scalar("select extract(epoch from expires_at - now())::float8 / 86400 from session")
            .fetch_one(&pg)
            .await
            .expect("one session")
    };
    set(8).await;
    me(&app, &session).await.expect(200);
    assert!((days_left().await - 8.0).abs() < 0.1, "more than half is left");
    set(6).await;
    me(&app, &session).await.expect(200);
    assert!((days_left().await - 14.0).abs() < 0.1, "renewed");
    set(-1).await;
    me(&app, &session).await.problem(401, "unauthenticated");
}
