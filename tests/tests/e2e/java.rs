//! Java: flat files become a package tree, and the entry point is found.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use testkit::{
    classroom::grade,
    labs,
    programs::Program,
    stack::{Setup, with_stack},
};

#[test]
fn packages_are_rebuilt_and_the_entry_point_is_found_or_asked_for() {
    with_stack(Setup { warm: 2, ..Setup::default() }, Duration::from_secs(180), async |stack| {
        let class = stack.classroom("java", 1).await;
        let lab = &class.publish("sum", &labs::sum(&["java"])).await;
        let student = class.student();
        let java = |name: &str| Program::read(&format!("java/{name}"));
        let cases = [
            // Five files in three packages, `package` also in comments, strings, a text block and as a Unicode escape.
            (java("packages"), "AC", vec![]),
            (java("packages").main("app.Start"), "AC", vec![]),
            (java("two-mains"), "CE", vec!["app.One", "app.inner.Two", "which one"]),
            (java("two-mains").main("app.One"), "AC", vec![]),
            (java("two-mains").main("One"), "AC", vec![]),
            (java("two-mains").main("app.inner.Two"), "WA", vec![]),
            (java("two-mains").main("app.Three"), "CE", vec!["app.Three", "app.One", "app.inner.Two"]),
            (java("no-main"), "CE", vec!["no entry point", "main"]),
        ];
        join_all(cases.into_iter().map(async |(program, verdict, says)| {
            let result = grade(student, lab, &program).await;
            let about = format!("{} {:?}: {result}", program.name, program.main);
            assert_eq!(result["verdict"], verdict, "{about}");
            for word in says {
                assert!(result["message"].as_str().is_some_and(|m| m.contains(word)), "{word:?} is not said: {about}");
            }
        }))
        .await;
    });
}

#[test]
fn messages_name_files_as_the_student_knows_them() {
    with_stack(Setup { warm: 1, ..Setup::default() }, Duration::from_secs(120), async |stack| {
        let class = stack.classroom("names", 1).await;
        let lab = class.publish("sum", &labs::sum(&["java"])).await;

        let broken = grade(class.student(), &lab, &Program::read("java/packages-broken")).await;
        let diagnostics = &broken["compile"]["diagnostics"];
        assert_eq!(diagnostics.as_array().map(Vec::len), Some(1), "{broken}");
        let error = &diagnostics[0];
        assert_eq!(
            (&error["file"], &error["line"], &error["column"]),
            (&json!("Adder.java"), &json!(5), &json!(20)),
            "{error}"
        );
        assert_eq!(error["severity"], "error");
        assert!(error["message"].as_str().is_some_and(|m| m.contains("cannot find symbol")), "{error}");
        let output = broken["compile"]["output"].as_str().expect("text");
        assert!(output.contains("Adder.java:5") && !output.contains("app/math"), "{output}");

        let thrown = grade(class.student(), &lab, &Program::read("java/throws")).await;
        let test = &thrown["tests"][0];
        assert_eq!((&test["verdict"], &test["exit_code"]), (&json!("RTE"), &json!(1)), "{test}");
        let stderr = test["stderr"].as_str().expect("text");
        assert!(stderr.contains("out of order") && stderr.contains("(Start.java:5)"), "{stderr}");
        assert!(test["message"].as_str().is_some_and(|m| m.contains("IllegalStateException: out of order")), "{test}");
    });
}
