//! Every endpoint for everybody: what is not yours is 403 or 404, and nothing of it is said.
//!
//! A new endpoint has no row here, and [`the_matrix_knows_every_endpoint`] says so. Rows that destroy stand at the end.

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{
    ids::{CourseId, TokenId},
    store::{
        AccountRole, CourseRole, PgPool,
        course::NewCourse,
        member,
        token::{self, NewToken},
    },
};
use serde_json::{Value, json};

use crate::{
    auth::secret,
    testing::{TestUser, request},
    world::{World, assert_no_secret, hand_in, lab, plain_lab},
};

/// Who asks, in the order of the columns below. A stranger is in no course, an outsider an instructor of another one.
const WHO: [&str; 9] =
    ["nobody", "stranger", "outsider", "other", "student", "assistant", "instructor", "admin", "read-only instructor"];
/// Those who must not learn what students must not learn.
const UNINITIATED: [&str; 5] = ["nobody", "stranger", "outsider", "other", "student"];

/// One line per endpoint and thing: the status for each of [`WHO`].
#[rustfmt::skip]
const MATRIX: &[(&str, &str, [u16; 9])] = &[
    // Accounts. Nobody can sign in with a wrong password, and tokens are made in browsers only.
    ("POST", "/auth/login", [401, 401, 401, 401, 401, 401, 401, 401, 401]),
    ("POST", "/auth/register", [201, 201, 201, 201, 201, 201, 201, 201, 201]),
    ("POST", "/auth/logout", [204, 204, 204, 204, 204, 204, 204, 204, 204]),
    ("GET", "/auth/methods", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    // There is no single sign-on in this world.
    ("GET", "/auth/oidc/login", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/auth/oidc/callback", [404, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/languages", [200, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/me", [401, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/me/tokens", [401, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/me/tokens", [401, 403, 403, 403, 403, 403, 403, 403, 403]),
    ("DELETE", "/me/tokens/{token}", [401, 404, 404, 404, 204, 404, 404, 404, 403]),
    ("DELETE", "/me/tokens/{nothing}", [401, 404, 404, 404, 404, 404, 404, 404, 403]),
    ("POST", "/run-tickets", [401, 201, 201, 201, 201, 201, 201, 201, 403]),
    // Courses.
    ("GET", "/courses", [401, 200, 200, 200, 200, 200, 200, 200, 200]),
    ("POST", "/courses", [401, 403, 201, 403, 403, 403, 201, 201, 403]),
    ("POST", "/courses/join", [401, 200, 200, 200, 200, 200, 200, 200, 403]),
    ("GET", "/courses/c", [401, 404, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/courses/nowhere", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("PATCH", "/courses/c", [401, 404, 404, 403, 403, 403, 200, 200, 403]),
    ("GET", "/courses/c/members", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("POST", "/courses/c/members", [401, 404, 404, 403, 403, 403, 201, 200, 403]),
    // Labs and submissions.
    ("PUT", "/courses/c/labs/new", [401, 404, 404, 403, 403, 403, 201, 200, 403]),
    ("PUT", "/courses/c/labs/new?dry_run=true", [401, 404, 404, 403, 403, 403, 200, 200, 403]),
    ("GET", "/courses/c/labs", [401, 404, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/labs/{published}", [401, 404, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/labs/{draft}", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/labs/{nothing}", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/labs/no-id", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/labs/{published}/validation", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("GET", "/labs/{draft}/validation", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/labs/{published}/package", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("GET", "/labs/{draft}/package", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("PUT", "/labs/{published}/extensions/{student}", [401, 404, 404, 403, 403, 201, 200, 200, 403]),
    ("PUT", "/labs/{published}/extensions/{nothing}", [401, 404, 404, 403, 403, 404, 404, 404, 403]),
    ("GET", "/labs/{published}/extensions/{student}", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("GET", "/labs/{published}/extensions", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("POST", "/labs/{published}/publish", [401, 404, 404, 403, 403, 403, 202, 202, 403]),
    ("POST", "/labs/{draft}/publish", [401, 404, 404, 404, 404, 403, 202, 202, 403]),
    ("POST", "/labs/{published}/submissions", [401, 404, 404, 202, 202, 202, 202, 202, 403]),
    ("POST", "/labs/{draft2}/submissions", [401, 404, 404, 404, 404, 202, 202, 202, 403]),
    ("GET", "/labs/{published}/submissions", [401, 404, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/labs/{draft2}/submissions", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/labs/{published}/submissions?user={student}", [401, 404, 404, 403, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}", [401, 404, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/files", [401, 404, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/events", [401, 404, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{solution}", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/submissions/{solution}/files", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/submissions/{solution}/events", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/submissions/{nothing}", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/submissions/{nothing}/files", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET", "/submissions/{nothing}/events", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/labs/{published}/rejudge", [401, 404, 404, 403, 403, 202, 202, 202, 403]),
    ("GET", "/labs/{published}/rejudges", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("GET", "/labs/{published}/statistics", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("POST", "/submissions/{students}/rejudge", [401, 404, 404, 404, 403, 202, 202, 202, 403]),
    ("POST", "/submissions/{solution}/rejudge", [401, 404, 404, 404, 404, 404, 404, 404, 403]),
    ("GET", "/submissions/{students}/history", [401, 404, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/results.json", [401, 404, 404, 404, 200, 200, 200, 200, 200]),
    ("GET", "/submissions/{students}/junit.xml", [401, 404, 404, 404, 200, 200, 200, 200, 200]),
    // Audit and webhooks.
    ("GET", "/audit", [401, 403, 403, 403, 403, 403, 403, 200, 403]),
    ("GET", "/courses/c/audit", [401, 404, 404, 403, 403, 403, 200, 200, 200]),
    ("GET", "/courses/c/webhooks", [401, 404, 404, 403, 403, 403, 200, 200, 200]),
    ("POST", "/courses/c/webhooks", [401, 404, 404, 403, 403, 403, 201, 201, 403]),
    ("GET", "/courses/c/webhooks/{webhook}", [401, 404, 404, 403, 403, 403, 200, 200, 200]),
    ("GET", "/courses/c/webhooks/{nothing}", [401, 404, 404, 403, 403, 403, 404, 404, 404]),
    ("PATCH", "/courses/c/webhooks/{webhook}", [401, 404, 404, 403, 403, 403, 200, 200, 403]),
    ("GET", "/courses/c/webhooks/{webhook}/deliveries", [401, 404, 404, 403, 403, 403, 200, 200, 200]),
    ("POST", "/courses/c/webhooks/{webhook}/ping", [401, 404, 404, 403, 403, 403, 202, 202, 403]),
    ("POST", "/courses/c/webhooks/{webhook}/deliveries/{delivery}/redeliver", [401, 404, 404, 403, 403, 403, 202, 202, 403]),
    // An instructor elsewhere does not reach this course's webhook through their own.
    ("GET", "/courses/elsewhere/webhooks/{webhook}", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    // Grades.
    ("GET", "/rejudges/{rejudge}", [401, 404, 404, 404, 404, 200, 200, 200, 200]),
    ("GET", "/rejudges/{nothing}", [401, 404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/rejudges/{rejudge}/apply", [401, 404, 404, 404, 404, 403, 409, 409, 403]),
    ("POST", "/rejudges/{rejudge}/cancel", [401, 404, 404, 404, 404, 200, 409, 409, 403]),
    ("GET", "/courses/c/gradebook", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    ("GET", "/courses/c/grades/me", [401, 404, 404, 200, 200, 200, 200, 200, 200]),
    ("GET", "/courses/c/invitations", [401, 404, 404, 403, 403, 200, 200, 200, 200]),
    // What destroys.
    ("DELETE", "/courses/c/invitations?email=nobody@test.test", [401, 404, 404, 403, 403, 403, 404, 404, 403]),
    ("DELETE", "/courses/c/webhooks/{webhook}", [401, 404, 404, 403, 403, 403, 204, 404, 403]),
    ("DELETE", "/labs/{published}/extensions/{student}", [401, 404, 404, 403, 403, 204, 404, 404, 403]),
    ("DELETE", "/courses/c/members/{victim}", [401, 404, 404, 403, 403, 403, 204, 404, 403]),
    ("DELETE", "/courses/c/members?user={victim2}", [401, 404, 404, 403, 403, 403, 204, 404, 403]),
    ("DELETE", "/labs/{draft2}", [401, 404, 404, 404, 404, 403, 204, 404, 403]),
    ("DELETE", "/labs/{published}", [401, 404, 404, 403, 403, 403, 204, 404, 403]),
];

/// What the placeholders of the rows stand for.
struct Things(Vec<(&'static str, String)>);

impl Things {
    async fn make(world: &World) -> Self {
        let published = world.published("published", &lab()).await;
        let draft = |slug: &'static str| async move {
            world.put(slug, &plain_lab()).await["id"].as_str().expect("id").to_owned()
        };
        let students = world.submit(&world.student, published).await;
        world.graded(students).await;
        let solution: String =
            sqlx::query_scalar("select submission_id::text from submission where kind = 'validation'")
                .fetch_one(world.pg())
                .await
                .expect("a solution's submission");
        let course = world.app.get(&world.instructor, "/courses/c").await.expect(200);
        let course: CourseId = course["id"].as_str().expect("id").parse().expect("UUID");
        let mut victims = Vec::new();
        world.app.account("newcomer", AccountRole::Student).await;
        for name in ["victim", "victim2"] {
            let victim = world.app.account(name, AccountRole::Student).await;
            member::insert(world.pg(), course, victim.id, CourseRole::Student).await.expect("member");
            victims.push(victim.id.to_string());
        }
        let open = NewCourse {
            id: CourseId::new(),
            slug: "open",
            title: "Open",
            join_code: "abcdefgh",
            time_zone: "UTC",
            created_by: world.outsider.id,
        };
        iteratione_common::store::course::insert(world.pg(), &open).await.expect("course");
        let made = async |path: &str, body: Value| {
            let made = world.app.post(&world.instructor, path, &body).await.json();
            made["id"].as_str().expect("id").to_owned()
        };
        let webhook = made("/courses/c/webhooks", json!({"url": "https://127.0.0.1:9/"})).await;
        let delivery = made(&format!("/courses/c/webhooks/{webhook}/ping"), json!({})).await;
        sqlx::query("update webhook_delivery set state = 'dead'").execute(world.pg()).await.expect("gives up");
        Self(vec![
            ("{webhook}", webhook),
            ("{delivery}", delivery),
            ("{published}", published.to_string()),
            ("{draft}", draft("draft").await),
            ("{draft2}", draft("draft2").await),
            ("{rejudge}", rejudge(world, students).await),
            ("{students}", students.to_string()),
            ("{solution}", solution),
            ("{student}", world.student.id.to_string()),
            ("{victim}", victims[0].clone()),
            ("{victim2}", victims[1].clone()),
            ("{token}", token(world, &world.student, &[]).await.0.to_string()),
            ("{nothing}", "01890000-0000-7000-8000-000000000000".to_owned()),
        ])
    }

    fn fill(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value))
    }
}

/// A rejudge set of one submission.
async fn rejudge(world: &World, submission: iteratione_common::ids::SubmissionId) -> String {
    let path = format!("/submissions/{submission}/rejudge");
    let set = world.app.post(&world.instructor, &path, &json!({})).await.expect(202);
    set["id"].as_str().expect("id").to_owned()
}

/// What is sent along: something that would be right. `column` keeps apart what must be unique.
fn body(method: &str, path: &str, column: usize) -> Option<Value> {
    let path = path.split('?').next().unwrap_or(path);
    Some(match (method, path) {
        (_, "/auth/login") => json!({"email": "no-one@test.test", "password": "not the password"}),
        (_, "/auth/register") => {
            json!({"email": format!("new{column}@test.test"), "password": "a long password", "name": "New"})
        }
        ("POST", "/me/tokens") => json!({"name": "mine"}),
        ("POST", "/run-tickets") => json!({}),
        ("POST", "/courses") => json!({"slug": format!("new-{column}"), "title": "New"}),
        ("POST", "/courses/join") => json!({"join_code": "abcdefgh"}),
        ("POST", "/courses/c/members") => json!({"email": "newcomer@test.test", "role": "student"}),
        ("PUT", path) if path.contains("/extensions/") => json!({"extra_attempts": 3}),
        ("POST", path) if path.ends_with("/rejudge") => json!({}),
        ("POST", "/courses/c/webhooks") => json!({"url": "https://127.0.0.1:9/"}),
        ("PATCH", path) if path.contains("/webhooks/") => json!({"active": true}),
        ("PATCH", _) => json!({"title": "Renamed"}),
        ("PUT", _) => plain_lab(),
        ("POST", path) if path.ends_with("/submissions") => hand_in(),
        _ => return None,
    })
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_endpoint_answers_each_role_as_the_matrix_says(pg: PgPool) {
    // Nothing is sent: only asked whether it may.
    let loopback = [("ITERATIONE_API__WEBHOOKS__ALLOW_PRIVATE", "127.0.0.0/8")];
    let world = World::adjusted(pg, &loopback, |_| {}).await;
    let things = Things::make(&world).await;
    let stranger = world.app.account("stranger", AccountRole::Student).await;
    let reader = TestUser { token: token(&world, &world.instructor, &["read"]).await.1, ..world.instructor.clone() };
    let people: [Option<&TestUser>; 9] = [
        None,
        Some(&stranger),
        Some(&world.outsider),
        Some(&world.other),
        Some(&world.student),
        Some(&world.assistant),
        Some(&world.instructor),
        Some(&world.admin),
        Some(&reader),
    ];
    let mut wrong = Vec::new();
    for (method, path, expected) in MATRIX {
        let path = things.fill(path);
        for (column, ((who, user), status)) in WHO.iter().zip(people).zip(expected).enumerate() {
            let answer = world.app.send(build(method, &path, user, body(method, &path, column))).await;
            let text = String::from_utf8_lossy(&answer.body);
            if answer.status.as_u16() != *status {
                wrong.push(format!("{who}: {method} {path}: {} instead of {status}: {text}", answer.status));
            }
            if answer.status.is_client_error() {
                assert_eq!(answer.header("content-type"), "application/problem+json", "{who}: {method} {path}");
            }
            if UNINITIATED.contains(who) {
                assert_no_secret(&text);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A further token of an account, and its id.
async fn token(world: &World, user: &TestUser, scopes: &[&str]) -> (TokenId, String) {
    let secret = secret::api_token();
    let (id, hash) = (TokenId::new(), secret::hash(&secret));
    let scopes: Vec<String> = scopes.iter().map(|&s| s.to_owned()).collect();
    let new = NewToken { id, account: user.id, name: "further", hash: &hash, scopes: &scopes, expires_at: None };
    token::insert(world.pg(), &new).await.expect("token");
    (id, secret)
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
fn the_matrix_knows_every_endpoint() {
    let document = serde_json::to_value(crate::app::document()).expect("JSON");
    let mut templates = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.strip_prefix("/api/v1").expect("all paths have one base");
        for method in item.as_object().expect("methods").keys() {
            templates.insert((method.to_uppercase(), path.to_owned()));
        }
    }
    let missing: Vec<_> = templates
        .iter()
        .filter(|(method, template)| !MATRIX.iter().any(|(m, path, _)| m == method && is_of(path, template)))
        .collect();
    assert!(missing.is_empty(), "who may do this? Add rows to MATRIX: {missing:?}");
}

/// Whether a row's path is one of the template's: `/courses/c/labs` of `/courses/{course}/labs`.
fn is_of(path: &str, template: &str) -> bool {
    let parts = |text: &str| text.split('?').next().unwrap_or(text).split('/').map(str::to_owned).collect::<Vec<_>>();
    let (path, template) = (parts(path), parts(template));
    // A fixed name, such as `join`, is not an id.
    path.len() == template.len()
        && path.iter().zip(&template).all(|(is, wanted)| is == wanted || (wanted.starts_with('{') && is != "join"))
}
