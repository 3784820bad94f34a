use std::time::Duration;

use iteratione_common::{
    store::{
        PgPool,
        job::{self, INTERNAL_ERROR, Retried},
        submission,
    },
    submission::SubmissionStatus,
    verdict::Verdict,
};

use crate::fixture::{Fixture, grade};

#[sqlx::test(migrations = "../../migrations")]
async fn a_grade_is_recorded_once_however_often_it_is_sent(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, _) = fixture.claimed().await;
    let sent: Vec<_> = [Verdict::Ac, Verdict::Wa, Verdict::Tle].map(|v| grade(v, 1.0)).to_vec();
    let results =
        futures_util::future::join_all(sent.iter().map(|g| job::finish(&pg, claimed.submission, claimed.attempt, g)))
            .await;
    let accepted: Vec<_> = results.into_iter().filter_map(|r| r.expect("asks")).collect();
    assert_eq!(accepted.len(), 1);
    let row = submission::get(&pg, claimed.submission).await.expect("reads").expect("is there");
    assert_eq!((row.status, row.verdict), (SubmissionStatus::Done, Some(accepted[0].verdict)));
    assert_eq!(row.finished_at, Some(accepted[0].finished_at));
    assert_eq!(row.grade.map(|g| g.verdict), row.verdict);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_program_printed_is_kept_with_its_nul_characters(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, _) = fixture.claimed().await;
    let mut printed = grade(Verdict::Wa, 0.0);
    printed.message = Some("\0\u{1b}[31m\u{fffd}\\u0000".to_owned());
    job::finish(&pg, claimed.submission, claimed.attempt, &printed).await.expect("finishes").expect("its own");
    let row = submission::get(&pg, claimed.submission).await.expect("reads").expect("is there");
    assert_eq!(row.grade, Some(printed));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_score_that_json_cannot_hold_is_refused_and_nothing_is_written(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, _) = fixture.claimed().await;
    for bad in [f64::NAN, f64::INFINITY] {
        job::finish(&pg, claimed.submission, claimed.attempt, &grade(Verdict::Ac, bad)).await.expect_err("refused");
    }
    assert_eq!(fixture.state(claimed.submission).await, "running 1 0");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_job_that_failed_waits_before_its_next_try(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, worker) = fixture.claimed().await;
    let id = claimed.submission;
    let outcome =
        job::retry(&pg, id, claimed.attempt, 3, Duration::from_mins(1), "no\0 Docker").await.expect("retries");
    assert_eq!((outcome, fixture.state(id).await), (Retried::Queued, "queued 1 0".to_owned()));
    assert_eq!(fixture.dispatch().await, [], "its time has not come");
    let row = submission::get(&pg, id).await.expect("reads").expect("is there");
    assert_eq!(row.status, SubmissionStatus::Queued);
    let error: String = sqlx::query_scalar("select last_error from grading_job").fetch_one(&pg).await.expect("reads");
    assert_eq!(error, "no Docker");
    assert_eq!(fixture.claim_again(id, worker).await.tries, 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn after_the_last_try_the_job_is_dead_and_the_submission_ie(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (mut claimed, worker) = fixture.claimed().await;
    let id = claimed.submission;
    for _ in 1..3 {
        assert_eq!(
            job::retry(&pg, id, claimed.attempt, 3, Duration::ZERO, "x").await.expect("retries"),
            Retried::Queued
        );
        claimed = fixture.claim_again(id, worker).await;
    }
    let Retried::Dead(finished) =
        job::retry(&pg, id, claimed.attempt, 3, Duration::ZERO, "the last").await.expect("retries")
    else {
        panic!("not dead")
    };
    assert_eq!((finished.verdict, fixture.state(id).await), (Verdict::Ie, "dead 3 0".to_owned()));
    let row = submission::get(&pg, id).await.expect("reads").expect("is there");
    assert_eq!(
        (row.status, row.verdict, row.score, row.max_score),
        (SubmissionStatus::Done, Some(Verdict::Ie), Some(0.0), Some(100.0))
    );
    assert_eq!(row.grade.and_then(|g| g.message).as_deref(), Some(INTERNAL_ERROR));
    assert_eq!(job::depth(&pg).await.expect("counts").iter().map(|d| d.dead).sum::<i64>(), 1);
    assert_eq!(fixture.dispatch().await, []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hopeless_job_is_given_up_at_once(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, _) = fixture.claimed().await;
    let finished = job::give_up(&pg, claimed.submission, claimed.attempt, "no such language").await.expect("gives up");
    assert_eq!(finished.map(|f| f.verdict), Some(Verdict::Ie));
    assert_eq!(fixture.state(claimed.submission).await, "dead 1 0");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_job_that_is_handed_back_keeps_its_tries_but_not_its_fencing_token(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (mut claimed, worker) = fixture.claimed().await;
    let id = claimed.submission;
    for n in 1..=5 {
        assert!(job::hand_back(&pg, id, claimed.attempt).await.expect("hands back"));
        let late = job::finish(&pg, id, claimed.attempt, &grade(Verdict::Wa, 0.0)).await.expect("asks");
        assert_eq!(late, None);
        claimed = fixture.claim_again(id, worker).await;
        assert_eq!((claimed.tries, claimed.attempt), (1, n + 1));
    }
    assert_eq!(job::retry(&pg, id, claimed.attempt, 3, Duration::ZERO, "x").await.expect("retries"), Retried::Queued);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_job_that_kills_each_worker_that_takes_it_ends_as_ie(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, _) = fixture.claimed().await;
    let id = claimed.submission;
    for n in 1..3 {
        fixture.expire_lease(id).await;
        let swept = job::sweep(&pg).await.expect("sweeps");
        assert_eq!((swept.requeued, swept.dead.len()), (vec![(id, n)], 0));
        let next = fixture.grader(1).await;
        fixture.claim_again(id, next).await;
    }
    fixture.expire_lease(id).await;
    let swept = job::sweep(&pg).await.expect("sweeps");
    assert_eq!(swept.dead.iter().map(|f| (f.submission, f.verdict)).collect::<Vec<_>>(), [(id, Verdict::Ie)]);
    assert_eq!(fixture.state(id).await, "dead 3 0");
    let error: String = sqlx::query_scalar("select last_error from grading_job").fetch_one(&pg).await.expect("reads");
    assert!(error.starts_with("attempt 3:"), "{error}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_job_that_cannot_be_ended_does_not_hold_up_the_others(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (stuck, _) = fixture.claimed().await;
    let (other, _) = fixture.claimed().await;
    fixture.expire_lease(stuck.submission).await;
    fixture.expire_lease(other.submission).await;
    // Another transaction holds the row for as long as it likes.
    let mut tx = pg.begin().await.expect("begins");
    sqlx::query("select 1 from grading_job where submission_id = $1 for update")
        .bind(stuck.submission)
        .execute(&mut *tx)
        .await
        .expect("locks");
    let sweep = tokio::time::timeout(Duration::from_secs(5), job::sweep(&pg)).await.expect("does not wait");
    assert_eq!(sweep.expect("sweeps").requeued, [(other.submission, other.attempt)]);
}
