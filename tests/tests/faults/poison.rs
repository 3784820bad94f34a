//! Jobs that cannot be graded end too, and hold nobody up.

use std::time::Duration;

use serde_json::json;
use testkit::{
    classroom::{grade, result, running, submit},
    labs::{self, with},
    programs::Program,
    stack::{Setup, Stack, with_stack},
};

const DEADLINE: Duration = Duration::from_secs(150);

async fn job(stack: &Stack, submission: &str) -> (String, i32, Option<String>) {
    let id: uuid::Uuid = submission.parse().expect("an id");
    sqlx::query_as("select state::text, attempt, last_error from grading_job where submission_id = $1")
        .bind(id)
        .fetch_one(&stack.database.pg)
        .await
        .expect("the job")
}

#[test]
fn a_job_that_no_grader_can_do_is_tried_three_times_and_then_an_internal_error_that_costs_no_attempt() {
    let setup = Setup { errors_expected: true, slots: 2, ..Setup::default() };
    with_stack(setup, DEADLINE, async |stack| {
        let class = stack.classroom("poison", 1).await;
        let lab = class.publish("sum", &with(labs::sum(&["python"]), "/attempts", "max", json!(2))).await;
        let student = class.student();
        // A language that was there when it was handed in, and is not now: every grader says no.
        sqlx::raw_sql(
            "create function lose_language() returns trigger language plpgsql as
               $$ begin if new.files::text like '%poison%' then new.language := 'cobol'; end if; return new; end $$;
             create trigger lose_language before insert on submission for each row execute function lose_language();",
        )
        .execute(&stack.database.pg)
        .await
        .expect("a trigger");
        let poison = submit(student, &lab, &Program::of("python", "main.py", "# poison\n")).await;
        let honest = grade(student, &lab, &Program::read("python/accepted")).await;
        assert_eq!(honest["verdict"], "AC", "the next one does not wait: {honest}");

        let ended = result(student, &poison).await;
        assert_eq!(
            (&ended["verdict"], &ended["score"], &ended["max_score"]),
            (&json!("IE"), &json!(0.0), &json!(1.0)),
            "{ended}"
        );
        let message = ended["message"].as_str().expect("a sentence");
        assert!(message.contains("not count") && !message.contains("cobol"), "{message}");
        let (state, attempt, error) = job(stack, &poison).await;
        assert_eq!((state.as_str(), attempt), ("dead", 3));
        assert!(error.is_some_and(|e| e.contains("cobol")), "staff can read why");

        let seen = student.get(&format!("/labs/{lab}")).await.expect("the lab");
        assert_eq!((&seen["own"]["used"], &seen["own"]["left"]), (&json!(1), &json!(1)), "{seen}");
        assert_eq!(grade(student, &lab, &Program::read("python/accepted")).await["verdict"], "AC");
    });
}

#[test]
fn a_job_that_kills_each_grader_that_takes_it_is_given_up_after_three() {
    let settings = vec![("ITERATIONE_GRADER__LEASE_SECONDS", "2".to_owned())];
    let setup = Setup { errors_expected: true, slots: 1, settings, ..Setup::default() };
    with_stack(setup, DEADLINE, async |stack| {
        let class = stack.classroom("killer", 1).await;
        let lab = class.publish("sum", &labs::sum(&["python"])).await;
        let student = class.student();
        let id = submit(student, &lab, &Program::read("python/sleeps")).await;
        for attempt in 1..=3 {
            running(student, &id, attempt).await;
            stack.graders[0].kill().await;
            stack.graders[0].start().await;
        }
        let ended = result(student, &id).await;
        assert_eq!((&ended["verdict"], &ended["grading_attempt"]), (&json!("IE"), &json!(3)), "{ended}");
        let (state, _, error) = job(stack, &id).await;
        assert_eq!(state, "dead");
        assert!(error.is_some_and(|e| e.contains("vanished")), "staff can read why");
        assert_eq!(grade(student, &lab, &Program::read("python/accepted")).await["verdict"], "AC");
    });
}
