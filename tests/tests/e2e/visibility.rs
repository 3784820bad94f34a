//! Who sees what.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::{
    classroom::{grade, submit},
    programs::Program,
    spy::{SECRET, lab_with_secrets, spy},
    stack::{Setup, with_stack},
};

#[test]
fn students_see_what_visibility_allows_of_their_own_and_nothing_of_others() {
    with_stack(Setup::default(), Duration::from_secs(120), async |stack| {
        let class = stack.classroom("secrets", 2).await;
        let lab = class.publish("secrets", &lab_with_secrets(&["python"])).await;
        let (ada, grace) = (&class.students[0].client, &class.students[1].client);
        // It prints its input to stdout and to stderr, so that a secret that gets in could get out.
        let shows = Program::read("python/show");
        let mine = grade(ada, &lab, &shows).await;
        let own = mine["id"].as_str().expect("an id");
        let others = submit(grace, &lab, &shows).await;
        assert!(spy(ada, &lab, own, &others).await > 8);

        let tests = mine["tests"].as_array().expect("a list");
        assert_eq!(tests.len(), 4, "{mine}");
        for open in &tests[..2] {
            assert_eq!(open["verdict"], "WA");
            for field in ["stdin", "stdout", "stderr", "expected", "message", "cpu_ms", "memory_kb", "exit_code"] {
                assert!(!open[field].is_null(), "{field} of {open}");
            }
        }
        assert_eq!((&tests[2]["name"], &tests[2]["verdict"]), (&json!("hidden"), &json!("WA")));
        assert_eq!((&tests[3]["name"], &tests[3]["verdict"]), (&json!("later"), &json!("SK")), "before the deadline");
        for closed in &tests[2..] {
            for field in
                ["stdin", "stdout", "stderr", "expected", "cpu_ms", "wall_ms", "memory_kb", "exit_code", "signal"]
            {
                assert!(closed[field].is_null(), "{field} of {closed}");
            }
        }

        let seen = ada.get(&format!("/labs/{lab}")).await.expect("the lab");
        assert_eq!(seen["groups"][0]["tests"][0]["expected"], "3\n", "samples are for everybody: {seen}");
        assert!(seen["groups"][0]["tests"][1]["stdin"].is_null(), "visible ones only in results: {seen}");
        assert_eq!((&seen["solutions"], &seen["validation"]), (&json!(null), &json!(null)), "{seen}");

        // Staff see it all.
        let whole = class.instructor.get(&format!("/submissions/{own}")).await.expect("the submission");
        let hidden = &whole["tests"][2];
        for field in ["stdin", "stdout", "stderr", "expected"] {
            assert!(hidden[field].as_str().is_some_and(|t| t.contains(SECRET)), "{field} of {hidden}");
        }
        let all = class.instructor.get(&format!("/labs/{lab}/submissions")).await.expect("a list");
        assert_eq!(all["items"].as_array().map(Vec::len), Some(2), "{all}");
    });
}

#[test]
fn what_is_not_yours_is_not_there_and_what_you_may_not_do_is_not_done() {
    with_stack(Setup::default(), Duration::from_secs(120), async |stack| {
        let class = stack.classroom("insiders", 2).await;
        let lab = class.publish("secrets", &lab_with_secrets(&["python"])).await;
        let outsider = stack.classroom("outsiders", 1).await;
        let (ada, stranger, nobody) = (class.student(), outsider.student(), stack.anonymous());
        let own = grade(ada, &lab, &Program::read("python/accepted")).await["id"].as_str().expect("an id").to_owned();
        let course = &class.course;
        let document = lab_with_secrets(&["python"]);
        let hand_in = Program::read("python/accepted").hand_in();
        let other = &class.students[1].id;
        // Method, path, body; the status for a student of the course, for a stranger, for nobody.
        for (method, path, body, student, foreign, anonymous) in [
            (Method::GET, format!("/labs/{lab}"), None, 200, 404, 401),
            (Method::GET, format!("/courses/{course}"), None, 200, 404, 401),
            (Method::GET, format!("/courses/{course}/labs"), None, 200, 404, 401),
            (Method::GET, format!("/labs/{lab}/submissions"), None, 200, 404, 401),
            (Method::GET, format!("/labs/{lab}/submissions?user={other}"), None, 403, 404, 401),
            (Method::GET, format!("/submissions/{own}"), None, 200, 404, 401),
            (Method::GET, format!("/submissions/{own}/files"), None, 200, 404, 401),
            (Method::GET, format!("/submissions/{own}/events"), None, 200, 404, 401),
            (Method::GET, format!("/courses/{course}/members"), None, 403, 404, 401),
            (Method::PUT, format!("/courses/{course}/labs/secrets"), Some(&document), 403, 404, 401),
            (Method::POST, format!("/labs/{lab}/publish"), None, 403, 404, 401),
            (Method::POST, format!("/labs/{lab}/submissions"), Some(&hand_in), 202, 404, 401),
            (Method::DELETE, format!("/labs/{lab}"), None, 403, 404, 401),
            (Method::DELETE, format!("/courses/{course}/members/{other}"), None, 403, 404, 401),
        ] {
            for (who, client, status) in
                [("student", ada, student), ("stranger", stranger, foreign), ("nobody", &nobody, anonymous)]
            {
                let answer = client.call(method.clone(), &path, body).await.expect("an answer");
                assert_eq!(answer.status, status, "{who}: {method} {path}: {}", answer.body);
                assert!(!answer.body.to_string().contains(SECRET), "{who}: {method} {path}: {}", answer.body);
            }
        }
        let still = class.instructor.get(&format!("/labs/{lab}")).await.expect("the lab");
        assert_eq!((&still["status"], &still["revision"]), (&json!("published"), &json!(1)), "{still}");
    });
}
