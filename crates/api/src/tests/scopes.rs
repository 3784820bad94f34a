//! Every operation for a token of every scope: what the OpenAPI document says is what happens.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{
    ids::TokenId,
    store::{
        AccountRole, PgPool,
        token::{self, NewToken},
    },
};
use serde_json::Value;

use crate::{
    auth::{
        scope::{self, Scope},
        secret,
    },
    testing::{Answer, TestApp, TestUser, request},
};

/// Method, path below the base, and what the document says of who may.
type Operation = (String, String, Vec<Value>);

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(crate::app::document()).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let security = operation["security"].as_array().expect("every operation says who may").clone();
            all.push((method.to_uppercase(), path.strip_prefix("/api/v1").expect("base").to_owned(), security));
        }
    }
    all
}

#[test]
fn every_operation_has_a_line_and_every_line_an_operation() {
    let document: BTreeSet<_> = operations().into_iter().map(|(method, path, _)| (method, path)).collect();
    let lines: BTreeSet<_> = scope::OPERATIONS.iter().map(|(m, p, _)| ((*m).to_owned(), (*p).to_owned())).collect();
    let missing: Vec<_> = document.difference(&lines).collect();
    assert!(missing.is_empty(), "which scopes let a token do this? Add lines to auth::scope::OPERATIONS: {missing:?}");
    let stale: Vec<_> = lines.difference(&document).collect();
    assert!(stale.is_empty(), "these operations are gone: {stale:?}");
    assert_eq!(lines.len(), scope::OPERATIONS.len(), "an operation has two lines");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_token_is_let_through_by_just_the_scopes_that_the_document_names(pg: PgPool) {
    let app = TestApp::new(pg);
    // An admin: what is refused is refused by the scope alone.
    let admin = app.account("admin", AccountRole::Admin).await;
    let mut wrong = Vec::new();
    for scope in scope::ALL {
        let token = token_of(&app, &admin, scope).await;
        for (method, path, security) in operations() {
            let answer = app.send(build(&method, &path, &token)).await;
            let refused = code(&answer) == "insufficient_scope";
            if refused == lets_through(&security, scope) {
                wrong.push(format!("{} for {method} {path}: {}", scope.as_str(), answer.status));
            }
            if refused {
                assert_eq!(answer.status, 403);
                let challenge = answer.header("www-authenticate").to_owned();
                assert!(challenge.starts_with("Bearer error=\"insufficient_scope\", scope=\""), "{challenge}");
                // One that is named would do.
                let named: Vec<_> = challenge.split('"').nth(3).expect("scopes").split(' ').collect();
                assert!(named.iter().all(|s| lets_through(&security, Scope::parse(s).expect("known"))), "{challenge}");
                assert!(answer.json()["detail"].as_str().expect("detail").contains(named[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "the document and the service disagree:\n{}", wrong.join("\n"));
}

/// By the document: an alternative that asks for nothing, or for a token with this scope, or with any.
fn lets_through(security: &[Value], scope: Scope) -> bool {
    security.iter().any(|alternative| {
        let alternative = alternative.as_object().expect("object");
        let wanted = alternative.get("token").map(|scopes| scopes.as_array().expect("scopes"));
        // What only a session may do is refused to tokens, but not for want of a scope.
        let session_only = security.len() == 1 && alternative.contains_key("session");
        alternative.is_empty()
            || session_only
            || wanted.is_some_and(|scopes| scopes.is_empty() || scopes.iter().any(|s| s == scope.as_str()))
    })
}

fn code(answer: &Answer) -> String {
    serde_json::from_slice::<Value>(&answer.body)
        .map(|v| v["code"].as_str().unwrap_or("").to_owned())
        .unwrap_or_default()
}

fn build(method: &str, path: &str, token: &str) -> axum::http::Request<Body> {
    // Nothing of this name is there: whoever is let through finds nothing, and destroys nothing.
    let nothing = "01890000-0000-7000-8000-000000000000";
    let path = path.split('/').map(|part| if part.starts_with('{') { nothing } else { part }).collect::<Vec<_>>();
    request(method.parse::<Method>().expect("method"), &path.join("/"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"no such field": 1}"#))
        .expect("request")
}

async fn token_of(app: &TestApp, user: &TestUser, scope: Scope) -> String {
    let secret = secret::api_token();
    let (hash, scopes) = (secret::hash(&secret), [scope.as_str().to_owned()]);
    let new = NewToken {
        id: TokenId::new(),
        account: user.id,
        name: "scoped",
        hash: &hash,
        scopes: &scopes,
        expires_at: None,
    };
    token::insert(&app.state.pg, &new).await.expect("token");
    secret
}
