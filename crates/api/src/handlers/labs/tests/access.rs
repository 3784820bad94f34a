//! Every endpoint of labs and submissions, for everybody: what is not yours is 403 or 404, and nothing of it is said.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::store::PgPool;
use serde_json::Value;

use crate::{
    testing::{TestUser, request},
    world::{World, assert_no_secret, hand_in, lab, plain_lab},
};

/// Who asks, in the order of the columns below.
const WHO: [&str; 8] =
    ["nobody", "outsider", "other", "student", "assistant", "instructor", "admin", "read-only instructor"];

/// One line per endpoint and thing: the status for each of [`WHO`].
const MATRIX: &[(&str, &str, [u16; 8])] = &[
    ("PUT", "/courses/c/labs/new", [401, 404, 403, 403, 403, 201, 200, 403]),
    ("PUT", "/courses/c/labs/new?dry_run=true", [401, 404, 403, 403, 403, 200, 200, 403]),
    ("GET", "/courses/c/labs", [401, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/labs/{published}", [401, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/labs/{draft}", [401, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/labs/{nothing}", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/labs/no-id", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/labs/{published}/publish", [401, 404, 403, 403, 403, 202, 202, 403]),
    ("POST", "/labs/{draft}/publish", [401, 404, 404, 404, 403, 202, 202, 403]),
    ("POST", "/labs/{published}/submissions", [401, 404, 202, 202, 202, 202, 202, 403]),
    ("POST", "/labs/{draft2}/submissions", [401, 404, 404, 404, 202, 202, 202, 403]),
    ("GET", "/labs/{published}/submissions", [401, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/labs/{draft2}/submissions", [401, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/labs/{published}/submissions?user={student}", [401, 404, 403, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}", [401, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/files", [401, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/events", [401, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{solution}", [401, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/submissions/{solution}/files", [401, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/submissions/{solution}/events", [401, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/submissions/{nothing}", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/submissions/{nothing}/files", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/submissions/{nothing}/events", [401, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/labs/{published}/rejudge", [401, 404, 403, 403, 202, 202, 202, 403]),
    ("GET", "/labs/{published}/rejudges", [401, 404, 403, 403, 200, 200, 200, 200]),
    ("GET", "/labs/{published}/statistics", [401, 404, 403, 403, 200, 200, 200, 200]),
    ("POST", "/submissions/{students}/rejudge", [401, 404, 404, 403, 202, 202, 202, 403]),
    ("POST", "/submissions/{solution}/rejudge", [401, 404, 404, 404, 404, 404, 404, 403]),
    ("GET", "/submissions/{students}/history", [401, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/results.json", [401, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/junit.xml", [401, 404, 404, 200, 200, 200, 200, 200]),
    ("DELETE", "/labs/{draft2}", [401, 404, 404, 404, 403, 204, 404, 403]),
    ("DELETE", "/labs/{published}", [401, 404, 403, 403, 403, 204, 404, 403]),
];

#[sqlx::test(migrations = "../../migrations")]
async fn every_endpoint_answers_each_role_as_the_matrix_says(pg: PgPool) {
    let world = World::new(pg).await;
    let published = world.published("published", &lab()).await;
    let draft = world.put("draft", &plain_lab()).await["id"].as_str().expect("id").to_owned();
    let draft2 = world.put("draft2", &plain_lab()).await["id"].as_str().expect("id").to_owned();
    let students = world.submit(&world.student, published).await;
    world.graded(students).await;
    let solution: String = sqlx::query_scalar("select submission_id::text from submission where kind = 'validation'")
        .fetch_one(world.pg())
        .await
        .expect("a solution's submission");
    let reader = read_only(&world).await;
    let people: [Option<&TestUser>; 8] = [
        None,
        Some(&world.outsider),
        Some(&world.other),
        Some(&world.student),
        Some(&world.assistant),
        Some(&world.instructor),
        Some(&world.admin),
        Some(&reader),
    ];
    for (method, path, expected) in MATRIX {
        for ((who, user), status) in WHO.iter().zip(people).zip(expected) {
            // An admin's publishing after the instructor's finds nothing to do, which is 202 too.
            let path = path
                .replace("{published}", &published.to_string())
                .replace("{draft}", &draft)
                .replace("{draft2}", &draft2)
                .replace("{students}", &students.to_string())
                .replace("{solution}", &solution)
                .replace("{student}", &world.student.id.to_string())
                .replace("{nothing}", "01890000-0000-7000-8000-000000000000");
            let body = match *method {
                "PUT" => Some(plain_lab()),
                "POST" if path.ends_with("/submissions") => Some(hand_in()),
                "POST" if path.ends_with("/rejudge") => Some(serde_json::json!({})),
                _ => None,
            };
            let answer = world.app.send(build(method, &path, user, body)).await;
            let text = String::from_utf8_lossy(&answer.body);
            assert_eq!(answer.status.as_u16(), *status, "{who}: {method} {path}: {text}");
            if answer.status.is_client_error() {
                assert_eq!(answer.header("content-type"), "application/problem+json", "{who}: {method} {path}");
            }
            if ["nobody", "outsider", "other", "student"].contains(who) {
                assert_no_secret(&text);
            }
        }
    }
}

async fn read_only(world: &World) -> TestUser {
    use iteratione_common::{
        ids::TokenId,
        store::token::{self, NewToken},
    };
    let secret = crate::auth::secret::api_token();
    let hash = crate::auth::secret::hash(&secret);
    let scopes = ["read".to_owned()];
    let new = NewToken {
        id: TokenId::new(),
        account: world.instructor.id,
        name: "read",
        hash: &hash,
        scopes: &scopes,
        expires_at: None,
    };
    token::insert(world.pg(), &new).await.expect("token");
    TestUser { token: secret, ..world.instructor.clone() }
}

fn build(method: &str, path: &str, user: Option<&TestUser>, body: Option<Value>) -> axum::http::Request<Body> {
    let mut request = request(method.parse::<Method>().expect("method"), path);
    if let Some(user) = user {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", user.token));
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    request.body(body.map_or_else(Body::empty, |b| Body::from(b.to_string()))).expect("request")
}

#[test]
fn the_matrix_knows_every_endpoint_of_labs_and_submissions() {
    let document = serde_json::to_value(crate::app::document()).expect("JSON");
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.strip_prefix("/api/v1").expect("all paths have one base");
        if !(path.contains("/labs") || path.contains("/submissions")) {
            continue;
        }
        for method in item.as_object().expect("methods").keys() {
            documented.insert(format!("{} {}", method.to_uppercase(), shape(path)));
        }
    }
    let tested = MATRIX.iter().map(|(method, path, _)| format!("{method} {}", shape(path))).collect::<BTreeSet<_>>();
    assert_eq!(documented.difference(&tested).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// `/labs/{lab}/publish` and `/labs/{draft}/publish` are one.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap_or(path);
    let words = ["courses", "labs", "submissions", "publish", "files", "events", "rejudge", "rejudges"];
    let words = [words.as_slice(), &["statistics", "history", "results.json", "junit.xml"]].concat();
    path.split('/')
        .map(|part| if part.is_empty() || words.contains(&part) { part } else { "*" })
        .collect::<Vec<_>>()
        .join("/")
}
