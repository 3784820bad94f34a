use std::sync::{Arc, Mutex};

use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{
    ids::LabId,
    store::{self, PgPool, job},
    verdict::Verdict,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    testing::{Answer, TestUser, request},
    world::{World, assert_no_secret, grade, hand_in, plain_lab},
};

async fn post(world: &World, user: &TestUser, lab: LabId, body: &Value) -> Answer {
    world.app.post(user, &format!("/labs/{lab}/submissions"), body).await
}

/// Redis is away in all these tests: nobody listens at its address.
#[sqlx::test(migrations = "../../migrations")]
async fn a_hand_in_is_accepted_at_once_even_while_redis_is_away(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let begun = std::time::Instant::now();
    let answer = post(&world, &world.student, lab, &hand_in()).await;
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    let body = answer.expect(202);
    let id = body["id"].as_str().expect("id");
    assert_eq!(answer.header("location"), format!("/api/v1/submissions/{id}"));
    assert_eq!((&body["status"], &body["queue_position"]), (&json!("queued"), &json!(1)));
    assert_eq!((&body["attempt"], &body["grading_attempt"], &body["revision"]), (&json!(1), &json!(0), &json!(1)));
    assert_eq!((&body["verdict"], &body["score"], &body["late_factor"]), (&Value::Null, &Value::Null, &json!(1.0)));
    assert_eq!((&body["tests"], &body["groups"]), (&json!([]), &json!([])));
    let next = post(&world, &world.student, lab, &hand_in()).await.expect(202);
    assert_eq!((&next["attempt"], &next["queue_position"]), (&json!(2), &json!(2)));
    let seen = world.app.get(&world.student, &format!("/submissions/{id}")).await.expect(200);
    assert_eq!((&seen["status"], &seen["queue_position"]), (&json!("queued"), &json!(1)));
    let files = world.app.get(&world.student, &format!("/submissions/{id}/files")).await.expect(200);
    assert_eq!(files["files"], hand_in()["files"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_cannot_be_graded_is_refused_with_pointers(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let file = |name: &str| json!({"name": name, "content": ""});
    for (body, pointer) in [
        (json!({"language": "c", "files": [file("main.c")]}), "/language"),
        (json!({"language": "cobol", "files": []}), "/language"),
        (json!({"language": "python", "files": []}), "/files"),
        (json!({"language": "python", "files": [file("a.py"), file("../x.py")]}), "/files/1/name"),
        (json!({"language": "python", "files": [file("/etc/x.py")]}), "/files/0/name"),
        (json!({"language": "python", "files": [file("-o")]}), "/files/0/name"),
        (json!({"language": "python", "files": [file("a\nb.py")]}), "/files/0/name"),
        (json!({"language": "python", "files": [file("a\u{0}.py")]}), "/files/0/name"),
        (json!({"language": "python", "files": [file("a.py"), file("A.py")]}), "/files/1/name"),
        (json!({"language": "python", "files": [file("a.py")], "main": "a\nb"}), "/main"),
        (json!({"language": "python", "files": [{"name": "a.py", "content": "a\u{0}"}]}), "/files/0/content"),
        (json!({"language": "python", "files": [{"name": "a.py"}]}), "/files/0"),
        (json!({"language": "python", "files": [file("a.py")], "score": 100}), "/score"),
        (json!({"language": "python", "files": vec![file("a.py"); 10_000]}), "/files"),
        (json!({"language": "python", "files": [{"name": "a.py", "content": "x".repeat(300 << 10)}]}), "/files"),
    ] {
        let problem = post(&world, &world.student, lab, &body).await.problem(422, "invalid");
        let found = problem["errors"].as_array().expect("list").iter().any(|e| e["pointer"] == pointer);
        assert!(found, "{pointer} is missing in {problem}");
    }
    let huge = json!({"language": "python", "files": [{"name": "a.py", "content": "x".repeat(5 << 20)}]});
    post(&world, &world.student, lab, &huge).await.problem(413, "body_too_large");
    let list = world.app.get(&world.instructor, &format!("/labs/{lab}/submissions")).await.expect(200);
    assert_eq!(list["items"], json!([]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_servers_clock_decides_what_is_in_time_late_or_refused(pg: PgPool) {
    let now = Arc::new(Mutex::new("2029-12-31T23:59:59Z".parse::<Timestamp>().expect("time")));
    let clock = {
        let now = Arc::clone(&now);
        Clock::from_fn(move || *now.lock().expect("clock"))
    };
    let world = World::adjusted(pg, &[], |state| state.clock = clock).await;
    let mut document = plain_lab();
    document["available_from"] = json!("2030-01-01T00:00:00Z");
    document["due_at"] = json!("2030-01-10T12:00:00Z");
    document["late"] = json!([{"until": "2030-01-11T12:00:00Z", "factor": 0.5}]);
    let lab = world.published("sum", &document).await;
    let set = |text: &str| *now.lock().expect("clock") = text.parse().expect("time");

    post(&world, &world.student, lab, &hand_in()).await.problem(409, "not_available_yet");
    set("2030-01-10T12:00:00Z");
    assert_eq!(post(&world, &world.student, lab, &hand_in()).await.expect(202)["late_factor"], 1.0);
    set("2030-01-10T12:00:01Z");
    let late = post(&world, &world.student, lab, &hand_in()).await.expect(202);
    assert_eq!(late["late_factor"], 0.5);
    set("2030-01-11T12:00:01Z");
    post(&world, &world.student, lab, &hand_in()).await.problem(409, "deadline_passed");
    // Deadlines bind students.
    assert_eq!(post(&world, &world.assistant, lab, &hand_in()).await.expect(202)["late_factor"], 1.0);

    let id = late["id"].as_str().expect("id").parse().expect("UUID");
    world.graded(id).await;
    let result = world.app.get(&world.student, &format!("/submissions/{id}")).await.expect(200);
    assert_eq!((&result["score"], &result["raw_score"]), (&json!(10.0), &json!(20.0)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn attempts_run_out_but_not_by_the_judges_fault(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = plain_lab();
    document["attempts"] = json!({"max": 2, "per_hour": null});
    let lab = world.published("sum", &document).await;
    let first = world.submit(&world.student, lab).await;
    world.submit(&world.student, lab).await;
    post(&world, &world.student, lab, &hand_in()).await.problem(409, "attempts_exhausted");
    let own = world.app.get(&world.student, &format!("/labs/{lab}")).await.expect(200)["own"].clone();
    assert_eq!((&own["used"], &own["left"]), (&json!(2), &json!(0)));

    let claimed = world.claim(first).await;
    let mut broken = grade();
    broken.verdict = Verdict::Ie;
    job::finish(world.pg(), first, claimed.attempt, &broken).await.expect("finishes").expect("not fenced");
    post(&world, &world.student, lab, &hand_in()).await.expect(202);
    post(&world, &world.student, lab, &hand_in()).await.problem(409, "attempts_exhausted");
    // Staff and other students are not touched.
    post(&world, &world.other, lab, &hand_in()).await.expect(202);
    for _ in 0..3 {
        post(&world, &world.assistant, lab, &hand_in()).await.expect(202);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn too_many_in_an_hour_are_told_when_to_come_back(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = plain_lab();
    document["attempts"] = json!({"max": null, "per_hour": 3});
    let lab = world.published("sum", &document).await;
    for _ in 0..3 {
        world.submit(&world.student, lab).await;
    }
    let refused = post(&world, &world.student, lab, &hand_in()).await;
    refused.problem(429, "too_many_submissions");
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1100..=1200).contains(&wait), "three an hour is one in twenty minutes: {wait}");
    sqlx::query("update submission set created_at = created_at - interval '21 minutes' where account_id = $1")
        .bind(world.student.id.uuid())
        .execute(world.pg())
        .await
        .expect("turns back the clock");
    post(&world, &world.student, lab, &hand_in()).await.expect(202);
    post(&world, &world.student, lab, &hand_in()).await.problem(429, "too_many_submissions");
}

#[sqlx::test(migrations = "../../migrations")]
async fn attempts_sent_at_once_do_not_slip_through(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = plain_lab();
    document["attempts"] = json!({"max": 3, "per_hour": null});
    let lab = world.published("sum", &document).await;
    let body = hand_in();
    let answers = futures_util::future::join_all((0..10).map(|_| post(&world, &world.student, lab, &body))).await;
    let accepted = answers.iter().filter(|a| a.status == 202).count();
    let refused = answers.iter().filter(|a| a.status == 409).count();
    assert_eq!((accepted, refused), (3, 7));
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_user_cannot_fill_the_queue(pg: PgPool) {
    let world = World::adjusted(pg, &[("ITERATIONE_API__LIMITS__SUBMISSIONS_UNDER_WAY", "2")], |_| {}).await;
    let lab = world.published("sum", &plain_lab()).await;
    let first = world.submit(&world.student, lab).await;
    world.submit(&world.student, lab).await;
    let refused = post(&world, &world.student, lab, &hand_in()).await;
    refused.problem(429, "too_many_queued");
    assert!(!refused.header("retry-after").is_empty());
    world.submit(&world.other, lab).await;
    world.graded(first).await;
    world.submit(&world.student, lab).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_sent_twice_hands_in_once(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let send = async |user: &TestUser, body: Value| {
        let request = request(Method::POST, &format!("/labs/{lab}/submissions"))
            .header(header::AUTHORIZATION, format!("Bearer {}", user.token))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "the-key");
        world.app.send(request.body(Body::from(body.to_string())).expect("request")).await
    };
    let answers = futures_util::future::join_all((0..4).map(|_| send(&world.student, hand_in()))).await;
    let first = answers[0].expect(202);
    for answer in &answers {
        assert_eq!(answer.expect(202)["id"], first["id"]);
        assert_eq!(answer.header("location"), answers[0].header("location"));
    }
    let mut other = hand_in();
    other["files"][0]["content"] = json!("print(4)\n");
    send(&world.student, other).await.problem(422, "idempotency_key_reused");
    // Keys are each account's own.
    assert_ne!(send(&world.other, hand_in()).await.expect(202)["id"], first["id"]);
    let list = world.app.get(&world.student, &format!("/labs/{lab}/submissions")).await.expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn staff_try_drafts_by_their_newest_revision(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let mut next = plain_lab();
    next["languages"] = json!(["java"]);
    next["starter"] = json!({});
    world.put("sum", &next).await;
    let java = json!({"language": "java", "files": [{"name": "Main.java", "content": "class Main {}"}]});
    assert_eq!(post(&world, &world.instructor, lab, &java).await.expect(202)["revision"], 2);
    assert_eq!(post(&world, &world.student, lab, &hand_in()).await.expect(202)["revision"], 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn lists_show_staff_all_and_students_their_own_in_pages(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(world.submit(&world.student, lab).await);
    }
    let theirs = world.submit(&world.other, lab).await;
    for id in mine.iter().chain([&theirs]) {
        world.graded(*id).await;
    }
    let path = format!("/labs/{lab}/submissions");
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().expect("list").iter().map(|s| s["id"].as_str().expect("id").to_owned()).collect()
    };
    let newest_first: Vec<_> = mine.iter().rev().map(ToString::to_string).collect();
    let seen = world.app.get(&world.student, &path).await.expect(200);
    assert_eq!(ids(&seen), newest_first);
    assert_no_secret(&seen.to_string());
    let own = format!("{path}?user={}", world.student.id);
    assert_eq!(ids(&world.app.get(&world.student, &own).await.expect(200)), newest_first);
    let foreign = format!("{path}?user={}", world.other.id);
    world.app.get(&world.student, &foreign).await.problem(403, "forbidden");
    assert_eq!(ids(&world.app.get(&world.assistant, &foreign).await.expect(200)), [theirs.to_string()]);

    let first = world.app.get(&world.assistant, &format!("{path}?limit=3")).await.expect(200);
    let next = first["next"].as_str().expect("more");
    let second = world.app.get(&world.assistant, &format!("{path}?limit=3&after={next}")).await.expect(200);
    assert_eq!(ids(&first).len() + ids(&second).len(), 4);
    assert_eq!((ids(&second), &second["next"]), (vec![mine[0].to_string()], &Value::Null));
    world.app.get(&world.assistant, &format!("{path}?user=x")).await.problem(400, "bad_request");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hand_in_and_its_job_are_one(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.submit(&world.student, lab).await;
    let standing = store::submission::standing(world.pg(), id).await.expect("reads").expect("is there");
    assert_eq!(standing.grading_attempt, 0);
    assert_eq!(store::intake::under_way(world.pg(), world.student.id).await.expect("counts"), 1);
    world.graded(id).await;
    assert_eq!(store::intake::under_way(world.pg(), world.student.id).await.expect("counts"), 0);
}
