use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::store::{AccountRole, PgPool};
use serde_json::{Value, json};

use crate::testing::{Answer, TestApp, TestUser, request};

/// A course `cs1` of an instructor's.
async fn course(app: &TestApp) -> (TestUser, Value) {
    let teacher = app.account("teacher", AccountRole::Instructor).await;
    let made = app.post(&teacher, "/courses", &json!({"slug": "cs1", "title": " CS 1 "})).await.expect(201);
    (teacher, made)
}

async fn delete(app: &TestApp, user: &TestUser, path: &str) -> Answer {
    app.call(user, Method::DELETE, path, None).await
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn an_instructor_makes_a_course_and_is_its_instructor(pg: PgPool) {
    let app = TestApp::new(pg);
    let (teacher, made) = course(&app).await;
    insta::assert_json_snapshot!(made, {".id" => "[id]", ".join_code" => "[code]", ".created_at" => "[time]"}, @r#"
    {
      "created_at": "[time]",
      "id": "[id]",
      "join_code": "[code]",
      "role": "instructor",
      "slug": "cs1",
      "time_zone": "UTC",
      "title": "CS 1"
    }
    "#);
    assert_eq!(app.get(&teacher, "/courses/cs1").await.expect(200), made);
    assert_eq!(app.get(&teacher, &format!("/courses/{}", made["id"].as_str().expect("id"))).await.expect(200), made);
    assert_eq!(app.get(&teacher, "/courses").await.expect(200), json!({"items": [made], "next": null}));
    let again = json!({"slug": "cs1", "title": "Other"});
    let problem = app.post(&teacher, "/courses", &again).await.problem(409, "slug_taken");
    assert_eq!(problem["errors"][0]["pointer"], "/slug");
    let student = app.account("student", AccountRole::Student).await;
    app.post(&student, "/courses", &json!({"slug": "cs2", "title": "x"})).await.problem(403, "forbidden");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_course_needs_a_usable_slug_title_and_zone(pg: PgPool) {
    let app = TestApp::new(pg);
    let teacher = app.account("teacher", AccountRole::Instructor).await;
    let id = "019aa000-0000-7000-8000-000000000000";
    for slug in ["", "CS1", "-a", "a-", "a b", "a/b", "join", id, "é", &"a".repeat(65)] {
        let body = json!({"slug": slug, "title": "x"});
        let problem = app.post(&teacher, "/courses", &body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/slug", "{slug}");
    }
    let body = json!({"slug": "a", "title": "", "time_zone": "Mars/Olympus"});
    let problem = app.post(&teacher, "/courses", &body).await.problem(422, "invalid");
    let pointers: Vec<_> = problem["errors"].as_array().expect("errors").iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/title", "/time_zone"]);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_student_joins_by_code_and_does_not_see_it(pg: PgPool) {
    let app = TestApp::new(pg);
    let (teacher, made) = course(&app).await;
    let student = app.account("student", AccountRole::Student).await;
    let code = made["join_code"].as_str().expect("code");
    app.get(&student, "/courses/cs1").await.problem(404, "not_found");
    let typed = format!(" {}-{}", code[..4].to_uppercase(), &code[4..]);
    let joined = app.post(&student, "/courses/join", &json!({"join_code": typed})).await.expect(200);
    assert_eq!((&joined["role"], joined.get("join_code")), (&json!("student"), None));
    assert_eq!(app.get(&student, "/courses/cs1").await.expect(200), joined);
    app.post(&student, "/courses/join", &json!({"join_code": code})).await.expect(200);
    // Joining one's own course does not make one less than one was.
    let again = app.post(&teacher, "/courses/join", &json!({"join_code": code})).await.expect(200);
    assert_eq!(again["role"], "instructor");
    let members = app.get(&teacher, "/courses/cs1/members").await.expect(200);
    assert_eq!(members["items"].as_array().expect("items").len(), 2);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn join_codes_cannot_be_guessed_at_will(pg: PgPool) {
    let app = TestApp::with(pg, &[("ITERATIONE_API__LIMITS__JOIN_BURST", "2")]);
    let (_, made) = course(&app).await;
    let student = app.account("student", AccountRole::Student).await;
    for guess in ["nope", ""] {
        app.post(&student, "/courses/join", &json!({"join_code": guess})).await.problem(404, "not_found");
    }
    let right = json!({"join_code": made["join_code"]});
    app.post(&student, "/courses/join", &right).await.problem(429, "too_many_join_codes");
    let other = app.account("other", AccountRole::Student).await;
    for _ in 0..4 {
        app.post(&other, "/courses/join", &right).await.expect(200);
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn only_instructors_change_a_course_and_a_rotated_code_is_worthless(pg: PgPool) {
    let app = TestApp::new(pg);
    let (teacher, made) = course(&app).await;
    let student = app.account("student", AccountRole::Student).await;
    let code = json!({"join_code": made["join_code"]});
    app.post(&student, "/courses/join", &code).await.expect(200);
    let change = json!({"title": "Programming 1", "time_zone": "Europe/Vienna", "rotate_join_code": true});
    app.call(&student, Method::PATCH, "/courses/cs1", Some(&change)).await.problem(403, "forbidden");
    let changed = app.call(&teacher, Method::PATCH, "/courses/cs1", Some(&change)).await.expect(200);
    assert_eq!((&changed["title"], &changed["time_zone"]), (&json!("Programming 1"), &json!("Europe/Vienna")));
    assert_ne!(changed["join_code"], made["join_code"]);
    let late = app.account("late", AccountRole::Student).await;
    app.post(&late, "/courses/join", &code).await.problem(404, "not_found");
    let unknown = json!({"slug": "other"});
    let problem = app.call(&teacher, Method::PATCH, "/courses/cs1", Some(&unknown)).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/slug");
}

/// What each role may do, and what it must not know of.
#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn every_endpoint_answers_every_role_as_it_should(pg: PgPool) {
    let app = TestApp::new(pg);
    let (teacher, _) = course(&app).await;
    let mut users = vec![("instructor", teacher.clone())];
    for role in ["assistant", "student"] {
        let user = app.account(role, AccountRole::Student).await;
        let body = json!({"email": user.email, "role": role});
        app.post(&teacher, "/courses/cs1/members", &body).await.expect(201);
        users.push((role, user));
    }
    users.push(("stranger", app.account("stranger", AccountRole::Instructor).await));
    users.push(("admin", app.account("admin", AccountRole::Admin).await));
    let victim = app.account("victim", AccountRole::Student).await;
    let add = json!({"email": victim.email});
    let change = json!({});
    let remove = format!("/courses/cs1/members?user={}", victim.email);
    let calls: [(Method, &str, Option<&Value>, [u16; 5]); 5] = [
        (Method::GET, "/courses/cs1", None, [200, 200, 200, 404, 200]),
        (Method::PATCH, "/courses/cs1", Some(&change), [200, 403, 403, 404, 200]),
        (Method::GET, "/courses/cs1/members", None, [200, 200, 403, 404, 200]),
        (Method::POST, "/courses/cs1/members", Some(&add), [201, 403, 403, 404, 200]),
        (Method::DELETE, &remove, None, [204, 403, 403, 404, 404]),
    ];
    for (method, path, body, expected) in calls {
        for ((role, user), status) in users.iter().zip(expected) {
            let answer = app.call(user, method.clone(), path, body).await;
            assert_eq!(answer.status.as_u16(), status, "{role}: {method} {path}");
            if path == "/courses/cs1" && status == 200 {
                let shows_code = answer.json().get("join_code").is_some();
                assert_eq!(shows_code, *role != "student", "{role}");
            }
        }
        let nobody = request(method.clone(), path).header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |b| Body::from(b.to_string()));
        app.send(nobody.body(body).expect("request")).await.problem(401, "unauthenticated");
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_roster_goes_in_as_json_or_csv_and_says_who_is_missing(pg: PgPool) {
    let app = TestApp::new(pg);
    let (teacher, _) = course(&app).await;
    for name in ["ada", "bob", "cleo"] {
        app.account(name, AccountRole::Student).await;
    }
    let roster = json!([{"email": "ADA@test.test"}, {"email": "bob@test.test", "role": "assistant"},
        {"email": "nobody@test.test"}]);
    let report = app.post(&teacher, "/courses/cs1/members", &roster).await.expect(200);
    assert_eq!(report, report_of(2, 0, 0, &["nobody@test.test"]));
    let csv = "name,email,role\nAda,ada@test.test,assistant\nBob,bob@test.test,assistant\nCleo,cleo@test.test,\n";
    let post = |csv: &str| {
        request(Method::POST, "/courses/cs1/members")
            .header(header::AUTHORIZATION, format!("Bearer {}", teacher.token))
            .header(header::CONTENT_TYPE, "text/csv; charset=utf-8")
            .body(Body::from(csv.to_owned()))
            .expect("request")
    };
    let report = app.send(post(csv)).await.expect(200);
    assert_eq!(report, report_of(1, 1, 1, &[]));
    let members = app.get(&teacher, "/courses/cs1/members").await.expect(200);
    let roles: Vec<_> = members["items"].as_array().expect("items").iter().map(|m| (&m["name"], &m["role"])).collect();
    assert_eq!(
        json!(roles),
        json!([["teacher", "instructor"], ["ada", "assistant"], ["bob", "assistant"], ["cleo", "student"]])
    );
    // One bad row and nothing is taken in.
    let problem = app.send(post("email\ncleo@test.test\nnot an address\n")).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/1/email");
    let big = format!("email\n{}", "x".repeat(2 << 20));
    app.send(post(&big)).await.problem(413, "body_too_large");
    let one = json!({"email": "nobody@test.test"});
    let problem = app.post(&teacher, "/courses/cs1/members", &one).await.problem(422, "unknown_account");
    assert_eq!(problem["errors"][0]["pointer"], "/email");
}

/// A report without invitations.
fn report_of(added: usize, changed: usize, unchanged: usize, unknown: &[&str]) -> Value {
    json!({"added": added, "changed": changed, "unchanged": unchanged, "invited": 0, "unknown": unknown, "dry_run": false})
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_is_invited_is_a_student_from_the_moment_of_registering(pg: PgPool) {
    let app = TestApp::new(pg);
    let (teacher, _) = course(&app).await;
    app.account("ada", AccountRole::Student).await;
    let path = "/courses/cs1/members";
    let roster = json!([{"email": "ada@test.test"}, {"email": "New@test.test"}, {"email": "tutor@test.test", "role": "assistant"}]);
    let send = async |query: &str| app.post(&teacher, &format!("{path}{query}"), &roster).await.expect(200);
    let rehearsal = send("?invite=true&dry_run=true").await;
    let expected = json!({"added": 1, "changed": 0, "unchanged": 0, "invited": 1, "unknown": ["tutor@test.test"], "dry_run": true});
    assert_eq!(rehearsal, expected);
    let count = async || app.get(&teacher, path).await.expect(200)["items"].as_array().map(Vec::len);
    assert_eq!(count().await, Some(1), "a rehearsal changes nothing");
    assert_eq!(app.get(&teacher, "/courses/cs1/invitations").await.expect(200)["items"], json!([]));

    let report = send("?invite=true").await;
    assert_eq!((&report["added"], &report["invited"]), (&json!(1), &json!(1)));
    let again = send("?invite=true").await;
    assert_eq!((&again["added"], &again["unchanged"], &again["invited"]), (&json!(0), &json!(1), &json!(1)));
    let one = json!({"email": "other@test.test"});
    assert_eq!(app.post(&teacher, &format!("{path}?invite=true"), &one).await.expect(200)["invited"], 1);
    let invited = app.get(&teacher, "/courses/cs1/invitations?limit=1").await.expect(200);
    assert_eq!(invited["items"][0]["email"], "new@test.test");
    let next = format!("/courses/cs1/invitations?after={}", invited["next"].as_str().expect("more"));
    assert_eq!(app.get(&teacher, &next).await.expect(200)["items"][0]["email"], "other@test.test");
    delete(&app, &teacher, "/courses/cs1/invitations?email=other@test.test").await.expect(204);
    delete(&app, &teacher, "/courses/cs1/invitations?email=other@test.test").await.problem(404, "not_found");

    let new = json!({"email": "new@test.test", "password": "long enough a password", "name": "New"});
    let registration = request(Method::POST, "/auth/register").header(header::CONTENT_TYPE, "application/json");
    app.send(registration.body(Body::from(new.to_string())).expect("request")).await.expect(201);
    let members = app.get(&teacher, path).await.expect(200);
    let newest = members["items"].as_array().and_then(|m| m.last()).expect("a member");
    assert_eq!((&newest["email"], &newest["role"]), (&json!("new@test.test"), &json!("student")));
    assert_eq!(app.get(&teacher, "/courses/cs1/invitations").await.expect(200)["items"], json!([]));
    // Whose invitation was taken back, or who was meant to be staff, is nobody.
    for name in ["other", "tutor"] {
        let user = app.account(name, AccountRole::Student).await;
        app.get(&user, "/courses/cs1").await.problem(404, "not_found");
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_course_keeps_its_last_instructor(pg: PgPool) {
    let app = TestApp::new(pg);
    let (teacher, _) = course(&app).await;
    let other = app.account("other", AccountRole::Student).await;
    let by_path = format!("/courses/cs1/members/{}", teacher.id);
    delete(&app, &teacher, &by_path).await.problem(409, "last_instructor");
    let demote = json!([{"email": teacher.email, "role": "student"}]);
    app.post(&teacher, "/courses/cs1/members", &demote).await.problem(409, "last_instructor");
    let promote = json!({"email": other.email, "role": "instructor"});
    app.post(&teacher, "/courses/cs1/members", &promote).await.expect(201);
    // Two instructors who throw each other out at once: one of them stays.
    let of_other = format!("/courses/cs1/members/{}", other.id);
    let (one, two) = tokio::join!(delete(&app, &teacher, &of_other), delete(&app, &other, &by_path));
    let statuses = [one.status.as_u16(), two.status.as_u16()];
    assert_eq!(statuses.iter().filter(|s| **s == 204).count(), 1, "{statuses:?}");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn lists_come_in_pages_without_gap_or_repetition(pg: PgPool) {
    let app = TestApp::new(pg);
    let teacher = app.account("teacher", AccountRole::Instructor).await;
    for i in 0..5 {
        app.post(&teacher, "/courses", &json!({"slug": format!("c{i}"), "title": "x"})).await.expect(201);
    }
    let (mut slugs, mut after) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = app.get(&teacher, &format!("/courses?limit=2&after={after}")).await.expect(200);
        slugs.extend(page["items"].as_array().expect("items").iter().map(|c| c["slug"].clone()));
        after = page["next"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((json!(slugs), after.as_str()), (json!(["c4", "c3", "c2", "c1", "c0"]), ""));
    for (query, pointer) in [("limit=0", "limit"), ("limit=201", "limit"), ("after=zzz", "after")] {
        let problem = app.get(&teacher, &format!("/courses?{query}")).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    for query in ["limit=many", "limit=99999999999999999999", "limit=%ff", "limit=1&limit=2"] {
        app.get(&teacher, &format!("/courses?{query}")).await.problem(400, "bad_request");
    }
}
