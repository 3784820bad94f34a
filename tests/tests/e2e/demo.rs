//! The demo, which `./iteratione up` ends with.

use std::time::Duration;

use iteratione_demo::{course, run, table};
use testkit::stack::{Setup, with_stack};

#[test]
fn every_program_of_the_demo_is_graded_as_it_should_be_and_making_its_course_again_changes_nothing() {
    with_stack(Setup { warm: 1, ..Setup::default() }, Duration::from_secs(300), async |stack| {
        course::prepare(&stack.url).await.expect("a course");
        let course = course::prepare(&stack.url).await.expect("the same course");
        let rows = run::all(&course).await.expect("graded");
        println!("{}", table::text(&rows));
        let wrong: Vec<_> = rows.iter().filter(|row| !row.is_right()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert_eq!(table::json(&rows).expect("JSON").matches("\"wrong\": []").count(), rows.len());

        let instructor = stack.instructor().await;
        let labs = instructor.get("/courses/demo/labs").await.expect("a list");
        let labs = labs["items"].as_array().expect("a list");
        assert_eq!(labs.len(), 3, "{labs:?}");
        assert!(labs.iter().all(|lab| lab["revision"] == 1 && lab["status"] == "published"), "{labs:?}");
    });
}
