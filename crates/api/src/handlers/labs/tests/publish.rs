use iteratione_common::{
    ids::SubmissionId,
    store::{PgPool, job},
    verdict::Verdict,
};
use serde_json::{Value, json};

use crate::world::{World, assert_no_secret, grade, lab, plain_lab};

async fn publish(world: &World, id: &Value) -> Value {
    let path = format!("/labs/{}/publish", id.as_str().expect("id"));
    world.app.post(&world.instructor, &path, &json!({})).await.expect(202)
}

async fn lab_now(world: &World, id: &Value) -> Value {
    world.app.get(&world.instructor, &format!("/labs/{}", id.as_str().expect("id"))).await.expect(200)
}

async fn solve(world: &World, id: &Value, verdict: Verdict, score: f64) {
    let id: SubmissionId = id.as_str().expect("id").parse().expect("UUID");
    let claimed = world.claim(id).await;
    let mut grade = grade();
    (grade.verdict, grade.score) = (verdict, score);
    job::finish(world.pg(), id, claimed.attempt, &grade).await.expect("finishes").expect("not fenced");
}

fn two_solutions() -> Value {
    let mut document = lab();
    let wrong = json!({"language": "python", "files": [{"name": "main.py", "content": "wrong"}],
                       "expect": {"verdict": "WA"}});
    document["solutions"].as_array_mut().expect("list").push(wrong);
    document
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lab_is_published_when_all_solutions_got_what_they_claim(pg: PgPool) {
    let world = World::new(pg).await;
    let id = world.put("sum", &two_solutions()).await["id"].clone();
    let answer = publish(&world, &id).await;
    assert_eq!((&answer["status"], &answer["revision"]), (&json!("validating"), &json!(1)));
    let submissions = answer["submissions"].as_array().expect("list").clone();
    assert_eq!(submissions.len(), 3, "two solutions and the starter in Python");
    assert_eq!(lab_now(&world, &id).await["status"], "validating");
    // Publishing again while it goes on changes nothing.
    let again = publish(&world, &id).await;
    assert_eq!((&again["status"], &again["submissions"]), (&json!("validating"), &json!([])));

    solve(&world, &submissions[0], Verdict::Ac, 100.0).await;
    assert_eq!(lab_now(&world, &id).await["status"], "validating");
    world.app.get(&world.student, &format!("/labs/{}", id.as_str().expect("id"))).await.problem(404, "not_found");
    solve(&world, &submissions[1], Verdict::Wa, 0.0).await;
    assert_eq!(lab_now(&world, &id).await["status"], "validating");
    solve(&world, &submissions[2], Verdict::Wa, 0.0).await;
    let lab = lab_now(&world, &id).await;
    assert_eq!((&lab["status"], &lab["published_revision"]), (&json!("published"), &json!(1)));
    assert_eq!(lab["validation"]["solutions"].as_array().map(Vec::len), Some(2));
    assert_eq!(lab["validation"]["starters"][0]["language"], "python");
    world.app.get(&world.student, &format!("/labs/{}", id.as_str().expect("id"))).await.expect(200);
    assert_eq!(publish(&world, &id).await["status"], "published");

    // The solutions' submissions are for staff; in the lists of students' work they are not.
    for submission in &submissions {
        let path = format!("/submissions/{}", submission.as_str().expect("id"));
        world.app.get(&world.assistant, &path).await.expect(200);
        world.app.get(&world.student, &path).await.problem(404, "not_found");
    }
    let list = world.app.get(&world.instructor, &format!("/labs/{}/submissions", id.as_str().expect("id"))).await;
    assert_eq!(list.expect(200)["items"], json!([]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_solution_that_claims_too_much_rejects_the_revision_and_students_keep_the_old_one(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = world.put("sum", &two_solutions()).await["id"].clone();
    let submissions = publish(&world, &id).await["submissions"].as_array().expect("list").clone();
    solve(&world, &submissions[0], Verdict::Wa, 40.0).await;
    solve(&world, &submissions[1], Verdict::Wa, 0.0).await;
    solve(&world, &submissions[2], Verdict::Wa, 0.0).await;
    let seen = lab_now(&world, &id).await;
    assert_eq!((&seen["status"], &seen["published_revision"]), (&json!("rejected"), &json!(1)));
    assert_eq!(seen["validation"]["solutions"][0]["ok"], false);
    assert_eq!(seen["validation"]["solutions"][1]["ok"], true);
    let student = world.app.get(&world.student, &format!("/labs/{lab}")).await.expect(200);
    assert_eq!(student["revision"], 1);
    assert_no_secret(&student.to_string());
    // A second try grades anew.
    assert_eq!(publish(&world, &id).await["submissions"].as_array().map(Vec::len), Some(3));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_starter_that_passes_rejects_the_revision(pg: PgPool) {
    let world = World::new(pg).await;
    let id = world.put("sum", &two_solutions()).await["id"].clone();
    let submissions = publish(&world, &id).await["submissions"].as_array().expect("list").clone();
    solve(&world, &submissions[0], Verdict::Ac, 100.0).await;
    solve(&world, &submissions[1], Verdict::Wa, 0.0).await;
    solve(&world, &submissions[2], Verdict::Ac, 100.0).await;
    let seen = lab_now(&world, &id).await;
    assert_eq!((&seen["status"], &seen["published_revision"]), (&json!("rejected"), &json!(null)));
    let starter = &seen["validation"]["starters"][0];
    assert_eq!((&starter["ok"], &starter["verdict"]), (&json!(false), &json!("AC")));
    assert_eq!(starter["message"], "The starter passes as it is: the tests ask for nothing that it does not do.");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_report_names_who_is_mislabelled_as_json_and_as_a_page(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = two_solutions();
    document["title"] = json!("<script>alert(1)</script> & co");
    document["solutions"][1]["name"] = json!("\"><img src=x onerror=alert(2)>");
    let id = world.put("sum", &document).await["id"].clone();
    let path = format!("/labs/{}/validation", id.as_str().expect("id"));
    let before = world.app.get(&world.assistant, &path).await.expect(200);
    assert_eq!((&before["status"], &before["validation"]), (&json!("draft"), &json!(null)));

    for submission in publish(&world, &id).await["submissions"].as_array().expect("list") {
        solve(&world, submission, Verdict::Tle, 0.0).await;
    }
    let report = world.app.get(&world.assistant, &path).await.expect(200);
    assert_eq!((&report["status"], &report["newest_revision"]), (&json!("rejected"), &json!(1)));
    let second = &report["validation"]["solutions"][1];
    assert_eq!((&second["ok"], &second["expect"]), (&json!(false), &json!({"verdict": "WA"})));
    assert_eq!(second["message"], "It should get WA, but got TLE in test visible of group basics.");
    assert_eq!(second["tests"][0]["cpu_ms"], 11);

    let page = page(&world, &path).await;
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    let text = String::from_utf8(page.body.to_vec()).expect("UTF-8");
    assert!(text.contains("It should get WA, but got TLE in test visible of group basics."), "{text}");
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; co"), "{text}");
    assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
}

/// As a browser asks.
async fn page(world: &World, path: &str) -> crate::testing::Answer {
    use axum::{
        body::Body,
        http::{Method, header},
    };
    let request = crate::testing::request(Method::GET, path)
        .header(header::AUTHORIZATION, format!("Bearer {}", world.assistant.token))
        .header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
    world.app.send(request.body(Body::empty()).expect("request")).await
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_change_while_solutions_are_graded_starts_over(pg: PgPool) {
    let world = World::new(pg).await;
    let id = world.put("sum", &lab()).await["id"].clone();
    let submissions = publish(&world, &id).await["submissions"].as_array().expect("list").clone();
    let mut changed = lab();
    changed["title"] = json!("Changed");
    assert_eq!(world.put("sum", &changed).await["status"], "draft");
    solve(&world, &submissions[0], Verdict::Ac, 100.0).await;
    let seen = lab_now(&world, &id).await;
    assert_eq!((&seen["status"], &seen["published_revision"]), (&json!("draft"), &Value::Null));
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_solutions_a_lab_is_published_at_once_with_a_warning(pg: PgPool) {
    let world = World::new(pg).await;
    let id = world.put("sum", &plain_lab()).await["id"].clone();
    let answer = publish(&world, &id).await;
    assert_eq!((&answer["status"], &answer["submissions"]), (&json!("published"), &json!([])));
    assert_eq!(answer["warnings"][0]["pointer"], "/solutions");
    assert_eq!(lab_now(&world, &id).await["published_revision"], 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn publishing_with_a_key_happens_once(pg: PgPool) {
    use axum::{
        body::Body,
        http::{Method, header},
    };
    let world = World::new(pg).await;
    let id = world.put("sum", &lab()).await["id"].clone();
    let send = async || {
        let request = crate::testing::request(Method::POST, &format!("/labs/{}/publish", id.as_str().expect("id")))
            .header(header::AUTHORIZATION, format!("Bearer {}", world.instructor.token))
            .header("idempotency-key", "k");
        world.app.send(request.body(Body::empty()).expect("request")).await
    };
    let first = send().await.expect(202);
    let second = send().await;
    assert_eq!(second.header("idempotent-replayed"), "true");
    assert_eq!(second.expect(202), first);
}
