use std::time::Duration;

use iteratione_common::{
    ids::{SubmissionId, WorkerId},
    store::{PgPool, job, submission},
    submission::SubmissionStatus,
    verdict::Verdict,
};

use crate::fixture::{Fixture, LEASE, account, grade};

#[sqlx::test(migrations = "../../migrations")]
async fn of_two_claims_at_once_one_wins_and_gets_all_that_grading_needs(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.grader(2).await;
    let student = account(&pg).await;
    let id = fixture.submit(student).await;
    let job = fixture.dispatch().await[0];
    let claims = futures_util::future::join_all((0..8).map(|_| fixture.claim(&job, WorkerId::new()))).await;
    let won: Vec<_> = claims.into_iter().flatten().collect();
    let [claimed] = won.as_slice() else { panic!("{} claims won", won.len()) };
    assert_eq!((claimed.submission, claimed.account, claimed.attempt, claimed.tries), (id, student, 1, 1));
    assert_eq!((claimed.files[0].name.as_str(), claimed.document.title.as_str()), ("main.py", "Lab"));
    let row = submission::get(&pg, id).await.expect("reads").expect("is there");
    assert_eq!((row.status, row.grading_attempt), (SubmissionStatus::Running, 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_what_is_dispatched_at_that_attempt_can_be_claimed(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let worker = fixture.grader(1).await;
    let id = fixture.submit(account(&pg).await).await;
    let nothing = |attempt| {
        let pg = pg.clone();
        async move { job::claim(&pg, id, attempt, worker, LEASE).await.expect("asks").is_none() }
    };
    assert!(nothing(0).await, "it is still queued");
    let job = fixture.dispatch().await[0];
    assert!(nothing(1).await, "an entry of another attempt");
    let claimed = fixture.claim(&job, worker).await.expect("claimed");
    assert!(nothing(0).await && nothing(1).await, "it is running");
    job::finish(&pg, id, claimed.attempt, &grade(Verdict::Ac, 100.0)).await.expect("finishes").expect("its own");
    assert!(nothing(0).await && nothing(1).await, "it is done");
    let unknown = job::claim(&pg, SubmissionId::new(), 0, worker, LEASE).await.expect("asks");
    assert!(unknown.is_none(), "it never was");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_heartbeat_keeps_the_lease_and_tells_what_is_lost(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (claimed, worker) = fixture.claimed().await;
    let held = (claimed.submission, claimed.attempt);
    let gone = (SubmissionId::new(), 1);
    fixture.expire_lease(claimed.submission).await;
    // Late, but nobody has noticed: the lease is good again.
    assert_eq!(job::heartbeat(&pg, &[held, gone], LEASE).await.expect("beats"), [gone]);
    assert_eq!(job::sweep(&pg).await.expect("sweeps"), job::Swept::default());

    fixture.expire_lease(claimed.submission).await;
    job::sweep(&pg).await.expect("sweeps");
    assert_eq!(job::heartbeat(&pg, &[held], LEASE).await.expect("beats"), [held]);
    let again = fixture.claim_again(claimed.submission, worker).await;
    assert_eq!(job::heartbeat(&pg, &[held, (again.submission, again.attempt)], LEASE).await.expect("beats"), [held]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_heartbeat_of_a_worker_that_lost_its_lease_does_not_keep_the_new_owners_alive(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (stale, worker) = fixture.claimed().await;
    fixture.expire_lease(stale.submission).await;
    job::sweep(&pg).await.expect("sweeps");
    let fresh = fixture.claim_again(stale.submission, worker).await;
    fixture.expire_lease(fresh.submission).await;
    job::heartbeat(&pg, &[(stale.submission, stale.attempt)], Duration::from_mins(10)).await.expect("beats");
    let swept = job::sweep(&pg).await.expect("sweeps");
    assert_eq!(swept.requeued, [(fresh.submission, fresh.attempt)]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_worker_that_lost_its_lease_can_write_nothing(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let (stale, worker) = fixture.claimed().await;
    let id = stale.submission;
    fixture.expire_lease(id).await;
    job::sweep(&pg).await.expect("sweeps");
    let fresh = fixture.claim_again(id, worker).await;
    assert_eq!(fresh.attempt, 2);

    let late = job::finish(&pg, id, stale.attempt, &grade(Verdict::Wa, 0.0)).await.expect("asks");
    assert_eq!(late, None);
    let late = job::retry(&pg, id, stale.attempt, 3, Duration::ZERO, "late").await.expect("asks");
    assert_eq!(late, job::Retried::Fenced);
    assert_eq!(job::give_up(&pg, id, stale.attempt, "late").await.expect("asks"), None);
    assert!(!job::hand_back(&pg, id, stale.attempt).await.expect("asks"));
    assert_eq!(fixture.state(id).await, "running 2 0");

    job::finish(&pg, id, fresh.attempt, &grade(Verdict::Ac, 100.0)).await.expect("finishes").expect("its own");
    let row = submission::get(&pg, id).await.expect("reads").expect("is there");
    assert_eq!((row.verdict, row.score, row.grading_attempt), (Some(Verdict::Ac), Some(100.0), 2));
}
