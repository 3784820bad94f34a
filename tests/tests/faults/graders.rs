//! Graders that die, freeze, or are told to stop.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use testkit::{
    classroom::{result, running, submit},
    labs,
    leftovers::processes,
    programs::Program,
    stack::{Setup, Stack, with_stack},
    wait::{until, until_true},
};
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(150);
/// From a lease that ran out to the next claim, and jails to be reaped.
const SOON: Duration = Duration::from_secs(60);

fn setup(graders: usize) -> Setup {
    Setup { graders, slots: 2, errors_expected: true, ..Setup::default() }
}

#[test]
fn a_job_whose_grader_is_killed_is_graded_once_by_the_next_and_its_jail_is_reaped() {
    with_stack(setup(1), DEADLINE, async |stack| {
        let class = stack.classroom("killed", 1).await;
        let lab = class.publish("sum", &labs::sum(&["python"])).await;
        let student = class.student();
        let id = submit(student, &lab, &Program::read("python/slow-right")).await;
        running(student, &id, 1).await;
        let jails = jails(stack).await;
        until_true("something runs in it", SOON, async || !processes(&stack.instance).is_empty()).await;
        stack.graders[0].kill().await;
        // Nobody was there to remove them: so much for the proof, after each test, that nothing is left.
        assert!(!stack.containers().await.is_empty() && !stack.folders().is_empty());

        stack.graders[0].start().await;
        let graded = result(student, &id).await;
        assert_eq!((&graded["verdict"], &graded["grading_attempt"]), (&json!("AC"), &json!(2)), "{graded}");
        assert_eq!(graded["attempt"], 1, "it cost the student nothing");
        until_true("the dead grader's jails are gone", SOON, async || {
            let left: BTreeSet<String> = stack.containers().await.into_iter().collect();
            left.is_disjoint(&jails)
        })
        .await;
    });
}

/// Waits until a jail runs; returns all there are.
async fn jails(stack: &Stack) -> BTreeSet<String> {
    until("a jail runs", SOON, async || {
        let found: BTreeSet<String> = stack.containers().await.into_iter().collect();
        (!found.is_empty()).then_some(found)
    })
    .await
}

#[test]
fn two_graders_share_one_queue_and_each_job_is_done_by_one_of_them() {
    with_stack(setup(2), DEADLINE, async |stack| {
        let class = stack.classroom("shared", 4).await;
        let lab = &class.publish("sum", &labs::sum(&["python", "c"])).await;
        let hand_ins = class.students.iter().flat_map(|student| {
            ["python/accepted", "c/accepted", "python/wrong-answer", "c/exit-3"].map(|name| (&student.client, name))
        });
        let graded = join_all(hand_ins.map(async |(client, name)| {
            let id = submit(client, lab, &Program::read(name)).await;
            (name, result(client, &id).await)
        }))
        .await;
        assert_eq!(graded.len(), 16);
        for (name, result) in &graded {
            let verdict = match *name {
                "python/wrong-answer" => "WA",
                "c/exit-3" => "RTE",
                _ => "AC",
            };
            assert_eq!(
                (&result["verdict"], &result["grading_attempt"]),
                (&json!(verdict), &json!(1)),
                "{name}: {result}"
            );
        }
        let workers: Vec<(Uuid, i64)> = sqlx::query_as("select worker, count(*) from grading_job group by 1")
            .fetch_all(&stack.database.pg)
            .await
            .expect("workers");
        assert_eq!(workers.len(), 2, "both graded: {workers:?}");
    });
}

#[test]
fn a_grader_that_freezes_longer_than_its_lease_and_wakes_up_cannot_grade_twice() {
    with_stack(setup(2), DEADLINE, async |stack| {
        let class = stack.classroom("frozen", 1).await;
        let lab = class.publish("sum", &labs::sum(&["python"])).await;
        let student = class.student();
        let id = submit(student, &lab, &Program::read("python/slow-right")).await;
        running(student, &id, 1).await;
        let holder = holder(stack).await;
        stack.graders[holder].pause();
        let graded = result(student, &id).await;
        assert_eq!((&graded["verdict"], &graded["grading_attempt"]), (&json!("AC"), &json!(2)), "{graded}");
        stack.graders[holder].go_on();
        stack.graders[holder].ready_again().await;

        // It works as before, and its late result changed nothing.
        let program = &Program::read("python/accepted");
        let ids = join_all((0..4).map(|_| submit(student, &lab, program))).await;
        for id in &ids {
            assert_eq!(result(student, id).await["verdict"], "AC");
        }
        assert_eq!(student.get(&format!("/submissions/{id}")).await.expect("the submission"), graded);
    });
}

/// The grader that works on the only running job: each tells its own id in its log.
async fn holder(stack: &Stack) -> usize {
    until("a grader has the job", SOON, async || {
        let worker: Option<(Uuid,)> = sqlx::query_as("select worker from grading_job where state = 'running'")
            .fetch_optional(&stack.database.pg)
            .await
            .expect("the database answers");
        let (worker,) = worker?;
        stack.graders.iter().position(|g| g.log_tail(usize::MAX).contains(&worker.to_string()))
    })
    .await
}

#[test]
fn a_grader_that_is_told_to_stop_finishes_what_runs_and_leaves_the_rest_to_others() {
    with_stack(setup(1), DEADLINE, async |stack| {
        let class = stack.classroom("drained", 1).await;
        let lab = class.publish("sum", &labs::sum(&["python"])).await;
        let student = class.student();
        let running_one = submit(student, &lab, &Program::read("python/slow-right")).await;
        running(student, &running_one, 1).await;
        stack.graders[0].terminate();
        until_true("the grader takes nothing new", SOON, async || {
            let query = sqlx::query_scalar::<_, i64>("select count(*) from worker");
            query.fetch_one(&stack.database.pg).await.expect("the database answers") == 0
        })
        .await;
        let waiting = submit(student, &lab, &Program::read("python/accepted")).await;
        let status = stack.graders[0].ended(SOON).await;
        assert!(status.success(), "{status}");
        let seen = student.get(&format!("/submissions/{running_one}")).await.expect("the submission");
        assert_eq!((&seen["verdict"], &seen["grading_attempt"]), (&json!("AC"), &json!(1)), "finished: {seen}");
        let seen = student.get(&format!("/submissions/{waiting}")).await.expect("the submission");
        assert_eq!((&seen["status"], &seen["grading_attempt"]), (&json!("queued"), &json!(0)), "not begun: {seen}");
        assert_eq!(stack.containers().await, Vec::<String>::new(), "it took its jails along");
        stack.graders[0].start().await;
        assert_eq!(result(student, &waiting).await["verdict"], "AC");
    });
}

#[test]
fn a_job_that_outlasts_the_drain_time_is_handed_back_and_its_try_is_not_spent() {
    let settings = vec![("ITERATIONE_GRADER__DRAIN_SECONDS", "1".to_owned())];
    with_stack(Setup { settings, ..setup(1) }, DEADLINE, async |stack| {
        let class = stack.classroom("handed-back", 1).await;
        let lab = class.publish("sum", &labs::sum(&["python"])).await;
        let student = class.student();
        let id = submit(student, &lab, &Program::read("python/slower-right")).await;
        running(student, &id, 1).await;
        stack.graders[0].terminate();
        assert!(stack.graders[0].ended(SOON).await.success());
        let (state, attempt, handed_back): (String, i32, i32) =
            sqlx::query_as("select state::text, attempt, handed_back from grading_job")
                .fetch_one(&stack.database.pg)
                .await
                .expect("the job");
        assert_eq!((attempt, handed_back), (1, 1), "{state}");
        assert!(matches!(state.as_str(), "queued" | "dispatched"), "{state}");
        stack.graders[0].start().await;
        let graded = result(student, &id).await;
        assert_eq!((&graded["verdict"], &graded["grading_attempt"]), (&json!("AC"), &json!(2)), "{graded}");
    });
}
