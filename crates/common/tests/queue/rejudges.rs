//! Runs of rejudge sets in the queue: as jobs like any other, but behind all that is handed in.

use std::time::Duration;

use iteratione_common::{
    ids::{RejudgeId, SubmissionId, UserId},
    store::{
        PgPool,
        job::{self, JobClass, Retried},
        rejudge::{self, NewRejudge},
        submission,
    },
    submission::SubmissionStatus,
    verdict::Verdict,
};

use crate::fixture::{Fixture, account, grade};

/// Graded submissions of one account, put there in one statement.
async fn graded(fixture: &Fixture, account: UserId, count: i32) -> Vec<SubmissionId> {
    let ids: Vec<SubmissionId> = (0..count).map(|_| SubmissionId::new()).collect();
    sqlx::query(
        "with s as (
           insert into submission (submission_id, lab_id, revision_id, account_id, language, files, ordinal, status, verdict, score, max_score, finished_at)
           select id, $1, $2, $3, 'python', '[]', n, 'done', 'WA', 60, 100, now() from unnest($4::uuid[]) with ordinality as u (id, n)
           returning submission_id)
         insert into grading_job (submission_id, account_id, state) select submission_id, $3, 'done' from s",
    )
    .bind(fixture.lab)
    .bind(fixture.revision)
    .bind(account)
    .bind(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
    .execute(&fixture.pg)
    .await
    .expect("graded submissions");
    ids
}

/// A set of these submissions; returns it with its runs.
async fn set(fixture: &Fixture, submissions: &[SubmissionId]) -> (RejudgeId, Vec<SubmissionId>) {
    let mut tx = fixture.pg.begin().await.expect("begins");
    let (id, filter) = (RejudgeId::new(), serde_json::json!({}));
    let (lab, revision, created_by) = (fixture.lab, fixture.revision, fixture.owner);
    let new = NewRejudge { id, lab, revision, reason: "", filter: &filter, created_by };
    rejudge::insert(&mut tx, &new).await.expect("a set");
    let chosen: Vec<_> = submissions.iter().map(|id| (*id, 1.0)).collect();
    let runs = rejudge::insert_runs(&mut tx, id, revision, &chosen).await.expect("runs");
    tx.commit().await.expect("commits");
    (id, runs)
}

#[sqlx::test(migrations = "../../migrations")]
async fn five_hundred_rejudges_leave_a_slot_free_and_whoever_hands_in_gets_it_at_once(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let worker = fixture.grader(3).await;
    let student = account(&pg).await;
    let (_, runs) = set(&fixture, &graded(&fixture, student, 500).await).await;
    let first = fixture.dispatch().await;
    assert_eq!(first.len(), 2, "of three slots they take two");
    assert!(first.iter().all(|job| runs.contains(&job.submission) && job.class == JobClass::Background));
    for job in &first {
        fixture.claim(job, worker).await.expect("claimed");
    }
    assert_eq!(fixture.dispatch().await, [], "those that run count");
    // Also the student whose submissions are graded again, and as many at once as ever.
    let mine = [fixture.submit(student).await, fixture.submit(student).await];
    let other = fixture.submit(account(&pg).await).await;
    let dispatched: Vec<_> = fixture.dispatch().await.iter().map(|job| job.submission).collect();
    assert_eq!(dispatched, [mine[0], other, mine[1]]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_handed_in_comes_before_every_rejudge_that_waits(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let worker = fixture.grader(2).await;
    let (_, runs) = set(&fixture, &graded(&fixture, account(&pg).await, 60).await).await;
    sqlx::query("update grading_job set created_at = now() - interval '10 minutes' where rejudge")
        .execute(&pg)
        .await
        .expect("they wait long");
    let (mut stream, mut order) = (Vec::new(), Vec::new());
    let mut live = Vec::new();
    for turn in 0.. {
        if turn % 6 == 0 && live.len() < 10 {
            live.push(fixture.submit(account(&pg).await).await);
        }
        stream.extend(fixture.dispatch().await);
        // As graders read: by class.
        stream.sort_by_key(|job: &job::Dispatched| job.class);
        if stream.is_empty() {
            break;
        }
        let next = stream.remove(0);
        if turn % 6 == 0 && turn < 60 {
            assert_eq!(Some(&next.submission), live.last(), "turn {turn}");
        }
        let claimed = fixture.claim(&next, worker).await.expect("claimed");
        let grade = grade(Verdict::Ac, 1.0);
        job::finish(&pg, claimed.submission, claimed.attempt, &grade).await.expect("finishes").expect("its own");
        order.push(next.submission);
    }
    assert_eq!((order.len(), runs.iter().filter(|run| order.contains(run)).count()), (70, 60), "all are graded once");
}

#[sqlx::test(migrations = "../../migrations")]
async fn rejudges_do_not_starve_where_somebody_always_hands_in(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.grader(1).await;
    let (_, runs) = set(&fixture, &graded(&fixture, account(&pg).await, 3).await).await;
    sqlx::query("update grading_job set created_at = now() - interval '61 minutes' where rejudge")
        .execute(&pg)
        .await
        .expect("older");
    for _ in 0..5 {
        fixture.submit(account(&pg).await).await;
    }
    assert!(runs.contains(&fixture.dispatch().await[0].submission));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_run_has_fences_tries_and_an_end_of_its_own_and_the_standing_grade_is_not_touched(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let worker = fixture.grader(1).await;
    let standing = graded(&fixture, account(&pg).await, 1).await;
    let (id, runs) = set(&fixture, &standing).await;
    let before = submission::get(&pg, standing[0]).await.expect("reads").expect("is there");

    // The grader that took it dies; another takes it, and fails until its tries are spent.
    let first = fixture.claim(&fixture.dispatch().await[0], worker).await.expect("claimed");
    assert_eq!((first.submission, first.account, first.class), (runs[0], before.account, JobClass::Background));
    fixture.expire_lease(runs[0]).await;
    assert_eq!(job::sweep(&pg).await.expect("sweeps").requeued, [(runs[0], 1)]);
    let second = fixture.claim_again(runs[0], worker).await;
    let late = job::finish(&pg, runs[0], first.attempt, &grade(Verdict::Ac, 100.0)).await.expect("is refused");
    assert_eq!(late, None);
    let again = job::retry(&pg, runs[0], second.attempt, 3, Duration::ZERO, "no jail").await.expect("retries");
    assert_eq!(again, Retried::Queued);
    let third = fixture.claim_again(runs[0], worker).await;
    let dead = job::retry(&pg, runs[0], third.attempt, 3, Duration::ZERO, "no jail").await.expect("retries");
    assert!(matches!(dead, Retried::Dead(finished) if finished.verdict == Verdict::Ie));
    assert_eq!(fixture.state(runs[0]).await, "dead 3 0");
    let row = rejudge::get(&pg, id).await.expect("reads").expect("a set");
    assert_eq!((row.counts.failed, row.counts.pending), (1, 0));
    assert_eq!(submission::get(&pg, standing[0]).await.expect("reads").expect("is there"), before);
    assert_eq!(submission::get(&pg, runs[0]).await.expect("reads").expect("is there").status, SubmissionStatus::Done);
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_sets_that_are_applied_at_once_replace_each_grade_once(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let worker = fixture.grader(9).await;
    let standing = graded(&fixture, account(&pg).await, 4).await;
    let mut reversed = standing.clone();
    reversed.reverse();
    let sets = [set(&fixture, &standing).await.0, set(&fixture, &reversed).await.0];
    loop {
        let jobs = fixture.dispatch().await;
        if jobs.is_empty() {
            break;
        }
        for job in jobs {
            let claimed = fixture.claim(&job, worker).await.expect("claimed");
            let grade = grade(Verdict::Ac, 100.0);
            job::finish(&pg, claimed.submission, claimed.attempt, &grade).await.expect("finishes").expect("its own");
        }
    }
    let apply = async |set| {
        let mut tx = pg.begin().await.expect("begins");
        rejudge::lock(&mut tx, set).await.expect("locks").expect("a set");
        let done = rejudge::apply(&mut tx, set, fixture.owner).await.expect("applies");
        tx.commit().await.expect("commits");
        done
    };
    let (one, other) = tokio::join!(apply(sets[0]), apply(sets[1]));
    let mut applied = [(one.applied, one.skipped.len()), (other.applied, other.skipped.len())];
    applied.sort_unstable();
    assert_eq!(applied, [(0, 4), (4, 0)]);
    for id in standing {
        assert_eq!(rejudge::former(&pg, id, 10).await.expect("reads").len(), 1);
    }
}
