//! An API that dies while hand-ins come in.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use testkit::{
    Client,
    classroom::{result, text},
    labs,
    programs::Program,
    stack::{Setup, with_stack},
};

const DEADLINE: Duration = Duration::from_secs(150);
const EACH: usize = 10;

#[test]
fn clients_that_repeat_their_hand_ins_after_the_api_was_killed_have_handed_in_once() {
    let setup = Setup { errors_expected: true, ..Setup::default() };
    with_stack(setup, DEADLINE, async |stack| {
        let class = stack.classroom("repeat", 3).await;
        let lab = &class.publish("sum", &labs::sum(&["c"])).await;
        let handing_in = class.students.iter().enumerate().map(|(i, student)| async move {
            let mut ids = Vec::new();
            for n in 0..EACH {
                ids.push(persistent(&student.client, lab, &format!("{i}-{n}")).await);
            }
            (&student.client, ids)
        });
        let killing = async {
            for pause in [30, 300] {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                stack.api.kill().await;
                stack.api.start().await;
            }
        };
        let (handed_in, ()) = tokio::join!(join_all(handing_in), killing);
        let mut all = Vec::new();
        for (client, ids) in handed_in {
            for id in ids {
                assert_eq!(result(client, &id).await["verdict"], "AC");
                all.push(id);
            }
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), EACH * class.students.len(), "each is its own");
        let stored: i64 = sqlx::query_scalar("select count(*) from submission")
            .fetch_one(&stack.database.pg)
            .await
            .expect("the database answers");
        assert_eq!(usize::try_from(stored).ok(), Some(all.len()), "and none is there twice");
    });
}

/// Hands in with a key, as often as it takes.
async fn persistent(client: &Client, lab: &str, key: &str) -> String {
    let (path, body) = (format!("/labs/{lab}/submissions"), Program::read("c/accepted").hand_in());
    loop {
        match client.call_with(Method::POST, &path, Some(&body), &[("idempotency-key", key)]).await {
            Ok(answer) if answer.status == 202 => return text(&answer.body, "id"),
            Ok(answer) => assert!(matches!(answer.status, 429 | 503), "{}: {}", answer.status, answer.body),
            // Cut off, or nobody there.
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
