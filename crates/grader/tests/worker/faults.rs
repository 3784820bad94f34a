//! What happens around a worker while it works.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use iteratione_common::{
    ids::WorkerId,
    lifecycle::Lifecycle,
    store::{PgPool, job},
    verdict::Verdict,
};
use tokio_util::sync::CancellationToken;

use crate::{
    fixture::{Fixture, LEASE, Server, account, flush, namespace},
    scripted::{Grader, Options, Script, Step, eventually, graded},
};

#[sqlx::test(migrations = "../../migrations")]
async fn a_run_whose_lease_was_lost_is_dropped_and_writes_nothing(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Hang]);
    let options = Options { lease: Duration::from_secs(3), ..Options::default() };
    let grader = Grader::start(&pg, &namespace, &script, &options);
    eventually("it runs", || async { script.runs_of(id) == 1 }).await;
    // As a sweep and another grader's claim leave it.
    sqlx::query("update grading_job set attempt = 2, worker = $1, lease_until = now() + interval '1 hour'")
        .bind(WorkerId::new())
        .execute(&pg)
        .await
        .expect("taken over");
    eventually("the run is dropped", || async { script.running.load(Ordering::SeqCst) == 0 }).await;
    grader.stop().await;
    assert_eq!(fixture.state(id).await, "running 2 0");
    let finished = job::finish(&pg, id, 2, &crate::fixture::grade(Verdict::Wa, 0.0)).await.expect("finishes");
    assert!(finished.is_some(), "the new owner is not disturbed");
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_job_that_runs_longer_than_its_lease_keeps_it(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Wait]);
    let options = Options { lease: Duration::from_secs(2), ..Options::default() };
    let grader = Grader::start(&pg, &namespace, &script, &options);
    eventually("it runs", || async { script.runs_of(id) == 1 }).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    script.go.notify_one();
    assert_eq!((graded(&pg, id).await, script.runs_of(id)), ((Verdict::Ac, 1), 1));
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_killed_grader_ran_is_graded_by_another(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Hang]);
    let worker = fixture.grader(1).await;
    let job = fixture.dispatch().await[0];
    // Claimed by a grader that is not there any more.
    job::claim(&pg, job.submission, job.attempt, worker, Duration::from_millis(500))
        .await
        .expect("claims")
        .expect("has it");
    script.set(id, &[]);
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    assert_eq!((graded(&pg, id).await, script.runs_of(id)), ((Verdict::Ac, 2), 1));
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_submission_that_kills_each_grader_ends_as_ie_and_the_others_are_graded(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let poison = fixture.submit(account(&pg).await).await;
    script.set(poison, &[Step::Hang; 9]);
    let options = Options { lease: Duration::from_secs(2), ..Options::default() };
    for n in 1..=3 {
        let grader = Grader::start_to_be_killed(&pg, &namespace, &script, &options);
        eventually("it runs", || async { script.runs_of(poison) == n }).await;
        grader.kill();
        let expired =
            sqlx::query("update grading_job set lease_until = now() - interval '1 second' where state = 'running'");
        expired.execute(&pg).await.expect("expired");
    }
    let grader = Grader::start(&pg, &namespace, &script, &options);
    let honest = fixture.submit(account(&pg).await).await;
    assert_eq!(graded(&pg, poison).await, (Verdict::Ie, 3));
    assert_eq!(graded(&pg, honest).await, (Verdict::Ac, 1));
    assert_eq!(script.runs_of(poison), 3);
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn redis_may_be_down_when_the_grader_starts_and_vanish_with_all_its_data_later(pg: PgPool) {
    let (fixture, script) = (Fixture::new(&pg).await, Arc::<Script>::default());
    let mut server = Server::start().await;
    server.stop();
    let options = Options { redis: server.url(), ..Options::default() };
    let grader = Grader::start(&pg, "x", &script, &options);
    let first = fixture.submit(account(&pg).await).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.restart().await;
    assert_eq!(graded(&pg, first).await, (Verdict::Ac, 1));

    let running = fixture.submit(account(&pg).await).await;
    script.set(running, &[Step::Wait]);
    grader.dispatch.wake();
    eventually("it runs", || async { script.runs_of(running) == 1 }).await;
    server.stop();
    server.empty();
    let waiting = fixture.submit(account(&pg).await).await;
    grader.dispatch.wake();
    script.go.notify_one();
    assert_eq!(graded(&pg, running).await, (Verdict::Ac, 1), "a grade needs no Redis");
    server.restart().await;
    assert_eq!(graded(&pg, waiting).await, (Verdict::Ac, 1));
    assert_eq!((script.runs_of(running), script.runs_of(waiting)), (1, 1));
    grader.stop().await;
}

/// A way to PostgreSQL that can be closed: connections break, and new ones are refused.
async fn way_to(upstream: String, listen: std::net::SocketAddr, open: CancellationToken) {
    let listener = tokio::net::TcpListener::bind(listen).await.expect("the port is free");
    let connections = tokio_util::task::TaskTracker::new();
    while let Some(Ok((mut near, _))) = open.run_until_cancelled(listener.accept()).await {
        let (open, upstream) = (open.clone(), upstream.clone());
        connections.spawn(async move {
            let mut far = tokio::net::TcpStream::connect(upstream).await.expect("PostgreSQL");
            open.run_until_cancelled(tokio::io::copy_bidirectional(&mut near, &mut far)).await;
        });
    }
    connections.close();
    connections.wait().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_grade_waits_while_the_database_is_away_and_is_recorded_once(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let direct = pg.connect_options();
    let upstream = format!("{}:{}", direct.get_host(), direct.get_port());
    let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
    let detour = (*direct).clone().host("127.0.0.1").port(address.port());
    let through = sqlx::postgres::PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(2))
        .connect_lazy_with(detour);
    let (lifecycle, open) = (Lifecycle::new(), CancellationToken::new());
    let way = lifecycle.spawn(way_to(upstream.clone(), address, open.clone()));

    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Wait]);
    let grader = Grader::start(&through, &namespace, &script, &Options { lease: LEASE, ..Options::default() });
    eventually("it runs", || async { script.runs_of(id) == 1 }).await;
    open.cancel();
    way.await.expect("closed");
    script.go.notify_one();
    eventually("it says that it is not ready", || async { grader.health.registered.borrow().is_err() }).await;
    assert_eq!(fixture.state(id).await, "running 1 0");

    let open = CancellationToken::new();
    lifecycle.spawn(way_to(upstream, address, open.clone()));
    assert_eq!((graded(&pg, id).await, script.runs_of(id)), ((Verdict::Ac, 1), 1));
    eventually("it is ready again", || async { grader.health.registered.borrow().is_ok() }).await;
    grader.stop().await;
    through.close().await;
    open.cancel();
    flush(&namespace).await;
}
