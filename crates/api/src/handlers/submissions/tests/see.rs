use iteratione_common::{
    store::{PgPool, job},
    verdict::Verdict,
};
use serde_json::json;

use crate::world::{World, assert_no_secret, grade, hand_in, lab};

#[sqlx::test(migrations = "../../migrations")]
async fn a_student_sees_of_each_test_what_its_visibility_allows_and_staff_all(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &lab()).await;
    let id = world.submit(&world.student, lab).await;
    world.graded(id).await;
    let path = format!("/submissions/{id}");
    let seen = world.app.get(&world.student, &path).await.expect(200);
    assert_no_secret(&seen.to_string());
    let tests = seen["tests"].as_array().expect("list");
    assert_eq!(tests.len(), 4);
    for test in &tests[..2] {
        for key in ["stdin", "stdout", "stderr", "expected", "cpu_ms", "wall_ms", "memory_kb", "exit_code"] {
            assert!(!test[key].is_null(), "{key} of {test}");
        }
    }
    for test in &tests[2..] {
        for key in
            ["stdin", "stdout", "stderr", "expected", "cpu_ms", "wall_ms", "memory_kb", "exit_code", "signal", "limit"]
        {
            assert!(test[key].is_null(), "{key} of {test}");
        }
        for key in ["group", "name", "verdict", "points", "max_points"] {
            assert!(!test[key].is_null(), "{key} of {test}");
        }
    }
    assert_eq!((&tests[2]["verdict"], &tests[3]["verdict"]), (&json!("WA"), &json!("TLE")));
    assert_eq!(tests[1]["message"], "The first difference is in line 1.");
    assert_eq!(tests[2]["message"], "Think of negative numbers.");
    assert_eq!(seen["message"], json!(null));
    assert_eq!((&seen["score"], &seen["max_score"], &seen["verdict"]), (&json!(20.0), &json!(100.0), &json!("WA")));
    assert_eq!(seen["groups"][0]["points"], 20.0);

    let whole = serde_json::to_value(grade()).expect("JSON");
    for user in [&world.assistant, &world.instructor, &world.admin] {
        let seen = world.app.get(user, &path).await.expect(200);
        for key in ["tests", "compile", "groups", "message"] {
            assert_eq!(seen[key], whole[key], "{key}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn why_the_judge_failed_is_for_staff_and_why_nothing_compiles_for_the_student(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &lab()).await;
    for (verdict, message) in
        [(Verdict::Ie, Some(job::INTERNAL_ERROR)), (Verdict::Ce, Some("SECRET sentence")), (Verdict::Rte, None)]
    {
        let id = world.submit(&world.student, lab).await;
        let claimed = world.claim(id).await;
        let mut found = grade();
        found.verdict = verdict;
        job::finish(world.pg(), id, claimed.attempt, &found).await.expect("finishes").expect("not fenced");
        let path = format!("/submissions/{id}");
        let student = world.app.get(&world.student, &path).await.expect(200);
        assert_eq!(student["message"].as_str(), message, "{verdict}");
        assert_eq!(world.app.get(&world.instructor, &path).await.expect(200)["message"], "SECRET sentence");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_publisher_who_is_staff_no_more_does_not_keep_the_reference_solutions(pg: PgPool) {
    let world = World::new(pg).await;
    world.published("sum", &lab()).await;
    let solution: String = sqlx::query_scalar("select submission_id::text from submission where kind = 'validation'")
        .fetch_one(world.pg())
        .await
        .expect("a solution's submission");
    world.app.get(&world.instructor, &format!("/submissions/{solution}/files")).await.expect(200);
    sqlx::query("update course_member set role = 'student' where account_id = $1")
        .bind(world.instructor.id.uuid())
        .execute(world.pg())
        .await
        .expect("updates");
    for path in ["", "/files", "/events"] {
        let answer = world.app.get(&world.instructor, &format!("/submissions/{solution}{path}")).await;
        answer.problem(404, "not_found");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_has_left_the_course_sees_nothing_of_it(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &lab()).await;
    let id = world.submit(&world.student, lab).await;
    sqlx::query("delete from course_member where account_id = $1")
        .bind(world.student.id.uuid())
        .execute(world.pg())
        .await
        .expect("deletes");
    for path in [format!("/submissions/{id}"), format!("/submissions/{id}/files"), format!("/labs/{lab}")] {
        world.app.get(&world.student, &path).await.problem(404, "not_found");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_files_are_those_that_were_sent_without_the_instructors(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &lab()).await;
    let mut body = hand_in();
    // A name that the instructor uses too is no secret to whoever guesses it, and no way to the instructor's text.
    body["files"].as_array_mut().expect("list").push(json!({"name": "judge.py", "content": "mine"}));
    body["main"] = json!("main.py");
    let answer = world.app.post(&world.student, &format!("/labs/{lab}/submissions"), &body).await.expect(202);
    let path = format!("/submissions/{}/files", answer["id"].as_str().expect("id"));
    let seen = world.app.get(&world.student, &path).await.expect(200);
    assert_eq!(
        (&seen["files"], &seen["main"], &seen["language"]),
        (&body["files"], &json!("main.py"), &json!("python"))
    );
    assert_no_secret(&seen.to_string());
}
