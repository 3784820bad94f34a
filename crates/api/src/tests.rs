//! What holds for every endpoint.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use iteratione_common::store::{AccountRole, PgPool};
use serde_json::json;

use crate::testing::{TestApp, TestUser, request};

mod matrix;
mod scopes;

fn post(user: &TestUser, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    request(Method::POST, "/courses")
        .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .expect("request")
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn every_kind_of_bad_body_is_a_problem_document_and_never_a_500(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Instructor).await;
    let json = "application/json";
    let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    let deep_field = format!(r#"{{"slug":{}"x"{}}}"#, "[".repeat(200), "]".repeat(200));
    let bodies: [(&[u8], u16, &str); 14] = [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"{}{}", 422, "invalid"),
        (b"nul", 400, "malformed_json"),
        (b"\xff\xfe\x00", 400, "malformed_json"),
        (b"{\"slug\":\"\xc3\x28\",\"title\":\"x\"}", 400, "malformed_json"),
        (deep.as_bytes(), 422, "invalid"),
        (deep_field.as_bytes(), 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (br#"{"slug":1e999,"title":"x"}"#, 400, "malformed_json"),
        (br#"{"slug":1e308,"title":"x"}"#, 422, "invalid"),
        (br#"{"slug":"a","title":"x","admin":true}"#, 422, "invalid"),
        (br#"{"slug":"a","title":"x\u0000"}"#, 422, "invalid"),
    ];
    for (body, status, code) in bodies {
        let problem = app.send(post(&ada, json, body.to_vec())).await.problem(status, code);
        assert!(problem["detail"].is_string(), "{problem}");
    }
    for content_type in ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonx"] {
        app.send(post(&ada, content_type, "{}")).await.problem(415, "unsupported_media_type");
    }
    let huge = format!(r#"{{"slug":"a","title":"{}"}}"#, "x".repeat(70_000));
    app.send(post(&ada, json, huge)).await.problem(413, "body_too_large");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_wrong_type_is_named_by_its_pointer(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Instructor).await;
    let problem = app.post(&ada, "/courses", &json!({"slug": 7, "title": "x"})).await.problem(422, "invalid");
    insta::assert_json_snapshot!(problem, {".request_id" => "[id]"}, @r#"
    {
      "code": "invalid",
      "detail": "Some fields are not valid.",
      "errors": [
        {
          "detail": "invalid type: integer `7`, expected a string",
          "pointer": "/slug"
        }
      ],
      "request_id": "[id]",
      "status": 422,
      "title": "Not valid",
      "type": "/problems/invalid"
    }
    "#);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_list_of_values_is_not_taken_for_an_object(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Instructor).await;
    app.post(&ada, "/courses", &json!(["cs1", "CS 1"])).await.problem(422, "invalid");
    app.post(&ada, "/courses", &json!({"slug": "cs1", "title": "CS 1"})).await.expect(201);
    for change in [json!([]), json!([null, null]), json!(["Another title", null, true])] {
        app.call(&ada, Method::PATCH, "/courses/cs1", Some(&change)).await.problem(422, "invalid");
    }
    assert_eq!(app.get(&ada, "/courses/cs1").await.expect(200)["title"], "CS 1");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_parameter_without_a_value_is_not_taken_for_none(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Instructor).await;
    app.get(&ada, "/courses?limit=").await.problem(400, "bad_request");
    app.get(&ada, "/courses?limit=2.5").await.problem(400, "bad_request");
    app.get(&ada, "/courses?limit=0").await.problem(422, "invalid");
    app.get(&ada, "/courses?limit=2&after=").await.expect(200);
    app.post(&ada, "/courses", &json!({"slug": "cs1", "title": "CS 1"})).await.expect(201);
    let test = json!({"name": "one", "stdin": "1", "expected": "1"});
    let group = json!({"name": "all", "points": 1, "tests": [test]});
    let document = json!({"title": "Sum", "languages": ["python"], "groups": [group]});
    let lab = app.call(&ada, Method::PUT, "/courses/cs1/labs/sum", Some(&document)).await.expect(201);
    let submissions = format!("/labs/{}/submissions", lab["id"].as_str().expect("an id"));
    app.get(&ada, &submissions).await.expect(200);
    app.get(&ada, &format!("{submissions}?user=")).await.problem(400, "bad_request");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn paths_that_lead_nowhere_are_problem_documents_too(pg: PgPool) {
    let app = TestApp::new(pg);
    let ada = app.account("ada", AccountRole::Instructor).await;
    for path in ["/nope", "/courses/cs1/nope", "/"] {
        app.get(&ada, path).await.problem(404, "no_such_route");
    }
    for path in ["/courses/%00", "/courses/%20", "/courses/..%2f..", "/courses/%F0%9F%98%80"] {
        app.get(&ada, path).await.problem(404, "not_found");
    }
    app.get(&ada, "/courses/%ff").await.problem(400, "bad_request");
    let answer = app.call(&ada, Method::DELETE, "/courses", None).await;
    answer.problem(405, "method_not_allowed");
    assert!(answer.header("allow").contains("POST"), "{answer:?}");
    app.call(&ada, Method::GET, "/auth/login", None).await.problem(405, "method_not_allowed");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_request_id_comes_back_and_a_foul_one_is_replaced(pg: PgPool) {
    let app = TestApp::new(pg);
    let ask = async |id: &[u8]| {
        let request = request(Method::GET, "/languages").header("x-request-id", id);
        app.send(request.body(Body::empty()).expect("request")).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask(b"abc-123.X_y").await, "abc-123.X_y");
    let long = [b'a'; 65];
    for foul in [&b"a b"[..], b"", b"\xff", b"<script>", &long] {
        let id = ask(foul).await;
        assert_eq!(id.len(), 36, "{id}");
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_database_that_is_away_is_503_and_unready_but_alive(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let ada = app.account("ada", AccountRole::Instructor).await;
    let plain = |path: &str| Request::builder().uri(path).body(Body::empty()).expect("request");
    let ready = app.send(plain("/readyz")).await.expect(200);
    assert_eq!(ready, json!({"status": "degraded", "postgres": "ok", "redis": "away"}));
    pg.close().await;
    let answer = app.get(&ada, "/me").await;
    let problem = answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "2");
    assert!(!problem.to_string().contains("pool"), "the cause is for the log alone: {problem}");
    assert_eq!(app.send(plain("/readyz")).await.expect(503)["status"], "unready");
    assert_eq!(app.send(plain("/livez")).await.status, 200);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_is_stopping_is_not_ready(pg: PgPool) {
    let app = TestApp::new(pg);
    app.state.lifecycle.soft.cancel();
    let request = Request::builder().uri("/readyz").body(Body::empty()).expect("request");
    assert_eq!(app.send(request).await.expect(503)["status"], "stopping");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn each_answer_carries_the_headers_that_keep_browsers_in_check(pg: PgPool) {
    let app = TestApp::new(pg);
    let answer = app.send(request(Method::GET, "/languages").body(Body::empty()).expect("request")).await;
    let ids: Vec<_> = answer.expect(200)["items"].as_array().expect("items").iter().map(|l| l["id"].clone()).collect();
    assert!(ids.contains(&json!("java")) && ids.contains(&json!("python")), "{ids:?}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_request_that_takes_too_long_is_given_up(pg: PgPool) {
    let app = TestApp::with(pg.clone(), &[("ITERATIONE_API__REQUEST_TIMEOUT_MS", "300")]);
    let ada = app.account("ada", AccountRole::Instructor).await;
    let mut tx = pg.begin().await.expect("begin");
    sqlx::query("lock table course").execute(&mut *tx).await.expect("lock");
    let answer = tokio::time::timeout(Duration::from_secs(5), app.get(&ada, "/courses")).await.expect("an answer");
    answer.problem(503, "timeout");
    tx.rollback().await.expect("rollback");
    app.get(&ada, "/courses").await.expect(200);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_api_can_be_browsed_without_any_other_host(pg: PgPool) {
    let app = TestApp::new(pg);
    let get = async |path: &str| app.send(Request::builder().uri(path).body(Body::empty()).expect("request")).await;
    let page = get("/docs").await;
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    assert!(!text.contains("://"), "{text}");
    for (path, content_type) in [
        ("/docs/docs.js", "text/javascript; charset=utf-8"),
        ("/docs/docs.css", "text/css; charset=utf-8"),
        ("/api/v1/openapi.json", "application/json"),
    ] {
        assert!(path.ends_with("openapi.json") || text.contains(path), "{path} is not used");
        let file = get(path).await;
        assert_eq!((file.status.as_u16(), file.header("content-type")), (200, content_type), "{path}");
    }
    let document = get("/api/v1/openapi.json").await.json();
    assert!(document["paths"]["/api/v1/courses/{course}/members"]["post"].is_object());
}

/// The document is the contract with clients: a change must be seen. To take it over, run
/// `cargo run -p iteratione-api -- openapi > docs/openapi.json`.
#[test]
fn the_openapi_document_is_the_one_in_docs() {
    let now = crate::cli::document_text().expect("document");
    let kept = include_str!("../../../docs/openapi.json");
    assert!(now == kept, "docs/openapi.json is stale: cargo run -p iteratione-api -- openapi > docs/openapi.json");
}
