use iteratione_common::{
    gate::Validation,
    ids::{RevisionId, SubmissionId},
    store::{
        PgPool, SubmissionKind,
        job::{self, JobClass},
        validation,
    },
    verdict::Verdict,
};
use serde_json::json;

use crate::fixture::{Fixture, document, grade};

fn two_solutions() -> serde_json::Value {
    document(&json!([
        {"language": "python", "files": [], "expect": {"score": 100.0}},
        {"name": "wrong", "language": "python", "files": [], "expect": {"verdict": "WA"}}
    ]))
}

/// Starts a validation as publishing does; returns the solutions' submissions.
async fn publish(fixture: &Fixture) -> Vec<SubmissionId> {
    sqlx::query("update lab set status = 'validating', validation = null").execute(&fixture.pg).await.expect("updates");
    let mut ids = Vec::new();
    for solution in 0..2 {
        let mut new = fixture.new_submission(fixture.owner, JobClass::Background);
        new.kind = SubmissionKind::Validation;
        new.solution = Some(solution);
        fixture.insert(&new).await;
        ids.push(new.id);
    }
    ids
}

async fn graded(fixture: &Fixture, id: SubmissionId, verdict: Verdict, score: f64) {
    sqlx::query("update grading_job set state = 'running', attempt = 1 where submission_id = $1")
        .bind(id)
        .execute(&fixture.pg)
        .await
        .expect("runs");
    job::finish(&fixture.pg, id, 1, &grade(verdict, score)).await.expect("finishes").expect("its own");
}

async fn lab(fixture: &Fixture) -> (String, Option<RevisionId>, Option<Validation>) {
    let (status, published, validation): (String, Option<RevisionId>, Option<serde_json::Value>) =
        sqlx::query_as("select status::text, published_revision_id, validation from lab where lab_id = $1")
            .bind(fixture.lab)
            .fetch_one(&fixture.pg)
            .await
            .expect("reads");
    (status, published, validation.map(|v| serde_json::from_value(v).expect("a validation")))
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lab_is_published_when_its_last_solution_got_what_it_claims(pg: PgPool) {
    let fixture = Fixture::with_document(&pg, two_solutions()).await;
    let ids = publish(&fixture).await;
    graded(&fixture, ids[1], Verdict::Wa, 0.0).await;
    assert_eq!(lab(&fixture).await, ("validating".to_owned(), None, None));
    graded(&fixture, ids[0], Verdict::Ac, 100.0).await;
    let (status, published, validation) = lab(&fixture).await;
    assert_eq!((status.as_str(), published), ("published", Some(fixture.revision)));
    let validation = validation.expect("is stored");
    assert_eq!((validation.ok, validation.revision), (true, 1));
    assert_eq!(validation.solutions.iter().map(|s| s.submission).collect::<Vec<_>>(), ids);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lab_whose_wrong_solution_passes_is_rejected_and_stays_unpublished(pg: PgPool) {
    let fixture = Fixture::with_document(&pg, two_solutions()).await;
    let ids = publish(&fixture).await;
    graded(&fixture, ids[0], Verdict::Ac, 100.0).await;
    graded(&fixture, ids[1], Verdict::Ac, 100.0).await;
    let (status, published, validation) = lab(&fixture).await;
    assert_eq!((status.as_str(), published), ("rejected", None));
    let solutions = validation.expect("is stored").solutions;
    assert!(solutions[0].ok && !solutions[1].ok);
    assert_eq!(solutions[1].message.as_deref(), Some("It should get WA, but got AC."));
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_last_solutions_that_finish_at_once_settle_the_lab(pg: PgPool) {
    for _ in 0..10 {
        let fixture = Fixture::with_document(&pg, two_solutions()).await;
        let ids = publish(&fixture).await;
        tokio::join!(graded(&fixture, ids[0], Verdict::Ac, 100.0), graded(&fixture, ids[1], Verdict::Wa, 0.0));
        assert_eq!(lab(&fixture).await.0, "published");
        sqlx::query("delete from course").execute(&pg).await.expect("clean");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn publishing_again_goes_by_the_new_results(pg: PgPool) {
    let fixture = Fixture::with_document(&pg, two_solutions()).await;
    let first = publish(&fixture).await;
    graded(&fixture, first[0], Verdict::Tle, 0.0).await;
    graded(&fixture, first[1], Verdict::Wa, 0.0).await;
    assert_eq!(lab(&fixture).await.0, "rejected");
    let second = publish(&fixture).await;
    graded(&fixture, second[1], Verdict::Wa, 0.0).await;
    assert_eq!(lab(&fixture).await.0, "validating", "the first round's result of the other solution does not count");
    graded(&fixture, second[0], Verdict::Ac, 100.0).await;
    assert_eq!(lab(&fixture).await.0, "published");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_late_validation_of_an_old_revision_changes_nothing(pg: PgPool) {
    let fixture = Fixture::with_document(&pg, two_solutions()).await;
    let ids = publish(&fixture).await;
    fixture.revise(RevisionId::new(), 2, two_solutions()).await;
    graded(&fixture, ids[0], Verdict::Ac, 100.0).await;
    graded(&fixture, ids[1], Verdict::Wa, 0.0).await;
    assert_eq!(lab(&fixture).await, ("validating".to_owned(), None, None));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_document_without_solutions_is_published_by_settling(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    sqlx::query("update lab set status = 'validating'").execute(&pg).await.expect("updates");
    let mut tx = pg.begin().await.expect("begins");
    let validation = validation::settle(&mut tx, fixture.revision).await.expect("settles").expect("all done");
    tx.commit().await.expect("commits");
    assert!(validation.ok && validation.solutions.is_empty());
    assert_eq!(lab(&fixture).await.0, "published");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_solution_that_the_judge_could_not_grade_rejects_the_lab(pg: PgPool) {
    let fixture = Fixture::with_document(&pg, two_solutions()).await;
    let ids = publish(&fixture).await;
    graded(&fixture, ids[1], Verdict::Wa, 0.0).await;
    sqlx::query("update grading_job set state = 'running', attempt = 3 where submission_id = $1")
        .bind(ids[0])
        .execute(&pg)
        .await
        .expect("runs");
    job::give_up(&pg, ids[0], 3, "broken").await.expect("gives up").expect("its own");
    let (status, _, validation) = lab(&fixture).await;
    assert_eq!(status, "rejected");
    assert!(
        validation.expect("is stored").solutions[0].message.as_deref().is_some_and(|m| m.contains("could not grade"))
    );
}
