use std::{collections::HashSet, time::Duration};

use iteratione_common::{
    ids::{SubmissionId, UserId},
    queue::Dispatcher,
    store::{
        PgPool,
        job::{self, JobClass},
        worker,
    },
};

use crate::fixture::{Fixture, account, flush, grade, namespace, queue};
use iteratione_common::verdict::Verdict;

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_is_dispatched_while_no_grader_lives(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.submit(account(&pg).await).await;
    assert_eq!(fixture.dispatch().await, []);
    let grader = fixture.grader(1).await;
    sqlx::query("update worker set seen_at = now() - interval '30 seconds'").execute(&pg).await.expect("silent");
    assert_eq!(fixture.dispatch().await, []);
    sqlx::query("update worker set seen_at = now()").execute(&pg).await.expect("beats");
    assert_eq!(fixture.dispatch().await.len(), 1);
    worker::leave(&pg, grader).await.expect("leaves");
    fixture.submit(account(&pg).await).await;
    assert_eq!(fixture.dispatch().await, []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn graders_that_are_silent_for_a_minute_are_forgotten(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.grader(1).await;
    sqlx::query("update worker set seen_at = now() - interval '61 seconds'").execute(&pg).await.expect("silent");
    fixture.grader(1).await;
    assert_eq!(worker::forget_dead(&pg).await.expect("forgets"), 1);
    assert_eq!(worker::forget_dead(&pg).await.expect("forgets"), 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_streams_are_filled_to_two_jobs_a_slot_and_no_further(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let worker = fixture.grader(3).await;
    for _ in 0..20 {
        fixture.submit(account(&pg).await).await;
    }
    let jobs = fixture.dispatch().await;
    assert_eq!(jobs.len(), 6);
    assert_eq!(fixture.dispatch().await, []);
    fixture.claim(&jobs[0], worker).await.expect("claimed");
    assert_eq!(fixture.dispatch().await.len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn dispatchers_that_run_at_once_dispatch_each_job_once_and_do_not_overfill(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.grader(4).await;
    for _ in 0..20 {
        fixture.submit(account(&pg).await).await;
    }
    let rounds = futures_util::future::join_all((0..5).map(|_| fixture.dispatch())).await.concat();
    let distinct: HashSet<_> = rounds.iter().map(|j| j.submission).collect();
    assert_eq!((rounds.len(), distinct.len()), (8, 8));
}

#[sqlx::test(migrations = "../../migrations")]
async fn interactive_goes_before_submissions_and_those_before_rejudges(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.grader(4).await;
    let mut expected = Vec::new();
    for class in [JobClass::Background, JobClass::Submission, JobClass::Interactive] {
        expected.push(fixture.submit_as(account(&pg).await, class).await);
    }
    expected.reverse();
    assert_eq!(fixture.dispatch().await.iter().map(|j| j.submission).collect::<Vec<_>>(), expected);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rejudge_that_has_waited_long_goes_before_fresh_submissions(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.grader(1).await;
    let old = fixture.submit_as(account(&pg).await, JobClass::Background).await;
    sqlx::query("update grading_job set created_at = now() - interval '3 minutes'").execute(&pg).await.expect("older");
    for _ in 0..5 {
        fixture.submit(account(&pg).await).await;
    }
    let first = fixture.dispatch().await[0];
    assert_eq!((first.submission, first.class), (old, JobClass::Background));
}

/// Claims and finishes jobs as one slot would; returns the order of accounts.
async fn grade_all(fixture: &Fixture, slots: i32) -> Vec<UserId> {
    let worker = fixture.grader(slots).await;
    let mut order = Vec::new();
    let mut stream = Vec::new();
    loop {
        stream.extend(fixture.dispatch().await);
        if stream.is_empty() {
            return order;
        }
        let claimed = fixture.claim(&stream.remove(0), worker).await.expect("claimed");
        order.push(claimed.account);
        job::finish(&fixture.pg, claimed.submission, claimed.attempt, &grade(Verdict::Ac, 1.0))
            .await
            .expect("finishes")
            .expect("its own");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_accounts_flood_of_500_does_not_delay_twenty_others(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let flooder = account(&pg).await;
    // Written in one statement: what is tested is the choice.
    sqlx::query(
        "with s as (
           insert into submission (submission_id, lab_id, revision_id, account_id, language, files, ordinal)
           select gen_random_uuid(), $1, $2, $3, 'python', '[]', n from generate_series(1, 500) n returning submission_id)
         insert into grading_job (submission_id, account_id) select submission_id, $3 from s",
    )
    .bind(fixture.lab)
    .bind(fixture.revision)
    .bind(flooder)
    .execute(&pg)
    .await
    .expect("a flood");
    let mut others = HashSet::new();
    for _ in 0..20 {
        let other = account(&pg).await;
        fixture.submit(other).await;
        others.insert(other);
    }
    let order = grade_all(&fixture, 2).await;
    assert_eq!(order.len(), 520);
    let last_other = order.iter().rposition(|a| others.contains(a)).expect("they are graded");
    // Twenty of theirs, and of the flood what was dispatched beside them.
    assert!(last_other < 30, "the last of the twenty came as number {last_other}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_account_gets_no_more_live_jobs_than_its_share(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    let flooder = account(&pg).await;
    for _ in 0..30 {
        fixture.submit(flooder).await;
    }
    let worker = fixture.grader(3).await;
    let jobs = fixture.dispatch().await;
    assert_eq!(jobs.len(), 2, "per_account");
    fixture.claim(&jobs[0], worker).await.expect("claimed");
    assert_eq!(fixture.dispatch().await, [], "running ones count");
    fixture.grader(9).await;
    assert_eq!(fixture.dispatch().await.len(), 4, "half of twelve slots, less the two that are live");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_job_submitted_while_a_round_waits_for_its_turn_is_seen_by_it(pg: PgPool) {
    let fixture = Fixture::new(&pg).await;
    fixture.grader(1).await;
    let mut tx = pg.begin().await.expect("begins");
    job::dispatch(&mut tx).await.expect("holds the lock");
    let waiting = async {
        let mut second = pg.begin().await.expect("begins");
        // The round's transaction is older than the submission.
        sqlx::query("select now()").execute(&mut *second).await.expect("starts");
        let jobs = job::dispatch(&mut second).await.expect("dispatches");
        second.commit().await.expect("commits");
        jobs
    };
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let id = fixture.submit(account(&pg).await).await;
        tx.commit().await.expect("commits");
        id
    };
    let (jobs, id) = tokio::join!(waiting, meanwhile);
    assert_eq!(jobs.iter().map(|j| j.submission).collect::<Vec<_>>(), [id]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_redis_forgot_between_dispatch_and_claim_is_added_again(pg: PgPool) {
    let (fixture, namespace) = (Fixture::new(&pg).await, namespace());
    let worker = fixture.grader(2).await;
    let queue = queue(&namespace);
    let mut dispatcher = Dispatcher::new(pg.clone(), queue.clone());
    let ids: HashSet<SubmissionId> =
        [fixture.submit(account(&pg).await).await, fixture.submit(account(&pg).await).await].into();
    dispatcher.heal().await.expect("heals");
    assert_eq!(dispatcher.dispatch().await.expect("dispatches"), 2);
    flush(&namespace).await;
    dispatcher.heal().await.expect("heals at once");
    let mut reader = queue.reader(worker);
    let mut read = HashSet::new();
    for _ in 0..2 {
        let entry = reader.next(Duration::from_secs(1)).await.expect("reads").expect("an entry");
        fixture.claim(&entry.job, worker).await.expect("claimed");
        queue.ack(&entry).await.expect("acknowledges");
        read.insert(entry.job.submission);
    }
    assert_eq!(read, ids);
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn entries_that_are_not_lost_are_not_added_twice(pg: PgPool) {
    let (fixture, namespace) = (Fixture::new(&pg).await, namespace());
    let worker = fixture.grader(1).await;
    let queue = queue(&namespace);
    let mut dispatcher = Dispatcher::new(pg.clone(), queue.clone());
    fixture.submit(account(&pg).await).await;
    dispatcher.dispatch().await.expect("dispatches");
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(350)).await;
        dispatcher.heal().await.expect("heals");
    }
    let mut reader = queue.reader(worker);
    let entry = reader.next(Duration::from_secs(1)).await.expect("reads").expect("an entry");
    queue.ack(&entry).await.expect("acknowledges");
    assert_eq!(reader.next(Duration::from_millis(100)).await.expect("reads"), None);
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn while_redis_is_down_jobs_stay_where_nothing_is_lost(pg: PgPool) {
    let (fixture, namespace) = (Fixture::new(&pg).await, namespace());
    let worker = fixture.grader(1).await;
    let id = fixture.submit(account(&pg).await).await;
    // A port of this machine where nobody listens.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let down =
        iteratione_common::queue::Queue::connect(&format!("redis://{closed}"), &namespace).expect("connects later");
    Dispatcher::new(pg.clone(), down).dispatch().await.expect_err("Redis is down");
    assert_eq!(fixture.state(id).await, "dispatched 0 0");

    let queue = queue(&namespace);
    Dispatcher::new(pg.clone(), queue.clone()).heal().await.expect("heals");
    let entry = queue.reader(worker).next(Duration::from_secs(1)).await.expect("reads").expect("an entry");
    assert!(fixture.claim(&entry.job, worker).await.is_some());
    flush(&namespace).await;
}
