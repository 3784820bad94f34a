use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::{
    ids::{LabId, SubmissionId},
    store::{PgPool, job},
    verdict::Verdict,
};
use serde_json::{Value, json};

use crate::{
    testing::{Answer, TestUser, request},
    world::{World, grade, plain_lab},
};

async fn scored(world: &World, user: &TestUser, lab: LabId, verdict: Verdict, score: f64) -> SubmissionId {
    let id = world.submit(user, lab).await;
    let attempt = world.claim(id).await.attempt;
    let mut result = grade();
    (result.verdict, result.score) = (verdict, score);
    job::finish(world.pg(), id, attempt, &result).await.expect("finishes").expect("not fenced");
    id
}

async fn csv(world: &World, query: &str, accept: &str) -> Answer {
    let request = request(Method::GET, &format!("/courses/c/gradebook{query}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", world.assistant.token))
        .header(header::ACCEPT, accept);
    world.app.send(request.body(Body::empty()).expect("request")).await
}

/// The row of a student.
fn row(gradebook: &Value, user: &TestUser) -> Value {
    let rows = gradebook["items"].as_array().expect("items");
    rows.iter().find(|row| row["user"] == json!(user.id)).expect("a row").clone()
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_best_counts_of_equal_ones_the_earliest_and_internal_errors_never(pg: PgPool) {
    let world = World::new(pg).await;
    let best = world.published("best", &plain_lab()).await;
    let mut document = plain_lab();
    document["counting"] = json!("last");
    let last = world.published("last", &document).await;
    for lab in [best, last] {
        scored(&world, &world.student, lab, Verdict::Wa, 20.0).await;
    }
    let first_best = scored(&world, &world.student, best, Verdict::Wa, 60.0).await;
    scored(&world, &world.student, best, Verdict::Wa, 60.0).await;
    scored(&world, &world.student, best, Verdict::Ie, 0.0).await;
    scored(&world, &world.student, last, Verdict::Ac, 100.0).await;
    let newest = scored(&world, &world.student, last, Verdict::Wa, 30.0).await;
    scored(&world, &world.student, last, Verdict::Ie, 0.0).await;
    world.submit(&world.student, last).await;

    let gradebook = world.app.get(&world.assistant, "/courses/c/gradebook").await.expect(200);
    let slugs: Vec<_> = gradebook["labs"].as_array().expect("labs").iter().map(|l| l["slug"].clone()).collect();
    assert_eq!(slugs, ["best", "last"]);
    let mine = row(&gradebook, &world.student);
    assert_eq!((&mine["labs"][0]["score"], &mine["labs"][0]["submission"]), (&json!(60.0), &json!(first_best)));
    assert_eq!((&mine["labs"][1]["score"], &mine["labs"][1]["submission"]), (&json!(30.0), &json!(newest)));
    assert_eq!(
        (&mine["total"], &mine["max_total"], &mine["labs"][0]["late"]),
        (&json!(90.0), &json!(200.0), &json!(false))
    );
    let others = row(&gradebook, &world.other);
    assert_eq!((&others["labs"][0]["score"], &others["total"]), (&Value::Null, &json!(0.0)));
    assert_eq!(gradebook["items"].as_array().map(Vec::len), Some(2), "staff are no rows");

    let own = world.app.get(&world.student, "/courses/c/grades/me").await.expect(200);
    assert_eq!(own["row"], mine);
    let page = world.app.get(&world.assistant, "/courses/c/gradebook?limit=1").await.expect(200);
    let next = format!("/courses/c/gradebook?limit=1&after={}", page["next"].as_str().expect("more"));
    let page = world.app.get(&world.assistant, &next).await.expect(200);
    assert_eq!((page["items"].as_array().map(Vec::len), &page["next"]), (Some(1), &Value::Null));
}

#[sqlx::test(migrations = "../../migrations")]
async fn late_points_are_compared_after_the_factor(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("late", &plain_lab()).await;
    let early = scored(&world, &world.student, lab, Verdict::Wa, 60.0).await;
    let late = scored(&world, &world.student, lab, Verdict::Ac, 100.0).await;
    sqlx::query("update submission set late_factor = 0.5 where submission_id = $1")
        .bind(late)
        .execute(world.pg())
        .await
        .expect("late");
    let gradebook = world.app.get(&world.assistant, "/courses/c/gradebook").await.expect(200);
    assert_eq!(row(&gradebook, &world.student)["labs"][0]["submission"], json!(early));
}

#[sqlx::test(migrations = "../../migrations")]
async fn csv_has_all_students_and_no_formula(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &plain_lab()).await;
    let id = scored(&world, &world.student, lab, Verdict::Wa, 20.5).await;
    sqlx::query("update account set name = '=HYPERLINK(\"http://evil\",\"x, y\")' where account_id = $1")
        .bind(world.student.id)
        .execute(world.pg())
        .await
        .expect("a name");
    let answer = csv(&world, "", "text/csv").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "text/csv; charset=utf-8; header=present")
    );
    let body = String::from_utf8(answer.body.to_vec()).expect("UTF-8");
    let lines: Vec<_> = body.split("\r\n").collect();
    assert_eq!(lines[0], "user_id,email,name,sum,total,max_total");
    let expected =
        format!(r#"{},student@test.test,"'=HYPERLINK(""http://evil"",""x, y"")",20.5,20.5,100"#, world.student.id);
    assert_eq!(lines[1], expected);
    assert_eq!(lines[2], format!("{},other@test.test,other,,0,100", world.other.id));
    assert_eq!((lines.len(), lines[3]), (4, ""));

    let detailed = csv(&world, "?format=csv&details=true&bom=true", "application/json").await;
    let text = String::from_utf8(detailed.body.to_vec()).expect("UTF-8");
    assert!(text.starts_with(
        "\u{feff}user_id,email,name,sum,sum:max,sum:verdict,sum:submission,sum:submitted_at,sum:late_factor,total"
    ));
    assert!(text.contains(&format!(",20.5,100,WA,{id},")), "{text}");
    assert_eq!(csv(&world, "?format=json", "text/csv").await.json()["labs"][0]["slug"], "sum");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_csv_of_many_students_has_each_once(pg: PgPool) {
    let world = World::new(pg).await;
    world.published("sum", &plain_lab()).await;
    sqlx::query(
        "with a as (insert into account (account_id, email, name, password_hash)
                    select gen_random_uuid(), 's' || n || '@x.edu', 'S', '' from generate_series(1, 450) n returning account_id)
         insert into course_member (course_id, account_id, role) select c.course_id, a.account_id, 'student' from a, course c where c.slug = 'c'",
    )
    .execute(world.pg())
    .await
    .expect("students");
    let body = String::from_utf8(csv(&world, "", "text/csv").await.body.to_vec()).expect("UTF-8");
    let ids: std::collections::HashSet<_> = body.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!((ids.len(), body.lines().count()), (452, 453));
}
