//! The ways of a job through a worker.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use iteratione_common::{
    store::{PgPool, submission},
    submission::{Event, SubmissionStatus},
    verdict::Verdict,
};

use crate::{
    fixture::{Fixture, account, flush, namespace},
    scripted::{Grader, Options, Script, Step, events_of, eventually, graded},
};

/// One word per event.
fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Status { status: SubmissionStatus::Running, attempt } => format!("running {attempt}"),
        Event::Status { status, attempt } => format!("{status:?} {attempt}").to_lowercase(),
        Event::Compile { attempt, .. } => format!("compile {attempt}"),
        Event::Test { attempt, .. } => format!("test {attempt}"),
        Event::Done { verdict, .. } => format!("done {verdict}"),
    };
    events.iter().map(word).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_submission_is_graded_once_and_its_events_come_in_order(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::default());
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    let id = fixture.submit(account(&pg).await).await;
    grader.dispatch.wake();
    assert_eq!(words(&events_of(&namespace, id).await), ["running 1", "test 1", "done AC"]);
    assert_eq!(graded(&pg, id).await, (Verdict::Ac, 1));
    assert_eq!(fixture.state(id).await, "done 1 0");
    grader.stop().await;
    assert_eq!(script.runs_of(id), 1);
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_failure_of_the_judge_is_tried_again_and_watchers_see_the_new_attempt(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Fail, Step::Panic, Step::Accept]);
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    assert_eq!(graded(&pg, id).await, (Verdict::Ac, 3));
    assert_eq!(
        words(&events_of(&namespace, id).await),
        ["running 1", "test 1", "queued 1", "running 2", "test 2", "queued 2", "running 3", "test 3", "done AC"]
    );
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_grading_that_always_panics_ends_as_ie_after_three_tries(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    let honest = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Panic; 9]);
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    assert_eq!(words(&events_of(&namespace, id).await).last().map(String::as_str), Some("done IE"));
    assert_eq!((graded(&pg, id).await, script.runs_of(id)), ((Verdict::Ie, 3), 3));
    assert_eq!(fixture.state(id).await, "dead 3 0");
    assert_eq!(graded(&pg, honest).await.0, Verdict::Ac);
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_grade_that_cannot_be_stored_ends_as_ie_and_is_not_tried_for_ever(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Nonsense; 9]);
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    assert_eq!((graded(&pg, id).await, script.runs_of(id)), ((Verdict::Ie, 3), 3));
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hopeless_job_is_given_up_at_its_first_try(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Hopeless]);
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    assert_eq!((graded(&pg, id).await, script.runs_of(id)), ((Verdict::Ie, 1), 1));
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_more_jobs_run_at_once_than_there_are_slots_and_two_graders_share_the_work(pg: PgPool) {
    let (fixture, namespace) = (Fixture::new(&pg).await, namespace());
    let mut ids = Vec::new();
    for _ in 0..10 {
        let student = account(&pg).await;
        for _ in 0..4 {
            ids.push(fixture.submit(student).await);
        }
    }
    let scripts = [Arc::<Script>::default(), Arc::default()];
    let graders = scripts.each_ref().map(|script| Grader::start(&pg, &namespace, script, &Options::default()));
    for id in &ids {
        assert_eq!(graded(&pg, *id).await, (Verdict::Ac, 1));
    }
    for grader in graders {
        grader.stop().await;
    }
    for id in &ids {
        assert_eq!(scripts.iter().map(|s| s.runs_of(*id)).sum::<usize>(), 1);
    }
    for script in &scripts {
        assert!((1..=2).contains(&script.most.load(Ordering::SeqCst)));
        assert!(!script.runs.lock().expect("lock").is_empty(), "both had work");
    }
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_soft_stop_lets_jobs_finish_and_takes_no_new_one(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let running = fixture.submit(account(&pg).await).await;
    script.set(running, &[Step::Wait]);
    let grader = Grader::start(&pg, &namespace, &script, &Options { slots: 1, ..Options::default() });
    eventually("it runs", || async { script.runs_of(running) == 1 }).await;
    let waiting = fixture.submit(account(&pg).await).await;
    grader.lifecycle.soft.cancel();
    eventually("its slots do not count any more", || async {
        let workers: i64 = sqlx::query_scalar("select count(*) from worker").fetch_one(&pg).await.expect("counts");
        workers == 0
    })
    .await;
    script.go.notify_one();
    grader.stop().await;
    assert_eq!(graded(&pg, running).await, (Verdict::Ac, 1));
    let row = submission::get(&pg, waiting).await.expect("reads").expect("is there");
    assert_eq!((row.status, script.runs_of(waiting)), (SubmissionStatus::Queued, 0));

    let next = Grader::start(&pg, &namespace, &script, &Options::default());
    assert_eq!(graded(&pg, waiting).await, (Verdict::Ac, 1));
    next.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hard_stop_hands_jobs_back_with_their_tries_unspent(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    let id = fixture.submit(account(&pg).await).await;
    script.set(id, &[Step::Hang, Step::Hang, Step::Hang, Step::Hang]);
    for n in 1..=4 {
        let grader = Grader::start(&pg, &namespace, &script, &Options::default());
        eventually("it runs", || async { script.runs_of(id) == n }).await;
        grader.stop_hard().await;
        // A dispatcher that has not stopped yet may have put it into the stream again, where the next grader finds it.
        let state = fixture.state(id).await;
        assert!([format!("queued {n} {n}"), format!("dispatched {n} {n}")].contains(&state), "{state}");
        assert_eq!(script.running.load(Ordering::SeqCst), 0, "what ran was dropped");
    }
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    assert_eq!(graded(&pg, id).await, (Verdict::Ac, 5));
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn while_nothing_can_be_graded_no_job_is_taken_and_no_try_is_spent(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    script.unready.store(2, Ordering::SeqCst);
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    let id = fixture.submit(account(&pg).await).await;
    eventually("it is registered", || async { grader.health.registered.borrow().is_ok() }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(fixture.state(id).await, "queued 0 0");
    script.unready.store(0, Ordering::SeqCst);
    assert_eq!(graded(&pg, id).await, (Verdict::Ac, 1));
    grader.stop().await;
    flush(&namespace).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_grader_that_can_do_some_jobs_goes_on_and_says_that_it_is_not_ready(pg: PgPool) {
    let (fixture, namespace, script) = (Fixture::new(&pg).await, namespace(), Arc::<Script>::default());
    script.unready.store(1, Ordering::SeqCst);
    let grader = Grader::start(&pg, &namespace, &script, &Options::default());
    let id = fixture.submit(account(&pg).await).await;
    assert_eq!(graded(&pg, id).await, (Verdict::Ac, 1));
    assert_eq!(*grader.health.sandbox.borrow(), Err("as the script says".to_owned()));
    grader.stop().await;
    flush(&namespace).await;
}
