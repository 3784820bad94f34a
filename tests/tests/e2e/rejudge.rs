//! A lab with a wrong expectation is put right, and what students had handed in is graded again: from outside.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    classroom::{Classroom, GRADED, grade, result, submit, text},
    labs::{group, lab, test},
    programs::Program,
    stack::{Setup, with_stack},
    wait::until,
};

/// Hand-ins of each student before the lab is put right.
const EACH: usize = 4;

fn document(expected: &str, points: [u32; 2]) -> Value {
    let mut first = group("sum", &[test("one and two", "1 2\n", expected)]);
    let mut second = group("again", &[test("two and two", "2 2\n", "4\n")]);
    (first["points"], second["points"]) = (json!(points[0]), json!(points[1]));
    lab(&["python"], &json!([first, second]))
}

async fn call(class: &Classroom, method: Method, path: &str, body: Option<&Value>, status: u16) -> Value {
    let answer = class.instructor.call(method, path, body).await.and_then(|answer| answer.expect(&[status]));
    answer.unwrap_or_else(|error| panic!("{path}: {error:#}"))
}

async fn rejudge(class: &Classroom, lab: &str, wanted: &Value) -> Value {
    call(class, Method::POST, &format!("/labs/{lab}/rejudge"), Some(wanted), 202).await
}

async fn totals(class: &Classroom) -> Vec<f64> {
    let gradebook = call(class, Method::GET, &format!("/courses/{}/gradebook", class.course), None, 200).await;
    let rows = gradebook["items"].as_array().expect("rows").clone();
    let of = |id: &str| rows.iter().find(|row| row["user"] == id).and_then(|row| row["total"].as_f64()).expect("a row");
    class.students.iter().map(|student| of(&student.id)).collect()
}

#[test]
fn a_lab_is_put_right_and_its_submissions_are_rejudged_behind_what_is_handed_in_meanwhile() {
    with_stack(Setup { slots: 2, ..Setup::default() }, Duration::from_secs(240), async |stack| {
        let class = stack.classroom("rejudge", 3).await;
        let right = Program::of("python", "main.py", "a, b = map(int, input().split())\nprint(a + b)\n");
        let four = Program::of("python", "main.py", "print(4)\n");
        // The instructor's mistake: 1 + 2 is not 4.
        let lab = class.publish("sums", &document("4\n", [60, 40])).await;
        let programs = [&right, &right, &four];
        let mut ids = Vec::new();
        for (student, program) in class.students.iter().zip(programs) {
            for _ in 0..EACH {
                ids.push((submit(&student.client, &lab, program).await, student));
            }
        }
        for (id, student) in &ids {
            result(&student.client, id).await;
        }
        assert_eq!(totals(&class).await, [40.0, 40.0, 100.0]);
        class.publish("sums", &document("3\n", [60, 40])).await;

        let set = rejudge(&class, &lab, &json!({"reason": "1 + 2 is 3"})).await;
        assert_eq!(set["counts"]["pending"], ids.len(), "{set}");
        let (path, id) = (format!("/rejudges/{}", text(&set, "id")), text(&set, "id"));
        // Whoever hands in now is graded before the last of them, though all of them were there first.
        let live = submit(class.student(), &lab, &right).await;
        assert_eq!(result(class.student(), &live).await["score"], 100.0);
        let done = until("the set is graded", GRADED, async || {
            let set = class.instructor.get(&path).await.expect("the set");
            (set["finished"] == true).then_some(set)
        })
        .await;
        let later: i64 = graded_after(&stack.database.pg, &id, &live).await;
        assert!(later > 0, "the live submission waited for the whole set");
        let counts = &done["counts"];
        assert_eq!(
            (&counts["better"], &counts["worse"], &counts["failed"]),
            (&json!(8), &json!(4), &json!(0)),
            "{done}"
        );
        let item = &done["items"][0];
        assert_eq!((&item["before"]["score"], &item["after"]["score"]), (&json!(40.0), &json!(100.0)), "{item}");
        assert_eq!(totals(&class).await, [100.0, 40.0, 100.0], "only the live one counts by now");
        let before = class.students[1].client.get(&format!("/submissions/{}", ids[EACH].0)).await.expect("a result");
        assert_eq!((&before["score"], &before["regraded_at"]), (&json!(40.0), &Value::Null));

        let applied = call(&class, Method::POST, &format!("{path}/apply"), None, 200).await;
        assert_eq!((&applied["counts"]["applied"], &applied["skipped"]), (&json!(ids.len()), &json!([])));
        assert_eq!(totals(&class).await, [100.0, 100.0, 40.0]);
        let after = class.students[1].client.get(&format!("/submissions/{}", ids[EACH].0)).await.expect("a result");
        assert_eq!((&after["score"], &after["verdict"], &after["revision"]), (&json!(100.0), &json!("AC"), &json!(2)));
        assert!(after["regraded_at"].is_string(), "{after}");

        // Dropped again, wherever each of its runs is by then.
        let dropped = rejudge(&class, &lab, &json!({"rerun": true})).await;
        let cancel = format!("/rejudges/{}/cancel", text(&dropped, "id"));
        let cancelled = call(&class, Method::POST, &cancel, None, 200).await;
        assert_eq!(cancelled["state"], "cancelled");
        assert_eq!(totals(&class).await, [100.0, 100.0, 40.0]);

        // Other points: no grader is needed.
        stack.graders[0].terminate();
        stack.graders[0].ended(Duration::from_secs(60)).await;
        class.publish("sums", &document("3\n", [10, 90])).await;
        let set = rejudge(&class, &lab, &json!({"reason": "the second is harder"})).await;
        assert_eq!((&set["finished"], &set["rescored"]), (&json!(true), &json!(ids.len() + 1)), "{set}");
        call(&class, Method::POST, &format!("/rejudges/{}/apply", text(&set, "id")), None, 200).await;
        assert_eq!(totals(&class).await, [100.0, 100.0, 90.0]);
        stack.graders[0].spawn();
        stack.graders[0].ready().await;
        assert_eq!(grade(class.student(), &lab, &four).await["score"], 90.0);
    });
}

/// Runs of a set that were graded after a submission.
async fn graded_after(pg: &sqlx::PgPool, set: &str, submission: &str) -> i64 {
    sqlx::query_scalar(
        "select count(*) from rejudge_item i join submission n on n.submission_id = i.run_id
           join submission live on live.submission_id = $2::uuid where i.set_id = $1::uuid and n.finished_at > live.finished_at",
    )
    .bind(set)
    .bind(submission)
    .fetch_one(pg)
    .await
    .expect("counts")
}
