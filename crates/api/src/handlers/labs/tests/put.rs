use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{lab::LabDocument, store::PgPool};
use serde_json::{Value, json};

use crate::{
    testing::request,
    world::{World, lab, plain_lab},
};

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_document_twice_is_one_revision_and_another_is_the_next(pg: PgPool) {
    let world = World::new(pg).await;
    let put = async |document: &Value| {
        world.app.call(&world.instructor, Method::PUT, "/courses/c/labs/sum", Some(document)).await
    };

    let first = put(&lab()).await;
    let body = first.expect(201);
    let id = body["id"].as_str().expect("id").to_owned();
    assert_eq!(first.header("location"), format!("/api/v1/labs/{id}"));
    assert_eq!((&body["revision"], &body["status"]), (&json!(1), &json!("draft")));
    assert_eq!((&body["created"], &body["changed"]), (&json!(true), &json!(true)));

    // Neither the order of keys nor defaults written out make another document.
    let mut same = lab();
    same["late"] = json!([]);
    same["groups"][0]["scoring"] = json!("sum");
    let body = put(&same).await.expect(200);
    assert_eq!((&body["revision"], &body["changed"], &body["id"]), (&json!(1), &json!(false), &json!(id)));

    let mut other = lab();
    other["title"] = json!("Another title");
    let body = put(&other).await.expect(200);
    assert_eq!((&body["revision"], &body["changed"], &body["created"]), (&json!(2), &json!(true), &json!(false)));

    // Back to the first is a third: revisions tell what happened.
    assert_eq!(put(&lab()).await.expect(200)["revision"], 3);
}

/// A lab that says everything that can be said but for unit tests and programs beside each other.
fn everything() -> Value {
    let mut lab = lab();
    let judge =
        json!({"language": "python", "files": [{"name": "judge.py", "content": "exit(42)"}], "main": "judge.py"});
    lab["programs"] = json!({"judge": judge});
    lab["allow"] = json!(["reflection"]);
    lab["counting"] = json!("last");
    lab["attempts"] = json!({"max": 7, "per_hour": 3});
    let first = lab["groups"][0]["name"].clone();
    lab["groups"].as_array_mut().expect("a list").push(json!({
        "name": "everything", "points": 5, "scoring": "min", "requires": [first],
        "tests": [
            {"name": "talk", "visibility": "sample", "kind": "interactive", "stdin": "secret input", "expected": "secret answer",
             "interactor": {"program": "judge", "args": ["secret argument"]}, "passes": 2, "args": ["x"], "points": 3,
             "files": [{"name": "f.txt", "content": "f"}], "message": "Flush."},
            {"name": "check", "visibility": "sample", "checker": {"type": "program", "program": "judge", "args": ["secret argument"]}},
            {"name": "tokens", "visibility": "after_due", "expected": "1.0",
             "checker": {"type": "tokens", "float_abs": 0.1, "case_sensitive": false, "space_sensitive": true}},
        ],
    }));
    lab
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_staff_read_can_be_put_again_and_is_the_same_revision_and_students_see_no_judge(pg: PgPool) {
    let world = World::new(pg).await;
    let path = "/courses/c/labs/whole";
    let put = world.app.call(&world.instructor, Method::PUT, path, Some(&everything())).await.expect(201);
    let read =
        world.app.get(&world.instructor, &format!("/labs/{}", put["id"].as_str().expect("id"))).await.expect(200);
    let document: LabDocument = serde_json::from_value(everything()).expect("a document");
    let mut again = json!({});
    for field in serde_json::to_value(&document).expect("JSON").as_object().expect("an object").keys() {
        assert!(read.get(field).is_some(), "{field} is not told to staff");
        again[field] = read[field].clone();
    }
    let put = world.app.call(&world.instructor, Method::PUT, path, Some(&again)).await.expect(200);
    assert_eq!((&put["changed"], &put["revision"]), (&json!(false), &json!(1)));

    let mut plain = everything();
    plain["solutions"] = json!([]);
    let id = world.published("shown", &plain).await;
    let seen = world.app.get(&world.student, &format!("/labs/{id}")).await.expect(200);
    let sample = &seen["groups"].as_array().expect("groups").last().expect("ours")["tests"][0];
    assert_eq!((&sample["name"], &sample["args"]), (&json!("talk"), &json!(["x"])));
    assert!(!seen.to_string().contains("secret") && !seen.to_string().contains("exit(42)"), "{seen}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn puts_at_once_make_one_lab_and_no_error(pg: PgPool) {
    let world = World::new(pg).await;
    let documents: Vec<_> = (0..6)
        .map(|i| {
            let mut document = plain_lab();
            document["title"] = json!(format!("Version {}", i % 3));
            document
        })
        .collect();
    let puts = documents.iter().map(|d| world.app.call(&world.instructor, Method::PUT, "/courses/c/labs/sum", Some(d)));
    let answers = futures_util::future::join_all(puts).await;
    let created = answers.iter().filter(|a| a.status == 201).count();
    assert_eq!(created, 1);
    for answer in &answers {
        assert!(answer.status.is_success(), "{answer:?}");
        assert_eq!(answer.json()["id"], answers[0].json()["id"]);
    }
    let labs = world.app.get(&world.instructor, "/courses/c/labs").await.expect(200);
    assert_eq!(labs["items"].as_array().map(Vec::len), Some(1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn all_that_is_wrong_is_told_at_once_and_nothing_is_stored(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = lab();
    document["languages"] = json!(["cobol"]);
    document["limits"] = json!({"cpu_ms": 999_999_999});
    document["groups"][0]["tests"][0]["checker"] = json!({"type": "tokens", "float_abs": -1});
    document["groups"][1]["tests"][0]["name"] = json!("after");
    document["solutions"][0]["expect"] = json!({});
    let problem = world
        .app
        .call(&world.instructor, Method::PUT, "/courses/c/labs/sum", Some(&document))
        .await
        .problem(422, "invalid");
    let pointers: Vec<_> =
        problem["errors"].as_array().expect("list").iter().map(|e| e["pointer"].as_str().expect("text")).collect();
    for pointer in [
        "/languages/0",
        "/limits/cpu_ms",
        "/groups/0/tests/0/checker/float_abs",
        "/groups/1/tests/1/name",
        "/solutions/0/expect",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} is missing in {pointers:?}");
    }
    let labs = world.app.get(&world.instructor, "/courses/c/labs").await.expect(200);
    assert_eq!(labs["items"], json!([]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_wrong_type_a_broken_body_and_a_bad_slug_are_4xx(pg: PgPool) {
    let world = World::new(pg).await;
    let put = async |path: &str, body: String| {
        let request = request(Method::PUT, path)
            .header(header::AUTHORIZATION, format!("Bearer {}", world.instructor.token))
            .header(header::CONTENT_TYPE, "application/json");
        world.app.send(request.body(Body::from(body)).expect("request")).await
    };
    let path = "/courses/c/labs/sum";
    let mut document = lab();
    document["groups"][1]["tests"][0]["stdin"] = json!(7);
    let problem = put(path, document.to_string()).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/groups/1/tests/0/stdin");
    let mut document = lab();
    document["groups"][0]["tests"][0]["stdin"] = json!("a\u{0}b");
    let problem = put(path, document.to_string()).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/groups/0/tests/0/stdin");

    let infinite = lab().to_string().replace("\"points\":40", "\"points\":1e999");
    put(path, infinite).await.problem(400, "malformed_json");
    put(path, "{".to_owned()).await.problem(400, "malformed_json");
    let deep = put(path, "[".repeat(100_000)).await;
    assert!(deep.status.is_client_error(), "{deep:?}");
    put("/courses/c/labs/Not%20a%20slug", lab().to_string()).await.problem(400, "bad_request");
    put("/courses/nowhere/labs/sum", lab().to_string()).await.problem(404, "not_found");

    let mut huge = plain_lab();
    huge["groups"][0]["tests"][0]["stdin"] = json!("x".repeat(17 << 20));
    put(path, huge.to_string()).await.problem(413, "body_too_large");
    // What is far over the usual bound of a body, but not over a document's, is taken.
    let mut large = plain_lab();
    large["groups"][0]["tests"][0]["stdin"] = json!("x".repeat(5 << 20));
    put(path, large.to_string()).await.expect(201);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_dry_run_tells_what_is_wrong_and_stores_nothing(pg: PgPool) {
    let world = World::new(pg).await;
    let path = "/courses/c/labs/sum?dry_run=true";
    let answer = world.app.call(&world.instructor, Method::PUT, path, Some(&plain_lab())).await.expect(200);
    assert_eq!((&answer["dry_run"], &answer["id"]), (&json!(true), &json!(null)));
    assert_eq!(answer["warnings"][0]["pointer"], "/solutions");
    let mut document = lab();
    document["groups"] = json!([]);
    world.app.call(&world.instructor, Method::PUT, path, Some(&document)).await.problem(422, "invalid");
    let labs = world.app.get(&world.instructor, "/courses/c/labs").await.expect(200);
    assert_eq!(labs["items"], json!([]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_deleted_lab_is_gone_its_slug_is_free_and_its_grades_stay(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let submission = world.submit(&world.student, lab).await;
    world.graded(submission).await;
    let path = format!("/labs/{lab}");
    world.app.call(&world.instructor, Method::DELETE, &path, None).await.expect(204);
    for user in [&world.instructor, &world.student] {
        world.app.get(user, &path).await.problem(404, "not_found");
        assert_eq!(world.app.get(user, "/courses/c/labs").await.expect(200)["items"], json!([]));
    }
    world.app.call(&world.instructor, Method::DELETE, &path, None).await.problem(404, "not_found");
    let again = world.put("sum", &plain_lab()).await;
    assert_ne!(again["id"], lab.to_string());
    let result = world.app.get(&world.student, &format!("/submissions/{submission}")).await.expect(200);
    assert_eq!(result["score"], 20.0);
}
