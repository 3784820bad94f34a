//! Redis is only what wakes: without it nothing is lost.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use testkit::{
    classroom::{result, running, submit},
    labs,
    programs::Program,
    stack::{Setup, with_stack},
    wait::until_true,
};

const DEADLINE: Duration = Duration::from_secs(150);

fn setup() -> Setup {
    Setup { own_redis: true, slots: 2, errors_expected: true, ..Setup::default() }
}

#[test]
fn while_redis_is_down_submissions_are_accepted_and_graded_when_it_is_back() {
    with_stack(setup(), DEADLINE, async |stack| {
        let class = stack.classroom("no-redis", 1).await;
        let lab = class.publish("sum", &labs::sum(&["python"])).await;
        let student = class.student();
        let redis = stack.redis.as_mut().expect("its own");
        redis.kill().await;

        let program = Program::read("python/accepted");
        let ids = [submit(student, &lab, &program).await, submit(student, &lab, &program).await];
        let seen = student.get(&format!("/submissions/{}", ids[0])).await.expect("the submission");
        assert_eq!(seen["status"], "queued", "{seen}");
        assert!(seen["queue_position"].as_i64().is_some(), "{seen}");
        let health = student.plain("/readyz").await.expect("an answer");
        assert_eq!((health.status, &health.body["redis"]), (200, &json!("away")), "{}", health.body);

        redis.start_again().await;
        for id in &ids {
            let graded = result(student, id).await;
            assert_eq!((&graded["verdict"], &graded["grading_attempt"]), (&json!("AC"), &json!(1)), "{graded}");
        }
    });
}

#[test]
fn when_redis_forgets_everything_all_that_was_under_way_ends_once() {
    with_stack(setup(), DEADLINE, async |stack| {
        let class = stack.classroom("forgetful", 4).await;
        let lab = &class.publish("sum", &labs::sum(&["python"])).await;
        let program = &Program::read("python/slow-right");
        let submitted: Vec<_> = join_all(class.students.iter().flat_map(|student| {
            (0..2).map(async move |_| (&student.client, submit(&student.client, lab, program).await))
        }))
        .await;
        running(submitted[0].0, &submitted[0].1, 1).await;
        let redis = stack.redis.as_mut().expect("its own");
        redis.flush().await;
        // Again in the middle, and this time it is gone for a moment.
        until_true("the first is graded", DEADLINE, async || {
            let (client, id) = &submitted[0];
            client.get(&format!("/submissions/{id}")).await.is_ok_and(|s| s["status"] == "done")
        })
        .await;
        redis.kill().await;
        redis.start_again().await;
        for (client, id) in &submitted {
            let graded = result(client, id).await;
            assert_eq!((&graded["verdict"], &graded["grading_attempt"]), (&json!("AC"), &json!(1)), "{graded}");
        }
    });
}
