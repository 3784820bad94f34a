use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{
    ids::{LabId, SubmissionId},
    lab::LabDocument,
    scoring,
    store::{PgPool, job},
    submission::{Grade, TestResult},
    verdict::Verdict::{self, Ac, Wa},
};
use serde_json::{Value, json};

use crate::{
    testing::{Answer, TestUser, request},
    world::World,
};

/// Two groups of 60 and 40 points, with a test in each.
fn document() -> Value {
    json!({
        "title": "Sums", "languages": ["python"],
        "groups": [{"name": "a", "points": 60, "tests": [{"name": "t", "visibility": "visible", "expected": "3\n"}]},
                   {"name": "b", "points": 40, "tests": [{"name": "u", "expected": "4\n"}]}],
        "attempts": {"max": null, "per_hour": null}
    })
}

/// The same with another expectation: what was right may be wrong now.
fn other_expectation() -> Value {
    let mut document = document();
    document["groups"][0]["tests"][0]["expected"] = json!("33\n");
    document
}

fn grade(document: &Value, verdicts: [Verdict; 2]) -> Grade {
    let document: LabDocument = serde_json::from_value(document.clone()).expect("a document");
    let mut tests = Vec::new();
    for (group, verdict) in document.groups.iter().zip(verdicts) {
        let max_points = scoring::share(group, 0, true);
        let points = if verdict == Ac { max_points } else { 0.0 };
        let result = TestResult::not_run(&group.name, &group.tests[0].name, group.tests[0].visibility);
        tests.push(TestResult { verdict, points, max_points, ..result });
    }
    let scored = scoring::score(&document, &tests, true);
    Grade {
        verdict: scored.verdict,
        score: scored.score,
        max_score: scored.max_score,
        compile: None,
        groups: scored.groups,
        tests,
        message: None,
    }
}

/// What a grader does with a submission or a run.
async fn finish(world: &World, id: SubmissionId, verdicts: [Verdict; 2]) {
    let attempt = world.claim(id).await.attempt;
    job::finish(world.pg(), id, attempt, &grade(&document(), verdicts)).await.expect("finishes").expect("not fenced");
}

async fn handed_in(world: &World, user: &TestUser, lab: LabId, verdicts: [Verdict; 2]) -> SubmissionId {
    let id = world.submit(user, lab).await;
    finish(world, id, verdicts).await;
    id
}

async fn rejudge(world: &World, lab: LabId, wanted: &Value) -> Value {
    let answer = world.app.post(&world.assistant, &format!("/labs/{lab}/rejudge"), wanted).await;
    let location = answer.header("location").to_owned();
    let set = answer.expect(202);
    assert_eq!(location, format!("/api/v1/rejudges/{}", text(&set["id"])));
    set
}

async fn report(world: &World, set: &Value) -> Value {
    world.app.get(&world.assistant, &format!("/rejudges/{}", text(&set["id"]))).await.expect(200)
}

async fn apply(world: &World, set: &Value, query: &str) -> Answer {
    let path = format!("/rejudges/{}/apply{query}", text(&set["id"]));
    world.app.post(&world.instructor, &path, &json!({})).await
}

async fn seen(world: &World, user: &TestUser, id: SubmissionId) -> Value {
    world.app.get(user, &format!("/submissions/{id}")).await.expect(200)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// The item of a submission, and the run by which it is graded again.
fn item(report: &Value, id: SubmissionId) -> (Value, SubmissionId) {
    let items = report["items"].as_array().expect("items");
    let item = items.iter().find(|i| i["submission"] == id.to_string()).expect("is in the set");
    (item.clone(), text(&item["run"]).parse().expect("UUID"))
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rejudge_stands_beside_the_grades_until_it_is_applied_at_once(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let first = handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let second = handed_in(&world, &world.other, lab, [Ac, Ac]).await;
    world.published("sums", &other_expectation()).await;

    let set = rejudge(&world, lab, &json!({"reason": "the answer is 33"})).await;
    assert_eq!((&set["revision"], &set["finished"], &set["rescored"]), (&json!(2), &json!(false), &json!(0)));
    assert_eq!((&set["counts"]["total"], &set["counts"]["pending"]), (&json!(2), &json!(2)));
    apply(&world, &set, "").await.problem(409, "rejudge_unfinished");
    let begun = report(&world, &set).await;
    finish(&world, item(&begun, first).1, [Ac, Ac]).await;
    finish(&world, item(&begun, second).1, [Wa, Ac]).await;

    let done = report(&world, &set).await;
    assert_eq!(done["finished"], true);
    let counts = &done["counts"];
    assert_eq!((&counts["better"], &counts["worse"], &counts["same"]), (&json!(1), &json!(1), &json!(0)), "{counts}");
    assert_eq!(counts["verdict_changed"], 2);
    let (better, run) = item(&done, first);
    assert_eq!(
        (&better["change"], &better["before"]["score"], &better["after"]["score"]),
        (&json!("better"), &json!(40.0), &json!(100.0))
    );
    assert_eq!((&better["before"]["revision"], &better["after"]["revision"]), (&json!(1), &json!(2)));
    assert_eq!((&better["counted_before"]["score"], &better["counted_after"]["score"]), (&json!(40.0), &json!(100.0)));
    let worse =
        world.app.get(&world.assistant, &format!("/rejudges/{}?change=worse", text(&set["id"]))).await.expect(200);
    assert_eq!((worse["items"].as_array().map(Vec::len), &worse["items"][0]["submission"]), (Some(1), &json!(second)));

    // Nothing of it has reached a student.
    let before = seen(&world, &world.student, first).await;
    assert_eq!(
        (&before["score"], &before["revision"], &before["regraded_at"]),
        (&json!(40.0), &json!(1), &Value::Null)
    );
    world.app.get(&world.student, &format!("/submissions/{run}")).await.problem(404, "not_found");
    assert_eq!(world.app.get(&world.assistant, &format!("/submissions/{run}")).await.expect(200)["score"], 100.0);
    let list = world.app.get(&world.instructor, &format!("/labs/{lab}/submissions")).await.expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2), "runs are nobody's hand-ins");

    let applied = apply(&world, &set, "").await.expect(200);
    assert_eq!(
        (&applied["state"], &applied["counts"]["applied"], &applied["skipped_count"]),
        (&json!("applied"), &json!(2), &json!(0))
    );
    let after = seen(&world, &world.student, first).await;
    assert_eq!((&after["score"], &after["verdict"], &after["revision"]), (&json!(100.0), &json!("AC"), &json!(2)));
    assert!(after["regraded_at"].is_string());
    assert_eq!((&after["finished_at"], &after["attempt"]), (&before["finished_at"], &before["attempt"]));
    assert_eq!(after["tests"].as_array().map(Vec::len), Some(2));
    let history = world.app.get(&world.student, &format!("/submissions/{first}/history")).await.expect(200);
    assert_eq!(
        (&history[0]["score"], &history[0]["revision"], &history[0]["reason"]),
        (&json!(40.0), &json!(1), &Value::Null)
    );
    let history = world.app.get(&world.assistant, &format!("/submissions/{first}/history")).await.expect(200);
    assert_eq!((&history[0]["reason"], &history[0]["rejudge"]), (&json!("the answer is 33"), &set["id"]));
    apply(&world, &set, "").await.problem(409, "rejudge_closed");
    let closed = report(&world, &set).await;
    assert_eq!(item(&closed, second).0["outcome"], "applied");
    assert_eq!(item(&closed, first).0["counted_before"]["score"], 40.0, "the report stays what it was");
}

#[sqlx::test(migrations = "../../migrations")]
async fn webhooks_are_told_of_the_grades_that_applying_changes_and_of_no_others(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let first = handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let same = handed_in(&world, &world.other, lab, [Ac, Ac]).await;
    sqlx::query(
        "insert into webhook (webhook_id, course_id, url, secret, created_by, events)
         select gen_random_uuid(), course_id, 'https://grades.example/hook', '\\x00', created_by, '{submission.graded}'
           from lab join course using (course_id) where lab_id = $1",
    )
    .bind(lab.uuid())
    .execute(world.pg())
    .await
    .expect("a webhook");
    let set = rejudge(&world, lab, &json!({"reason": "again"})).await;
    let begun = report(&world, &set).await;
    finish(&world, item(&begun, first).1, [Ac, Ac]).await;
    finish(&world, item(&begun, same).1, [Ac, Ac]).await;
    let told = async || {
        sqlx::query_scalar::<_, String>("select payload from webhook_delivery")
            .fetch_all(world.pg())
            .await
            .expect("messages")
    };
    assert_eq!(told().await, Vec::<String>::new(), "runs are nobody's grades");
    apply(&world, &set, "").await.expect(200);
    let told: Vec<Value> = told().await.iter().map(|m| serde_json::from_str(m).expect("JSON")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let data = &told[0]["data"];
    assert_eq!((&data["submission"], &data["score"], &data["verdict"]), (&json!(first), &json!(100.0), &json!("AC")));
    assert_eq!(data["regraded_at"], told[0]["timestamp"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn where_only_points_changed_stored_results_are_scored_anew_and_nothing_runs(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let id = handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let mut points = document();
    points["groups"][0]["points"] = json!(10);
    points["groups"][1]["points"] = json!(90);
    world.published("sums", &points).await;

    let set = rejudge(&world, lab, &json!({})).await;
    assert_eq!((&set["finished"], &set["rescored"], &set["counts"]["better"]), (&json!(true), &json!(1), &json!(1)));
    let waiting: i64 = sqlx::query_scalar("select count(*) from grading_job where state <> 'done'")
        .fetch_one(world.pg())
        .await
        .expect("counts");
    assert_eq!(waiting, 0);
    apply(&world, &set, "").await.expect(200);
    let after = seen(&world, &world.student, id).await;
    assert_eq!((&after["score"], &after["revision"], &after["verdict"]), (&json!(90.0), &json!(2), &json!("WA")));
    assert_eq!((&after["tests"][1]["points"], &after["groups"][1]["max_points"]), (&json!(90.0), &json!(90.0)));

    // By the same revision, or when asked to, it runs.
    for wanted in [json!({}), json!({"rerun": true, "revision": 1})] {
        assert_eq!(rejudge(&world, lab, &wanted).await["counts"]["pending"], 1, "{wanted}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_cancelled_rejudge_drops_what_has_not_begun_and_what_runs_cannot_be_recorded(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let first = handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let second = handed_in(&world, &world.other, lab, [Ac, Ac]).await;
    let set = rejudge(&world, lab, &json!({})).await;
    let (_, run) = item(&report(&world, &set).await, first);
    let claimed = world.claim(run).await;

    let path = format!("/rejudges/{}/cancel", text(&set["id"]));
    let cancelled = world.app.post(&world.assistant, &path, &json!({})).await.expect(200);
    assert_eq!((&cancelled["state"], &cancelled["counts"]["dropped"]), (&json!("cancelled"), &json!(2)));
    let late = job::finish(world.pg(), run, claimed.attempt, &grade(&document(), [Ac, Ac])).await.expect("is refused");
    assert_eq!(late, None);
    let lost = job::heartbeat(world.pg(), &[(run, claimed.attempt)], Duration::from_secs(1)).await.expect("beats");
    assert_eq!(lost, [(run, claimed.attempt)], "its grader hears of it and stops");
    let left: i64 = sqlx::query_scalar("select count(*) from grading_job where rejudge")
        .fetch_one(world.pg())
        .await
        .expect("counts");
    assert_eq!(left, 0);
    for (user, id, score) in [(&world.student, first, 40.0), (&world.other, second, 100.0)] {
        let standing = seen(&world, user, id).await;
        assert_eq!((&standing["score"], &standing["regraded_at"]), (&json!(score), &Value::Null));
    }
    world.app.post(&world.assistant, &path, &json!({})).await.problem(409, "rejudge_closed");
    apply(&world, &set, "").await.problem(409, "rejudge_closed");
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_two_sets_with_the_same_submission_the_first_applied_stands_and_the_other_names_it(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let id = handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let other = handed_in(&world, &world.other, lab, [Wa, Wa]).await;
    let one = world.app.post(&world.assistant, &format!("/submissions/{id}/rejudge"), &json!({})).await.expect(202);
    let both = rejudge(&world, lab, &json!({})).await;
    finish(&world, item(&report(&world, &one).await, id).1, [Ac, Ac]).await;
    let begun = report(&world, &both).await;
    finish(&world, item(&begun, id).1, [Wa, Wa]).await;
    finish(&world, item(&begun, other).1, [Ac, Ac]).await;
    world.submit(&world.student, lab).await;

    apply(&world, &one, "").await.expect(200);
    let (shared, _) = item(&report(&world, &both).await, id);
    assert_eq!((&shared["conflict"], &shared["newer_submission"]), (&json!(true), &json!(true)));
    let applied = apply(&world, &both, "").await.expect(200);
    assert_eq!(applied["skipped"], json!([{"submission": id, "why": "conflict"}]));
    assert_eq!(applied["counts"]["applied"], 1);
    assert_eq!(seen(&world, &world.student, id).await["score"], 100.0, "the first set's");
    assert_eq!(seen(&world, &world.other, other).await["score"], 100.0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_the_judge_could_not_grade_or_has_not_graded_yet_keeps_its_grade_and_is_named(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(handed_in(&world, &world.student, lab, [Wa, Ac]).await);
    }
    let set = rejudge(&world, lab, &json!({})).await;
    let begun = report(&world, &set).await;
    let run = item(&begun, ids[0]).1;
    let attempt = world.claim(run).await.attempt;
    job::give_up(world.pg(), run, attempt, "no image").await.expect("gives up").expect("not fenced");
    finish(&world, item(&begun, ids[1]).1, [Ac, Ac]).await;
    let counts = report(&world, &set).await["counts"].clone();
    assert_eq!((&counts["failed"], &counts["pending"], &counts["better"]), (&json!(1), &json!(1), &json!(1)));

    let applied = apply(&world, &set, "?partial=true").await.expect(200);
    let expected = json!([{"submission": ids[0], "why": "failed"}, {"submission": ids[2], "why": "unfinished"}]);
    assert_eq!((&applied["skipped"], &applied["counts"]["applied"]), (&expected, &json!(1)));
    let mut scores = Vec::new();
    for id in ids {
        scores.push(seen(&world, &world.student, id).await["score"].clone());
    }
    assert_eq!(scores, [40.0, 100.0, 40.0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn filters_choose_and_what_means_nothing_is_refused_with_a_reason(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let bad = handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let good = handed_in(&world, &world.student, lab, [Ac, Ac]).await;
    let other = handed_in(&world, &world.other, lab, [Wa, Ac]).await;
    let waiting = world.submit(&world.student, lab).await;
    for (wanted, expected) in [
        (json!({}), vec![bad, good, other]),
        (json!({"verdicts": ["WA"]}), vec![bad, other]),
        (json!({"users": [world.student.id]}), vec![bad, good]),
        (json!({"users": [world.student.id], "verdicts": ["WA", "TLE"]}), vec![bad]),
        (json!({"only_best": true}), vec![good, other]),
        (json!({"submissions": [good]}), vec![good]),
    ] {
        let set = rejudge(&world, lab, &wanted).await;
        let items = report(&world, &set).await["items"].as_array().expect("items").clone();
        let ids: Vec<_> = items.iter().map(|i| i["submission"].clone()).collect();
        assert_eq!(json!(ids), json!(expected), "{wanted}");
    }
    let path = format!("/labs/{lab}/rejudge");
    let refused = async |wanted: Value, status, code| {
        world.app.post(&world.instructor, &path, &wanted).await.problem(status, code)
    };
    let problem = refused(json!({"submissions": [good, waiting, SubmissionId::new()]}), 422, "invalid").await;
    let pointers: Vec<_> = problem["errors"].as_array().expect("errors").iter().map(|e| e["pointer"].clone()).collect();
    assert_eq!(pointers, ["/submissions/1", "/submissions/2"]);
    refused(json!({"verdicts": ["MLE"]}), 422, "nothing_to_rejudge").await;
    refused(json!({"revision": 7}), 422, "invalid").await;
    refused(json!({"only": true}), 422, "invalid").await;
    world
        .app
        .post(&world.assistant, &format!("/submissions/{waiting}/rejudge"), &json!({}))
        .await
        .problem(409, "not_graded_yet");

    let sets = world.app.get(&world.assistant, &format!("/labs/{lab}/rejudges?limit=4")).await.expect(200);
    assert_eq!(sets["items"].as_array().map(Vec::len), Some(4));
    assert!(sets["next"].is_string());

    let open = sets["items"][0].clone();
    world.app.call(&world.instructor, Method::DELETE, &format!("/labs/{lab}"), None).await.expect(204);
    world
        .app
        .post(&world.assistant, &format!("/submissions/{good}/rejudge"), &json!({}))
        .await
        .problem(409, "lab_deleted");
    world.app.post(&world.assistant, &path, &json!({})).await.problem(404, "not_found");
    apply(&world, &open, "?partial=true").await.problem(409, "lab_deleted");
    world.app.post(&world.assistant, &format!("/rejudges/{}/cancel", text(&open["id"])), &json!({})).await.expect(200);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_changed_deadline_changes_what_lateness_leaves(pg: PgPool) {
    let world = World::new(pg).await;
    let mut strict = document();
    strict["due_at"] = json!("2020-01-01T00:00:00Z");
    strict["late"] = json!([{"until": "2999-01-01T00:00:00Z", "factor": 0.5}]);
    let lab = world.published("sums", &strict).await;
    let id = handed_in(&world, &world.student, lab, [Ac, Ac]).await;
    assert_eq!(seen(&world, &world.student, id).await["score"], 50.0);
    strict["late"][0]["factor"] = json!(0.8);
    world.published("sums", &strict).await;
    let set = rejudge(&world, lab, &json!({})).await;
    assert_eq!((&set["finished"], &set["counts"]["better"]), (&json!(true), &json!(1)));
    apply(&world, &set, "").await.expect(200);
    let after = seen(&world, &world.student, id).await;
    assert_eq!(
        (&after["score"], &after["raw_score"], &after["late_factor"]),
        (&json!(80.0), &json!(100.0), &json!(0.8))
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rejudge_that_is_asked_for_twice_with_its_key_is_one_set(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let send = async |path: String| {
        let request = request(Method::POST, &path)
            .header(header::AUTHORIZATION, format!("Bearer {}", world.instructor.token))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", path.replace('/', "-"));
        world.app.send(request.body(Body::from("{}")).expect("request")).await
    };
    let first = send(format!("/labs/{lab}/rejudge")).await.expect(202);
    let again = send(format!("/labs/{lab}/rejudge")).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(202)["id"], first["id"]);
    let cancel = format!("/rejudges/{}/cancel", text(&first["id"]));
    let first = send(cancel.clone()).await.expect(200);
    assert_eq!(send(cancel).await.expect(200), first);
}

#[sqlx::test(migrations = "../../migrations")]
async fn rejudging_is_for_staff_and_applying_for_instructors(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sums", &document()).await;
    let id = handed_in(&world, &world.student, lab, [Wa, Ac]).await;
    let set = rejudge(&world, lab, &json!({})).await;
    finish(&world, item(&report(&world, &set).await, id).1, [Ac, Ac]).await;
    let set = text(&set["id"]);
    let who = [&world.outsider, &world.other, &world.student, &world.assistant];
    for (method, path, expected) in [
        (Method::POST, format!("/labs/{lab}/rejudge"), [404, 403, 403, 202]),
        (Method::GET, format!("/labs/{lab}/rejudges"), [404, 403, 403, 200]),
        (Method::POST, format!("/submissions/{id}/rejudge"), [404, 404, 403, 202]),
        (Method::GET, format!("/submissions/{id}/history"), [404, 404, 200, 200]),
        (Method::GET, format!("/rejudges/{set}"), [404, 404, 404, 200]),
        (Method::POST, format!("/rejudges/{set}/apply"), [404, 404, 404, 403]),
        (Method::POST, format!("/rejudges/{set}/cancel"), [404, 404, 404, 200]),
        (Method::GET, format!("/labs/{lab}/statistics"), [404, 403, 403, 200]),
        (Method::GET, "/courses/c/gradebook".to_owned(), [404, 403, 403, 200]),
        (Method::GET, "/courses/c/grades/me".to_owned(), [404, 200, 200, 200]),
        (Method::GET, "/courses/c/invitations".to_owned(), [404, 403, 403, 200]),
        (Method::GET, format!("/submissions/{id}/results.json"), [404, 404, 200, 200]),
        (Method::GET, format!("/submissions/{id}/junit.xml"), [404, 404, 200, 200]),
    ] {
        let mut got = Vec::new();
        for user in who {
            let body = (method == Method::POST).then(|| json!({}));
            got.push(world.app.call(user, method.clone(), &path, body.as_ref()).await.status.as_u16());
        }
        assert_eq!(got, expected, "{method} {path}");
    }
}
