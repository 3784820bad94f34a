use iteratione_common::store::PgPool;
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    testing::Answer,
    world::{World, assert_no_secret, lab, plain_lab},
};

fn text(answer: &Answer) -> String {
    answer.expect(200).to_string()
}

#[sqlx::test(migrations = "../../migrations")]
async fn staff_see_a_lab_whole_and_students_nothing_that_is_secret(pg: PgPool) {
    let world = World::new(pg).await;
    let id = world.published("sum", &lab()).await;
    for user in [&world.instructor, &world.assistant, &world.admin] {
        let seen = world.app.get(user, &format!("/labs/{id}")).await.expect(200);
        // What staff get can be put again as it is.
        for key in lab().as_object().expect("object").keys() {
            assert!(!seen[key].is_null(), "{key} is missing");
        }
        assert_eq!(seen["groups"][1]["tests"][0]["stdin"], "SECRET stdin");
        assert_eq!(seen["solutions"][0]["files"][0]["content"], "SECRET solution");
        assert_eq!(seen["starter"]["python"][2]["name"], "judge.py");
        assert_eq!(seen["validation"]["ok"], true);
        assert!(seen.get("own").is_none());
    }
    let answer = world.app.get(&world.student, &format!("/labs/{id}")).await;
    assert_no_secret(&text(&answer));
    let seen = answer.json();
    for key in ["solutions", "validation"] {
        assert!(seen.get(key).is_none(), "{key} is for staff");
    }
    assert_eq!(seen["status"], "published");
    assert_eq!(seen["statement_md"], "Add **them**.");
    let starter: Vec<_> = seen["starter"]["python"].as_array().expect("list").iter().map(|f| &f["name"]).collect();
    assert_eq!(starter, ["main.py", "given.py"]);
    let sample = &seen["groups"][0]["tests"][0];
    assert_eq!((&sample["stdin"], &sample["expected"]), (&json!("1 2\n"), &json!("3\n")));
    assert!(sample.get("message").is_none(), "it is for when the test fails");
    let hidden = &seen["groups"][1]["tests"][0];
    assert_eq!(hidden, &json!({"name": "hidden", "visibility": "hidden", "kind": "io", "points": 1.0}));
    assert_eq!(seen["own"], json!({"used": 0, "left": null, "left_now": null, "next_at": null}));

    let answer = world.app.get(&world.student, "/courses/c/labs").await;
    assert_no_secret(&text(&answer));
    assert_eq!(answer.json()["items"][0]["max_score"], 100.0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn drafts_are_for_staff_and_a_new_draft_leaves_students_what_is_published(pg: PgPool) {
    let world = World::new(pg).await;
    let draft = world.put("draft", &plain_lab()).await["id"].as_str().expect("id").to_owned();
    world.app.get(&world.student, &format!("/labs/{draft}")).await.problem(404, "not_found");
    world.app.get(&world.assistant, &format!("/labs/{draft}")).await.expect(200);
    assert_eq!(world.app.get(&world.student, "/courses/c/labs").await.expect(200)["items"], json!([]));

    let id = world.published("sum", &plain_lab()).await;
    let mut next = plain_lab();
    next["title"] = json!("SECRET next title");
    assert_eq!(world.put("sum", &next).await["status"], "draft");
    let staff = world.app.get(&world.instructor, &format!("/labs/{id}")).await.expect(200);
    assert_eq!((&staff["status"], &staff["revision"]), (&json!("draft"), &json!(2)));
    assert_eq!(staff["published_revision"], 1);
    let student = world.app.get(&world.student, &format!("/labs/{id}")).await;
    assert_no_secret(&text(&student));
    let student = student.json();
    assert_eq!((&student["status"], &student["revision"]), (&json!("published"), &json!(1)));
    let list = world.app.get(&world.student, "/courses/c/labs").await.expect(200);
    assert_eq!((&list["items"][0]["title"], &list["items"][0]["revision"]), (&json!("Sum of two"), &json!(1)));
    let list = world.app.get(&world.instructor, "/courses/c/labs").await.expect(200);
    assert_eq!(list["items"][1]["title"], "SECRET next title");
}

#[sqlx::test(migrations = "../../migrations")]
async fn before_its_time_students_know_a_labs_title_and_when_it_opens(pg: PgPool) {
    let clock = Clock::from_fn(|| "2030-01-01T00:00:00Z".parse().expect("time"));
    let world = World::adjusted(pg, &[], |state| state.clock = clock).await;
    let mut early = plain_lab();
    early["statement_md"] = json!("SECRET until then");
    early["available_from"] = json!("2030-01-02T00:00:00Z");
    early["groups"][0]["tests"][0]["stdin"] = json!("SECRET until then");
    early["starter"]["python"][0]["content"] = json!("SECRET until then");
    let id = world.published("early", &early).await;
    let answer = world.app.get(&world.student, &format!("/labs/{id}")).await;
    assert_no_secret(&text(&answer));
    let seen = answer.json();
    assert_eq!((&seen["available"], &seen["title"]), (&json!(false), &json!("Sum of two")));
    assert_eq!((&seen["statement_md"], &seen["groups"], &seen["starter"]), (&Value::Null, &json!([]), &json!({})));
    assert_eq!(seen["available_from"], "2030-01-02T00:00:00Z");
    let list = world.app.get(&world.student, "/courses/c/labs").await;
    assert_no_secret(&text(&list));
    assert_eq!(list.json()["items"][0]["available"], false);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_long_list_comes_in_pages(pg: PgPool) {
    let world = World::new(pg).await;
    for i in 0..5 {
        world.put(&format!("lab-{i}"), &plain_lab()).await;
    }
    let mut slugs = Vec::new();
    let mut path = "/courses/c/labs?limit=2".to_owned();
    loop {
        let page = world.app.get(&world.instructor, &path).await.expect(200);
        slugs.extend(
            page["items"].as_array().expect("list").iter().map(|l| l["slug"].as_str().expect("slug").to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/courses/c/labs?limit=2&after={next}");
    }
    assert_eq!(slugs, ["lab-0", "lab-1", "lab-2", "lab-3", "lab-4"]);
}
