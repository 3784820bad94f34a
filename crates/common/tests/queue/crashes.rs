//! Random crashes: whatever happens between the steps, each submission has exactly one accepted result.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use iteratione_common::{
    ids::{SubmissionId, WorkerId},
    queue::{Dispatcher, Queue},
    store::{
        PgPool,
        job::{self, Finished, Retried},
        submission,
        worker::{self, Worker},
    },
    submission::SubmissionStatus,
    verdict::Verdict,
};

use crate::fixture::{Fixture, account, flush, grade, namespace, queue};

const LEASE: Duration = Duration::from_millis(400);
/// Many: here it is not the bound that is tested.
const MAX_ATTEMPTS: i32 = 1000;

/// xorshift64*: the same seed, the same decisions of each worker.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What the database took, and from which attempt.
type Accepted = Arc<Mutex<HashMap<SubmissionId, Vec<(Finished, i32)>>>>;

/// A worker that dies at random between any two steps, or falls asleep for longer than its lease and goes on.
async fn life(pg: PgPool, queue: Queue, dice: &mut Dice, serial: &AtomicU64, accepted: &Accepted, stop: &AtomicBool) {
    let worker =
        Worker { id: WorkerId::new(), host: "test".to_owned(), slots: 2, per_account: 2, max_attempts: MAX_ATTEMPTS };
    worker::beat(&pg, &worker).await.expect("beats");
    let mut reader = queue.reader(worker.id);
    while !stop.load(Ordering::Relaxed) {
        let Ok(Some(entry)) = reader.next(Duration::from_millis(50)).await else { continue };
        if dice.one_in(12) {
            return; // after reading
        }
        let claimed = job::claim(&pg, entry.job.submission, entry.job.attempt, worker.id, LEASE).await.expect("asks");
        if dice.one_in(12) {
            return; // after claiming
        }
        queue.ack(&entry).await.expect("acknowledges");
        let Some(claimed) = claimed else { continue };
        if dice.one_in(12) {
            return; // in mid-grading
        }
        if dice.one_in(10) {
            tokio::time::sleep(LEASE * 2).await; // paused
        }
        if dice.one_in(15) {
            job::hand_back(&pg, claimed.submission, claimed.attempt).await.expect("asks");
            return; // told to stop
        }
        if dice.one_in(10) {
            let retried =
                job::retry(&pg, claimed.submission, claimed.attempt, MAX_ATTEMPTS, Duration::ZERO, "dice").await;
            assert!(!matches!(retried.expect("asks"), Retried::Dead(_)));
            continue;
        }
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        let score = serial.fetch_add(1, Ordering::Relaxed) as f64;
        for _ in 0..=dice.below(2) {
            let finished =
                job::finish(&pg, claimed.submission, claimed.attempt, &grade(Verdict::Ac, score)).await.expect("asks");
            if let Some(finished) = finished {
                accepted.lock().expect("lock").entry(claimed.submission).or_default().push((finished, claimed.attempt));
            }
        }
        if dice.one_in(12) {
            return; // after finishing
        }
    }
}

async fn storm(pg: PgPool, seed: u64) {
    const JOBS: usize = 60;
    let (fixture, namespace) = (Fixture::new(&pg).await, namespace());
    let mut ids = Vec::new();
    for _ in 0..6 {
        let student = account(&pg).await;
        for _ in 0..JOBS / 6 {
            ids.push(fixture.submit(student).await);
        }
    }
    let queue = queue(&namespace);
    let (accepted, serial, stop) = (Accepted::default(), AtomicU64::new(0), AtomicBool::new(false));
    let workers = futures_util::future::join_all((0..3).map(|n| {
        let (pg, queue, serial, accepted, stop) = (pg.clone(), queue.clone(), &serial, &accepted, &stop);
        async move {
            let mut dice = Dice((seed * 1000 + n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            while !stop.load(Ordering::Relaxed) {
                life(pg.clone(), queue.clone(), &mut dice, serial, accepted, stop).await;
            }
        }
    }));
    let heart = async {
        let mut dice = Dice(seed | 1);
        let mut dispatcher = Dispatcher::new(pg.clone(), queue.clone());
        let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
        loop {
            dispatcher.heal().await.expect("heals");
            dispatcher.dispatch().await.expect("dispatches");
            if dice.one_in(15) {
                flush(&namespace).await;
            }
            let open: i64 = sqlx::query_scalar("select count(*) from grading_job where state <> 'done'")
                .fetch_one(&pg)
                .await
                .expect("counts");
            if open == 0 {
                break;
            }
            assert!(tokio::time::Instant::now() < deadline, "seed {seed}: {open} jobs are still open");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(workers, heart);
    let accepted = accepted.lock().expect("lock").clone();
    assert_eq!(accepted.len(), JOBS, "seed {seed}");
    for id in ids {
        let [(once, attempt)] = accepted[&id].as_slice() else {
            panic!("seed {seed}: {id} has {} results", accepted[&id].len())
        };
        let row = submission::get(&pg, id).await.expect("reads").expect("is there");
        assert_eq!(
            (row.status, row.score, row.finished_at),
            (SubmissionStatus::Done, Some(once.score), Some(once.finished_at))
        );
        assert_eq!(row.grade.map(|g| g.score), row.score, "seed {seed}");
        assert_eq!(row.grading_attempt, *attempt, "seed {seed}: the result of an attempt that was over");
    }
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_submission_has_one_accepted_result_whatever_crashes_first_storm(pg: PgPool) {
    storm(pg, 1).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_submission_has_one_accepted_result_whatever_crashes_second_storm(pg: PgPool) {
    storm(pg, 2).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_submission_has_one_accepted_result_whatever_crashes_third_storm(pg: PgPool) {
    storm(pg, 3).await;
}
