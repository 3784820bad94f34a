use iteratione_common::{
    ids::{LabId, SubmissionId},
    store::{CourseRole, PgPool, job, member},
    verdict::Verdict,
};
use serde_json::{Value, json};

use crate::{
    testing::TestUser,
    world::{World, grade, plain_lab},
};

async fn scored(world: &World, user: &TestUser, lab: LabId, verdict: Verdict, score: f64) -> SubmissionId {
    let id = world.submit(user, lab).await;
    let attempt = world.claim(id).await.attempt;
    let mut result = grade();
    (result.verdict, result.score) = (verdict, score);
    if verdict == Verdict::Ac {
        result.tests.iter_mut().for_each(|test| test.verdict = Verdict::Ac);
    }
    job::finish(world.pg(), id, attempt, &result).await.expect("finishes").expect("not fenced");
    id
}

#[sqlx::test(migrations = "../../migrations")]
async fn statistics_tell_who_passes_who_is_stuck_and_by_which_tests(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = plain_lab();
    document["available_from"] = json!("2020-01-01T00:00:00Z");
    let lab = world.published("sum", &document).await;
    let path = format!("/labs/{lab}/statistics");
    let empty = world.app.get(&world.assistant, &path).await.expect(200);
    assert_eq!((&empty["students"], &empty["submitted"], &empty["median_score"]), (&json!(2), &json!(0), &Value::Null));
    assert_eq!((&empty["tests"], &empty["scores"]), (&json!([]), &json!([0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));

    // One passes at the third attempt, an internal error is none; one has not got further for three; staff is left out.
    scored(&world, &world.student, lab, Verdict::Wa, 20.0).await;
    scored(&world, &world.student, lab, Verdict::Ie, 0.0).await;
    scored(&world, &world.student, lab, Verdict::Tle, 40.0).await;
    scored(&world, &world.student, lab, Verdict::Ac, 100.0).await;
    for (verdict, score) in
        [(Verdict::Wa, 10.0), (Verdict::Wa, 20.0), (Verdict::Wa, 20.0), (Verdict::Rte, 0.0), (Verdict::Tle, 20.0)]
    {
        scored(&world, &world.other, lab, verdict, score).await;
    }
    scored(&world, &world.instructor, lab, Verdict::Ac, 100.0).await;

    let seen = world.app.get(&world.assistant, &format!("{path}?stuck_after=3")).await.expect(200);
    assert_eq!((&seen["submitted"], &seen["passed"], &seen["submissions"]), (&json!(2), &json!(1), &json!(8)));
    assert_eq!(seen["median_score"], 60.0);
    assert_eq!(seen["scores"], json!([0, 0, 1, 0, 0, 0, 0, 0, 0, 1]));
    assert_eq!((&seen["median_attempts_to_pass"], &seen["attempts_to_pass"]), (&json!(3.0), &json!({"3": 1})));
    assert_eq!(seen["verdicts"], json!({"AC": 1, "IE": 1, "RTE": 1, "TLE": 2, "WA": 4}));
    assert_eq!(seen["languages"], json!({"python": 9}));
    assert!(seen["median_seconds_to_pass"].as_f64().is_some_and(|s| (0.0..60.0).contains(&s)), "{seen}");
    assert!(seen["median_seconds_from_available"].as_f64().is_some_and(|s| s > 1e8), "{seen}");
    let tests: Vec<_> = seen["tests"]
        .as_array()
        .expect("tests")
        .iter()
        .map(|t| (t["name"].clone(), t["run"].clone(), t["passed"].clone(), t["common_failure"].clone()))
        .collect();
    assert_eq!(
        tests,
        [
            (json!("sample"), json!(2), json!(2), Value::Null),
            (json!("visible"), json!(2), json!(1), json!("WA")),
            (json!("hidden"), json!(2), json!(1), json!("WA")),
            (json!("after"), json!(2), json!(1), json!("TLE"))
        ]
    );
    assert_eq!(seen["tests"][1]["pass_rate"], 0.5);
    let stuck = seen["stuck"].as_array().expect("list");
    assert_eq!(stuck.len(), 1);
    assert_eq!(
        (&stuck[0]["user"], &stuck[0]["attempts"], &stuck[0]["without_progress"]),
        (&json!(world.other.id), &json!(5), &json!(3))
    );
    assert_eq!((&stuck[0]["best_score"], &stuck[0]["last_verdict"]), (&json!(20.0), &json!("TLE")));
    let patient = world.app.get(&world.assistant, &path).await.expect(200);
    assert_eq!(patient["stuck"], json!([]), "five without progress unless said otherwise");
    world.app.get(&world.assistant, &format!("{path}?stuck_after=0")).await.problem(422, "invalid");

    // Who leaves the course leaves its statistics.
    let course = sqlx::query_scalar::<_, uuid::Uuid>("select course_id from lab where lab_id = $1")
        .bind(lab)
        .fetch_one(world.pg())
        .await
        .expect("a course");
    member::delete(world.pg(), course.into(), world.other.id).await.expect("leaves");
    let left = world.app.get(&world.assistant, &path).await.expect(200);
    assert_eq!((&left["students"], &left["submissions"]), (&json!(1), &json!(3)));
    member::insert(world.pg(), course.into(), world.other.id, CourseRole::Student).await.expect("returns");
}
