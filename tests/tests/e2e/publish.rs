//! The gate before students see a lab.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    classroom::grade,
    labs::{self, with},
    programs::Program,
    stack::{Setup, with_stack},
};

#[test]
fn a_reference_solution_that_does_not_get_what_it_claims_holds_the_lab_back_and_is_named() {
    with_stack(Setup::default(), Duration::from_secs(120), async |stack| {
        let class = stack.classroom("gate", 1).await;
        let student = class.student();
        let with_solutions = |solutions: Value| with(labs::sum(&["python", "c"]), "", "solutions", solutions);
        let good = Program::read("python/accepted").solution("the good one", &json!({"score": 1, "verdict": "AC"}));
        let bad = Program::read("c/wrong-answer").solution("the proud one", &json!({"score": 1}));
        let modest = Program::read("c/wrong-answer").solution("the modest one", &json!({"verdict": "WA", "score": 0}));

        let (id, lab) = class.try_publish("sum", &with_solutions(json!([good, bad, modest]))).await;
        assert_eq!((&lab["status"], &lab["published_revision"]), (&json!("rejected"), &Value::Null), "{lab}");
        let validation = &lab["validation"];
        assert_eq!((&validation["ok"], &validation["revision"]), (&json!(false), &json!(1)), "{validation}");
        let outcomes: Vec<_> = validation["solutions"].as_array().expect("a list").iter().collect();
        let names: Vec<_> = outcomes.iter().map(|o| (&o["name"], &o["ok"], &o["verdict"])).collect();
        assert_eq!(
            names,
            [
                (&json!("the good one"), &json!(true), &json!("AC")),
                (&json!("the proud one"), &json!(false), &json!("WA")),
                (&json!("the modest one"), &json!(true), &json!("WA")),
            ]
        );
        assert!(outcomes[1]["message"].as_str().is_some_and(|m| m.contains('1') && m.contains("WA")), "{validation}");
        let hidden = student.call(Method::GET, &format!("/labs/{id}"), None).await.expect("an answer");
        assert_eq!(hidden.status, 404, "what is not published is not there for students: {}", hidden.body);

        class.publish("sum", &with_solutions(json!([good, modest]))).await;
        let seen = student.get(&format!("/labs/{id}")).await.expect("the lab");
        assert_eq!((&seen["revision"], &seen["status"]), (&json!(2), &json!("published")), "{seen}");

        // A later revision that is rejected changes nothing for students.
        let harder = with_solutions(json!([bad]));
        let harder = with(harder, "/groups/0/tests/0", "expected", json!("4\n"));
        let (_, lab) = class.try_publish("sum", &harder).await;
        assert_eq!((&lab["status"], &lab["published_revision"]), (&json!("rejected"), &json!(2)), "{lab}");
        let result = grade(student, &id, &Program::read("python/accepted")).await;
        assert_eq!((&result["verdict"], &result["revision"]), (&json!("AC"), &json!(2)), "{result}");

        // Publishing what was published before needs nobody's grading.
        let same = class.instructor.put(&format!("/courses/{}/labs/sum", class.course), &harder).await.expect("put");
        assert_eq!((&same["changed"], &same["revision"]), (&json!(false), &json!(3)), "{same}");
    });
}
