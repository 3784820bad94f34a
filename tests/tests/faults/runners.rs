//! Runners and what they need: killed, away, and back.

use std::time::Duration;

use futures_util::future::join_all;
use testkit::{
    console::{Console, program},
    stack::{Setup, with_stack},
    wait::until_true,
};

/// The reaper's minute, and the slowness of a machine with other work.
const REAPED: Duration = Duration::from_secs(180);
const WAITS: &str = "print('ready')\nprint('got', input())\n";

fn setup() -> Setup {
    let settings = vec![
        ("ITERATIONE_RUNNER__SESSIONS_PER_ACCOUNT", "60".to_owned()),
        ("ITERATIONE_API__LIMITS__TERMINALS_PER_ACCOUNT", "100".to_owned()),
        ("ITERATIONE_API__LIMITS__RUN_TICKET_BURST", "200".to_owned()),
        ("ITERATIONE_SANDBOX__ROOM_MS", "300000".to_owned()),
        // A run's own limits are not met here, however slow the machine is.
        ("ITERATIONE_RUNNER__WALL_SECONDS", "900".to_owned()),
        ("ITERATIONE_RUNNER__IDLE_SECONDS", "900".to_owned()),
        ("ITERATIONE_RUNNER__GRACE_SECONDS", "300".to_owned()),
        ("ITERATIONE_RUNNER__DRAIN_SECONDS", "1".to_owned()),
    ];
    Setup { graders: 0, runners: 1, own_redis: true, errors_expected: true, settings, ..Setup::default() }
}

fn waits() -> iteratione_common::terminal::Run {
    program("python", &[("main.py", WAITS)])
}

#[test]
fn fifty_clients_of_a_killed_runner_see_the_end_and_no_container_is_left() {
    with_stack(setup(), Duration::from_secs(540), async |stack| {
        let class = stack.classroom("killed-runner", 1).await;
        let student = class.student();
        let mut consoles = join_all((0..50).map(|_| Console::run(stack, student, waits()))).await;
        // Everybody reads all the time, as browsers do.
        join_all(consoles.iter_mut().map(|console| console.expect("ready"))).await;
        assert!(stack.containers().await.len() >= 50);
        stack.runners[0].kill().await;
        let ends = join_all(consoles.iter_mut().map(Console::closed)).await;
        assert_eq!(ends.len(), 50);

        // A new runner's first pass, or its next a minute later, finds what the dead one left.
        let left = stack.containers().await;
        stack.runners[0].start().await;
        until_true("the dead runner's jails are gone", REAPED, async || {
            let now = stack.containers().await;
            left.iter().all(|container| !now.contains(container))
        })
        .await;
        // Its places are free again after a while.
        until_true("somebody can run again", REAPED, async || {
            let mut console = Console::run(stack, student, waits()).await;
            while console.take().await {
                if console.text().contains("ready") {
                    return true;
                }
                if console.is_over() {
                    return false;
                }
            }
            false
        })
        .await;
    });
}

#[test]
fn redis_and_the_api_may_go_away_under_live_terminals() {
    with_stack(setup(), Duration::from_secs(300), async |stack| {
        let class = stack.classroom("redis-away", 1).await;
        let student = class.student();
        let mut console = Console::run(stack, student, waits()).await;
        let session = console.running().await;
        console.expect("ready").await;
        let known = console.output.len();

        stack.redis.as_mut().expect("its own").kill().await;
        let mut refused = Console::open(stack, student).await;
        assert_eq!(refused.refused().await, "unavailable");
        stack.redis.as_mut().expect("its own").start_again().await;
        until_true("a ticket is honoured again", REAPED, async || {
            let mut console = Console::run(stack, student, waits()).await;
            while console.take().await {
                if console.text().contains("ready") {
                    return true;
                }
            }
            false
        })
        .await;

        // The socket goes through the API: without it the client comes back to the same run.
        stack.api.kill().await;
        console.closed().await;
        stack.api.start().await;
        let student = stack.signed_in(&class.students[0].email, class.students[0].password).await;
        let mut console = Console::open(stack, &student).await;
        console.resume(&session, known).await;
        assert_eq!(console.resumed().await, (known as u64, 0));
        console.type_in("on\n").await;
        console.expect("got on\r\n").await;
        assert_eq!(console.exit().await.code, Some(0));
    });
}
