//! PostgreSQL is the truth: while it is away nothing is decided, and afterwards nothing is lost.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use testkit::{
    classroom::{grade, result, running, submit},
    labs,
    programs::Program,
    stack::{Setup, with_stack},
    wait::until,
};

const DEADLINE: Duration = Duration::from_secs(150);

#[test]
fn while_the_database_is_away_clients_are_told_to_come_back_and_what_ran_is_graded_once_it_is_back() {
    let setup = Setup { slots: 4, database_proxy: true, errors_expected: true, ..Setup::default() };
    with_stack(setup, DEADLINE, async |stack| {
        let class = stack.classroom("no-database", 2).await;
        let lab = &class.publish("sum", &labs::sum(&["python"])).await;
        let program = &Program::read("python/slow-right");
        let hand_ins = class.students.iter().flat_map(|student| {
            (0..3).map(async move |_| (&student.client, submit(&student.client, lab, program).await))
        });
        let submitted = join_all(hand_ins).await;
        running(submitted[0].0, &submitted[0].1, 1).await;

        let way = stack.database.proxy.as_ref().expect("its own");
        way.cut();
        let path = format!("/labs/{lab}/submissions");
        let refused = until("a client is told to come back", Duration::from_secs(60), async || {
            let answer = class.student().call(Method::POST, &path, Some(&program.hand_in())).await.expect("an answer");
            (answer.status == 503).then_some(answer)
        })
        .await;
        assert_eq!(refused.code(), Some("unavailable"), "{}", refused.body);
        assert!(refused.header("retry-after").and_then(|s| s.parse::<u64>().ok()).is_some_and(|s| s > 0));
        assert!(!refused.body.to_string().contains("postgres"), "the cause is for the log: {}", refused.body);
        assert!(stack.api.is_alive().await && stack.graders[0].is_alive().await, "they are not restarted for it");
        let ready = class.student().plain("/readyz").await.expect("an answer");
        assert_eq!((ready.status, &ready.body["postgres"]), (503, &json!("away")), "{}", ready.body);
        // Longer than the leases.
        tokio::time::sleep(Duration::from_secs(6)).await;
        way.mend();

        stack.api.ready_again().await;
        stack.graders[0].ready_again().await;
        for (client, id) in &submitted {
            let graded = result(client, id).await;
            assert_eq!(graded["verdict"], "AC", "{graded}");
        }
        assert_eq!(grade(class.student(), lab, &Program::read("python/accepted")).await["verdict"], "AC");
    });
}
