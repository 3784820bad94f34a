use axum::http::Method;
use iteratione_common::store::{AccountRole, PgPool};
use serde_json::{Value, json};

use crate::{
    testing::{TestApp, TestUser},
    world::{World, plain_lab},
};

async fn actions(world: &World) -> Vec<String> {
    let page = world.app.get(&world.instructor, "/courses/c/audit?limit=200").await.expect(200);
    let lines = page["items"].as_array().expect("items").iter();
    lines.map(|line| line["action"].as_str().expect("action").to_owned()).collect()
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn each_act_that_decides_grades_leaves_a_line_with_who_what_and_whence(pg: PgPool) {
    let world = World::new(pg).await;
    let app = &world.app;
    let newcomer = app.account("newcomer", AccountRole::Student).await;
    let lab = world.put("sum", &plain_lab()).await["id"].as_str().expect("id").to_owned();
    // The same again changes nothing, and a dry run neither.
    world.put("sum", &plain_lab()).await;
    world.put("sum?dry_run=true", &plain_lab()).await;
    app.post(&world.instructor, &format!("/labs/{lab}/publish"), &json!({})).await.expect(202);
    let patch = json!({"title": "Renamed"});
    app.call(&world.instructor, Method::PATCH, "/courses/c", Some(&patch)).await.expect(200);
    let member = |role: &str| json!({"email": "newcomer@test.test", "role": role});
    app.post(&world.instructor, "/courses/c/members", &member("student")).await.expect(201);
    app.post(&world.instructor, "/courses/c/members", &member("assistant")).await.expect(200);
    app.post(&world.instructor, "/courses/c/members", &member("assistant")).await.expect(200);
    let path = format!("/courses/c/members/{}", newcomer.id);
    assert_eq!(app.call(&world.instructor, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(app.call(&world.instructor, Method::DELETE, &format!("/labs/{lab}"), None).await.status, 204);
    let expected =
        ["lab.delete", "member.remove", "member.change", "member.add", "course.change", "lab.publish", "lab.put"];
    assert_eq!(actions(&world).await, expected);

    let page = app.get(&world.instructor, "/courses/c/audit").await.expect(200);
    let change = &page["items"][2];
    let who = world.instructor.id.to_string();
    assert_eq!((change["user"].as_str(), change["email"].as_str()), (Some(who.as_str()), Some("instructor@test.test")));
    assert_eq!(change["subject"], newcomer.id.to_string());
    assert_eq!((&change["before"], &change["after"]), (&json!({"role": "student"}), &json!({"role": "assistant"})));
    assert!(change["token"].is_string() && change["request_id"].is_string(), "{change}");
    assert_eq!(change["remote"], "127.0.0.1");
    assert_eq!(page["items"][4]["before"]["title"], "A course");
    assert_eq!(page["items"][4]["after"]["title"], "Renamed");
    assert_eq!((&page["items"][0]["lab"], &page["items"][0]["before"]["slug"]), (&json!(lab), &json!("sum")));
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn what_is_refused_or_undone_leaves_no_line(pg: PgPool) {
    let world = World::new(pg).await;
    let app = &world.app;
    let path = format!("/courses/c/members/{}", world.instructor.id);
    app.call(&world.instructor, Method::DELETE, &path, None).await.problem(409, "last_instructor");
    app.call(&world.student, Method::PATCH, "/courses/c", Some(&json!({"title": "x"}))).await.problem(403, "forbidden");
    let roster = json!([{"email": "instructor@test.test", "role": "student"}]);
    app.post(&world.instructor, "/courses/c/members", &roster).await.problem(409, "last_instructor");
    assert_eq!(actions(&world).await, [""; 0]);
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_course_sees_its_own_lines_and_an_admin_all_page_by_page(pg: PgPool) {
    let world = World::new(pg).await;
    let app = &world.app;
    for n in 0..3 {
        let patch = json!({"title": format!("Title {n}")});
        app.call(&world.instructor, Method::PATCH, "/courses/c", Some(&patch)).await.expect(200);
        app.call(&world.outsider, Method::PATCH, "/courses/elsewhere", Some(&patch)).await.expect(200);
    }
    let titles = async |user: &TestUser, path: &str| {
        let (mut found, mut after): (Vec<Value>, _) = (Vec::new(), String::new());
        loop {
            let page = app.get(user, &format!("{path}?limit=2&after={after}")).await.expect(200);
            found.extend(page["items"].as_array().expect("items").iter().map(|line| line["after"]["title"].clone()));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break found,
            }
        }
    };
    assert_eq!(titles(&world.instructor, "/courses/c/audit").await, ["Title 2", "Title 1", "Title 0"]);
    assert_eq!(titles(&world.admin, "/audit").await.len(), 6);
    app.get(&world.instructor, "/courses/elsewhere/audit").await.problem(404, "not_found");
    app.get(&world.assistant, "/courses/c/audit").await.problem(403, "forbidden");
    app.get(&world.instructor, "/audit").await.problem(403, "forbidden");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_database_itself_keeps_lines_as_they_are(pg: PgPool) {
    let app = TestApp::new(pg.clone());
    let ada = app.account("ada", AccountRole::Instructor).await;
    app.post(&ada, "/courses", &json!({"slug": "cs1", "title": "CS 1"})).await.expect(201);
    for statement in ["update audit set remote = null", "delete from audit", "truncate audit", "truncate audit cascade"]
    {
        let error = sqlx::query(statement).execute(&pg).await.expect_err(statement);
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
    // Nor do they go with what they are about.
    sqlx::query("delete from course").execute(&pg).await.expect("the course goes");
    let left: i64 = sqlx::query_scalar("select count(*) from audit").fetch_one(&pg).await.expect("counts");
    assert_eq!(left, 1);
}
