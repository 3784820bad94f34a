use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{
    ids::SessionId,
    store::{AccountRole, PgPool, session},
};
use serde_json::{Value, json};

use crate::{
    auth::secret,
    testing::{Answer, TestApp, TestUser, request},
};

/// A session of the account's, as its cookie.
async fn signed_in(app: &TestApp, user: &TestUser) -> String {
    let token = secret::session_token();
    session::insert(&app.state.pg, SessionId::new(), user.id, &secret::hash(&token), 1).await.expect("session");
    format!("itr_session={token}")
}

async fn make(app: &TestApp, cookie: &str, body: &Value, key: Option<&str>) -> Answer {
    let mut request =
        request(Method::POST, "/me/tokens").header(header::COOKIE, cookie).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    app.send(request.body(Body::from(body.to_string())).expect("request")).await
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_token_is_shown_once_works_until_it_is_deleted_and_is_not_stored(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let mut ada = app.account("ada", AccountRole::Instructor).await;
    let cookie = signed_in(&app, &ada).await;
    let answer = make(&app, &cookie, &json!({"name": "laptop"}), Some("k")).await;
    let made = answer.expect(201);
    let token = made["token"].as_str().expect("token").to_owned();
    assert!(token.starts_with("itr_"), "{token}");
    assert_eq!(answer.header("location"), format!("/api/v1/me/tokens/{}", made["id"].as_str().expect("id")));

    // The same request again: the answer, but not the token, which is nowhere to be had.
    let again = make(&app, &cookie, &json!({"name": "laptop"}), Some("k")).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(201)["token"], Value::Null);
    let rows: Vec<String> = sqlx::query_scalar(
        "select row_to_json(t)::text from api_token t union all select row_to_json(k)::text from idempotency_key k",
    )
    .fetch_all(&pg)
    .await
    .expect("rows");
    assert!(rows.len() == 3 && rows.iter().all(|row| !row.contains(&token)), "{rows:?}");

    ada.token = token;
    app.get(&ada, "/me").await.expect(200);
    let list = app.get(&ada, "/me/tokens").await.expect(200);
    assert_eq!(list["items"][0]["name"], "laptop");
    assert!(list["items"][0]["last_used_at"].is_string() && list["items"][0].get("token").is_none(), "{list}");
    let path = format!("/me/tokens/{}", made["id"].as_str().expect("id"));
    assert_eq!(app.call(&ada, Method::DELETE, &path, None).await.status, 204);
    app.get(&ada, "/me").await.problem(401, "unauthenticated");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_token_may_do_what_its_scopes_say_and_only_until_it_ends(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let mut ada = app.account("ada", AccountRole::Instructor).await;
    let cookie = signed_in(&app, &ada).await;
    let course = json!({"slug": "cs1", "title": "CS 1"});
    for (scopes, status) in [(json!(["read"]), 403), (json!(["write"]), 201)] {
        ada.token = make(&app, &cookie, &json!({"name": "t", "scopes": scopes}), None).await.expect(201)["token"]
            .as_str()
            .expect("token")
            .to_owned();
        app.get(&ada, "/courses").await.expect(200);
        app.post(&ada, "/courses", &course).await.expect(status);
    }
    sqlx::query("update api_token set expires_at = now() - interval '1 second'").execute(&pg).await.expect("update");
    app.get(&ada, "/me").await.problem(401, "unauthenticated");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_token_cannot_make_tokens_nor_touch_those_of_others(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Student).await;
    let bob = app.account("bob", AccountRole::Admin).await;
    app.post(&ada, "/me/tokens", &json!({"name": "t"})).await.problem(403, "forbidden");
    let of_ada = app.get(&ada, "/me/tokens").await.expect(200)["items"][0]["id"].as_str().expect("id").to_owned();
    app.call(&bob, Method::DELETE, &format!("/me/tokens/{of_ada}"), None).await.problem(404, "not_found");
    app.call(&bob, Method::DELETE, "/me/tokens/7", None).await.problem(404, "not_found");
    app.get(&ada, "/me").await.expect(200);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_token_must_have_a_name_known_scopes_and_a_future(pg: PgPool) {
    let app = TestApp::with(pg, &[("ITERATIONE_API__LIMITS__TOKENS_PER_ACCOUNT", "2")]);
    let ada = app.account("ada", AccountRole::Student).await;
    let cookie = signed_in(&app, &ada).await;
    let body = json!({"name": "", "scopes": ["read", "root"], "expires_at": "2020-01-01T00:00:00Z"});
    let problem = make(&app, &cookie, &body, None).await.problem(422, "invalid");
    let pointers: Vec<_> = problem["errors"].as_array().expect("errors").iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/name", "/scopes/1", "/expires_at"]);
    make(&app, &cookie, &json!({"name": "second"}), None).await.expect(201);
    make(&app, &cookie, &json!({"name": "third"}), None).await.problem(409, "too_many_tokens");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn what_is_no_valid_token_is_401_even_beside_a_good_cookie(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Student).await;
    let cookie = signed_in(&app, &ada).await;
    for value in ["Bearer itr_nope", "Bearer", "", "Basic YTpi", "Bearer \u{1F600}"] {
        let request = request(Method::GET, "/me").header(header::COOKIE, &cookie).header(header::AUTHORIZATION, value);
        let answer = app.send(request.body(Body::empty()).expect("request")).await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}
