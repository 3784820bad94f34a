use std::io::{Cursor, Write as _};

use ::zip::{ZipWriter, write::SimpleFileOptions};
use axum::{
    body::Body,
    http::{Method, header},
};
use iteratione_common::store::PgPool;
use serde_json::json;

use crate::{
    testing::{Answer, request},
    world::{World, lab},
};

const PATH: &str = "/courses/c/labs/sum";

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("an archive").into_inner()
}

async fn put(world: &World, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let request = request(Method::PUT, path)
        .header(header::AUTHORIZATION, format!("Bearer {}", world.instructor.token))
        .header(header::CONTENT_TYPE, content_type);
    world.app.send(request.body(Body::from(body)).expect("request")).await
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_archive_and_the_document_that_it_holds_are_one_revision(pg: PgPool) {
    let world = World::new(pg).await;
    let mut document = lab();
    let archive = packed(&[("sum/lab.json", document.to_string().as_bytes()), ("__MACOSX/sum/._lab.json", b"\0")]);
    let first = put(&world, PATH, "application/zip", archive).await;
    assert_eq!(first.expect(201)["revision"], 1);
    let same = put(&world, PATH, "application/json", document.to_string().into_bytes()).await.expect(200);
    assert_eq!((&same["revision"], &same["changed"]), (&json!(1), &json!(false)));

    let more = packed(&[
        ("lab.json", document.to_string().as_bytes()),
        ("9.in", b"4 5\n"),
        ("9.ans", b"9\n"),
        ("notes.txt", b"Do not forget."),
    ]);
    let body = put(&world, PATH, "application/x-zip-compressed", more).await.expect(200);
    assert_eq!((&body["revision"], &body["changed"]), (&json!(2), &json!(true)));
    let warnings = body["warnings"].as_array().expect("a list");
    assert!(warnings.iter().any(|w| w["pointer"] == "/notes.txt"), "{body}");
    let tests = document["groups"][0]["tests"].as_array_mut().expect("tests");
    tests.push(json!({"name": "9", "stdin": "4 5\n", "expected": "9\n", "points": 1.0}));
    let whole = put(&world, PATH, "application/json", document.to_string().into_bytes()).await.expect(200);
    assert_eq!(whole["changed"], false, "the same tests as files and in the document");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_wrong_with_an_archive_is_told_by_its_entry_and_nothing_is_stored(pg: PgPool) {
    let world = World::new(pg).await;
    let document = json!({"title": "Sum", "languages": ["cobol"]}).to_string();
    let archive = packed(&[("lab.json", document.as_bytes()), ("1.in", b"1"), ("1.out", b"1")]);
    let problem = put(&world, PATH, "application/zip", archive).await.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/lab.json/languages/0", "{problem}");
    for (body, pointer, says) in [
        (packed(&[("../1.in", b"1")]), "/..~11.in", "would leave"),
        (packed(&[("1.in", b"1")]), "/1.in", "without its answer"),
        (packed(&[("1.in", b"1\0"), ("1.out", b"1")]), "/1.in", "U+0000"),
        (packed(&[("1.in", b"1"), ("1.out", &[0xff])]), "/1.out", "UTF-8"),
        (packed(&[("1.in", &vec![b' '; 9 << 20]), ("1.out", b"")]), "/1.in", "larger than 8 MiB"),
        (packed(&[]), "", "neither a lab.json nor tests"),
        (b"no archive".to_vec(), "", "not a zip archive"),
        (Vec::new(), "", "not a zip archive"),
    ] {
        let problem = put(&world, PATH, "application/zip", body).await.problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(problem["errors"][0]["detail"].as_str().is_some_and(|d| d.contains(says)), "{says}: {problem}");
    }
    put(&world, PATH, "application/zip", vec![0; 17 << 20]).await.problem(413, "body_too_large");
    put(&world, PATH, "text/plain", b"x".to_vec()).await.problem(415, "unsupported_media_type");
    let only_tests = packed(&[("1.in", b"1"), ("1.out", b"1")]);
    let dry = put(&world, &format!("{PATH}?dry_run=true"), "application/zip", only_tests).await.expect(200);
    assert!(dry["id"].is_null() && dry["warnings"][0]["pointer"] == "", "{dry}");
    let labs = world.app.get(&world.instructor, "/courses/c/labs").await.expect(200);
    assert_eq!(labs["items"], json!([]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn archives_sent_at_once_are_opened_in_turn_and_all_answered(pg: PgPool) {
    let world = World::new(pg).await;
    let archive = packed(&[("1.in", &vec![b'1'; 1 << 20]), ("1.out", b"1")]);
    let puts = (0..8).map(|i| {
        put(
            &world,
            "/courses/c/labs/sum",
            if i % 2 == 0 { "application/zip" } else { "application/zip; x=y" },
            archive.clone(),
        )
    });
    let answers = futures_util::future::join_all(puts).await;
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    assert!(answers.iter().all(|a| a.status.is_success()), "{answers:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_student_cannot_put_an_archive(pg: PgPool) {
    let world = World::new(pg).await;
    let request = request(Method::PUT, PATH)
        .header(header::AUTHORIZATION, format!("Bearer {}", world.student.token))
        .header(header::CONTENT_TYPE, "application/zip");
    world.app.send(request.body(Body::from("not even read")).expect("request")).await.problem(403, "forbidden");
}
