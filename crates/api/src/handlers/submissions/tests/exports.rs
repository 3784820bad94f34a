use iteratione_common::store::{PgPool, job};
use serde_json::{Value, json};

use crate::world::{World, assert_no_secret, grade, lab};

#[sqlx::test(migrations = "../../migrations")]
async fn results_json_has_the_form_of_gradescope_and_what_the_viewer_may_see(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &lab()).await;
    let id = world.submit(&world.student, lab).await;
    let path = format!("/submissions/{id}/results.json");
    world.app.get(&world.student, &path).await.problem(409, "not_graded_yet");
    world.graded(id).await;
    let seen = world.app.get(&world.student, &path).await.expect(200);
    assert_no_secret(&seen.to_string());
    assert_eq!(
        (&seen["score"], &seen["extra_data"]["max_score"], &seen["extra_data"]["verdict"]),
        (&json!(20.0), &json!(100.0), &json!("WA"))
    );
    let tests = seen["tests"].as_array().expect("tests");
    let of = |key: &str| tests.iter().map(|t| t[key].clone()).collect::<Vec<Value>>();
    assert_eq!(of("number"), ["1.1", "1.2", "2.1", "2.2"]);
    assert_eq!(of("name"), ["basics: sample", "basics: visible", "rest: hidden", "rest: after"]);
    assert_eq!(of("status"), ["passed", "failed", "failed", "failed"]);
    assert_eq!(of("visibility"), ["visible", "visible", "hidden", "after_due_date"]);
    assert_eq!(
        (&tests[0]["score"], &tests[0]["max_score"], &tests[0]["tags"]),
        (&json!(20.0), &json!(20.0), &json!(["AC"]))
    );
    assert!(
        tests[1]["output"].as_str().is_some_and(|o| o.starts_with("The first difference") && o.contains("open stdout"))
    );
    assert_eq!(tests[2]["output"], "Think of negative numbers.\nWA CalcTest.adds");
    let whole = world.app.get(&world.assistant, &path).await.expect(200);
    assert!(whole["tests"][2]["output"].as_str().is_some_and(|o| o.contains("SECRET stdout")));
}

#[sqlx::test(migrations = "../../migrations")]
async fn junit_xml_tells_failures_from_errors_and_holds_whatever_programs_print(pg: PgPool) {
    let world = World::new(pg).await;
    let lab = world.published("sum", &lab()).await;
    let id = world.submit(&world.student, lab).await;
    let path = format!("/submissions/{id}/junit.xml");
    world.app.get(&world.student, &path).await.problem(409, "not_graded_yet");
    let attempt = world.claim(id).await.attempt;
    let mut found = grade();
    found.tests[0].stdout = Some("</system-out><testcase name=\"forged\"/>\u{1b}[31m]]>".to_owned());
    // A time-out is no wrong answer.
    found.tests[3].cases.clear();
    job::finish(world.pg(), id, attempt, &found).await.expect("finishes").expect("not fenced");
    let answer = world.app.get(&world.student, &path).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/xml; charset=utf-8"));
    let xml = String::from_utf8(answer.body.to_vec()).expect("UTF-8");
    assert_no_secret(&xml);
    let (head, body) = xml.split_once("timestamp=").expect("a head");
    assert!(head.ends_with("tests=\"4\" failures=\"2\" errors=\"1\" skipped=\"0\" time=\"0.024\" "), "{xml}");
    insta::assert_snapshot!(body.split_once('\n').expect("lines").1, @r#"
      <testsuite name="basics" tests="2" failures="1" errors="0" skipped="0" time="0.024">
        <testcase name="sample" classname="basics" time="0.012">
          <system-out>&lt;/system-out&gt;&lt;testcase name="forged"/&gt;[31m]]&gt;</system-out>
        </testcase>
        <testcase name="visible" classname="basics" time="0.012">
          <failure type="WA" message="The first difference is in line 1."></failure>
          <system-out>open stdout</system-out>
        </testcase>
      </testsuite>
      <testsuite name="rest" tests="2" failures="1" errors="1" skipped="0" time="0.000">
        <testcase name="CalcTest.adds" classname="rest.hidden">
          <failure type="WA" message="WA"></failure>
        </testcase>
        <testcase name="after" classname="rest">
          <error type="TLE" message="TLE"></error>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
    let staff = world.app.get(&world.assistant, &path).await;
    assert!(String::from_utf8_lossy(&staff.body).contains("SECRET trace"));
}
