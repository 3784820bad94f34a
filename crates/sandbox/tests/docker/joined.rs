//! Two jails whose programs talk to each other.

use std::fs;

use iteratione_sandbox::{
    Met, Sandbox, Side, ended_first, join,
    protocol::{ExecRequest, ExecResult, Stop},
};

use crate::support::{DEADLINE, Site, docker, program, run, sh, take};

fn shell(script: &str) -> ExecRequest {
    program(&["/bin/bash", "-c", script])
}

async fn meet(sandbox: &Sandbox, site: &Site, first: ExecRequest, second: ExecRequest, enough: bool) -> Met {
    let language = site.language("base");
    let (mut one, mut other) = (take(sandbox, language).await, take(sandbox, language).await);
    let sides = (Side { jail: &mut one, request: first }, Side { jail: &mut other, request: second });
    let met = tokio::time::timeout(DEADLINE, Box::pin(join(sides.0, sides.1, |_| enough))).await.expect("in time");
    let met = met.expect("joined");
    for folder in site.jail_folders() {
        let left: Vec<_> = fs::read_dir(folder.join("src")).expect("there").collect();
        assert!(left.is_empty(), "{left:?}");
    }
    for jail in [&mut one, &mut other] {
        assert!(jail.clean().await.expect("answers"), "what is joined leaves nothing behind");
        assert_eq!(sh(jail, "echo again; cat").await, "again\n", "and has pipes again afterwards");
    }
    met
}

fn results(met: Met) -> (ExecResult, ExecResult) {
    let (first, second) = (met.first.expect("not lost"), met.second.expect("not lost"));
    assert!(first.stdout.is_empty() && second.stdout.is_empty(), "what they said was for each other");
    (first.result, second.result)
}

#[tokio::test]
async fn what_one_writes_is_what_the_other_reads_and_the_first_end_is_known() {
    let site = Site::base();
    let sandbox = site.start().await;
    let double = "while read n; do echo $((2 * n)); done; sleep 0.2; exit 3";
    let ask = "for n in 1 2 3; do echo $n; read m; [ 0$m = 0$((2 * n)) ] || { sleep 0.2; exit 43; }; done; exit 42";
    let (first, second) = results(meet(&sandbox, &site, shell(double), shell(ask), false).await);
    assert_eq!((second.exit_code, second.input_ended), (Some(42), false), "nobody had left when it ended");
    assert_eq!((first.exit_code, first.input_ended), (Some(3), true), "it saw the end of its input");
    assert!(ended_first(&second, &first) && !ended_first(&first, &second));

    let quits = "read n; exit 7";
    let (first, second) = results(meet(&sandbox, &site, shell(quits), shell(ask), false).await);
    assert_eq!((first.exit_code, first.input_ended), (Some(7), false));
    assert_eq!((second.exit_code, second.input_ended), (Some(43), true));
    assert!(ended_first(&first, &second) && !ended_first(&second, &first));
    site.end(sandbox).await;
}

#[tokio::test]
async fn words_for_one_that_has_ended_are_thrown_away_and_break_nothing() {
    let site = Site::base();
    let sandbox = site.start().await;
    // Much more than a pipe holds.
    let talks = "read n; head -c 1000000 /dev/zero || exit 9; echo last";
    let (first, second) = results(meet(&sandbox, &site, shell(talks), shell("echo 1; exit 42"), false).await);
    assert_eq!((first.exit_code, first.signal, first.stop), (Some(0), None, None), "no broken pipe");
    assert_eq!(second.exit_code, Some(42));
    let judge = "head -c 1000000 /dev/zero || exit 9; cat; exit 42";
    let (first, second) = results(meet(&sandbox, &site, shell("exit 0"), shell(judge), false).await);
    assert_eq!((first.exit_code, second.exit_code, second.input_ended), (Some(0), Some(42), true));
    site.end(sandbox).await;
}

#[tokio::test]
async fn who_waits_for_a_word_that_never_comes_is_stopped_and_the_other_sees_the_end() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut waits = shell("read n");
    waits.limits.wall_ms = 400;
    let (first, second) = results(meet(&sandbox, &site, waits, shell("read n || exit 43"), false).await);
    assert_eq!((first.stop, first.exit_code), (Some(Stop::Wall), None));
    assert_eq!((second.exit_code, second.input_ended), (Some(43), true));
    site.end(sandbox).await;
}

#[tokio::test]
async fn when_the_second_has_said_enough_the_first_is_killed() {
    let site = Site::base();
    let sandbox = site.start().await;
    let (first, second) = results(meet(&sandbox, &site, shell("sleep 15"), shell("exit 43"), true).await);
    assert_eq!((first.stop, second.exit_code), (Some(Stop::Killed), Some(43)));
    site.end(sandbox).await;
}

#[tokio::test]
async fn one_that_cannot_be_started_leaves_the_other_with_the_end_of_its_input() {
    let site = Site::base();
    let sandbox = site.start().await;
    let met = meet(&sandbox, &site, program(&["/no/such/program"]), shell("cat; exit 42"), false).await;
    let (first, second) = results(met);
    assert!(first.spawn_error.is_some_and(|why| why.contains("/no/such/program")));
    assert_eq!(second.exit_code, Some(42));
    site.end(sandbox).await;
}

#[tokio::test]
async fn a_lost_jail_ends_the_other_one_too() {
    let site = Site::base();
    let sandbox = site.start().await;
    let language = site.language("base");
    let (mut one, mut other) = (take(&sandbox, language).await, take(&sandbox, language).await);
    let id = one.container_id().to_owned();
    let kill = tokio::task::spawn_blocking(move || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        docker(&["kill", &id])
    });
    let sides =
        (Side { jail: &mut one, request: shell("sleep 15") }, Side { jail: &mut other, request: shell("sleep 15") });
    let met = tokio::time::timeout(DEADLINE, Box::pin(join(sides.0, sides.1, |_| false)))
        .await
        .expect("in time")
        .expect("joined");
    kill.await.expect("no panic");
    assert!(met.first.is_err(), "{:?}", met.first);
    assert_eq!(met.second.expect("not lost").result.stop, Some(Stop::Killed));
    drop((one, other));
    site.end(sandbox).await;
}

#[tokio::test]
async fn programs_open_their_joined_streams_by_name_and_their_errors_are_kept_within_the_limit() {
    let site = Site::base();
    let sandbox = site.start().await;
    let by_name = "read n </dev/stdin; echo $((n + 1)) >/dev/stdout; echo oops >&2";
    let met = meet(&sandbox, &site, shell(by_name), shell("echo 4; read n; [ $n = 5 ] && exit 42"), false).await;
    assert_eq!(met.first.as_ref().expect("not lost").stderr, b"oops\n");
    assert_eq!(results(met).1.exit_code, Some(42));
    let mut loud = shell("head -c 9000 /dev/zero >&2; sleep 5");
    loud.limits.output_bytes = 8000;
    let (first, _) = results(meet(&sandbox, &site, loud, shell("cat; exit 42"), false).await);
    assert_eq!((first.stop, first.stderr_bytes), (Some(Stop::Output), 8000));
    site.end(sandbox).await;
}

#[tokio::test]
async fn a_message_goes_from_jail_to_jail_without_us() {
    let site = Site::base();
    let sandbox = site.start().await;
    let language = site.language("base");
    let (mut one, mut other) = (take(&sandbox, language).await, take(&sandbox, language).await);
    let echo = "while read n; do echo $n; done";
    let ask = "for ((n = 0; n < 20000; n++)); do echo $n; read m; [ $m = $n ] || exit 43; done; exit 42";
    let sides = (Side { jail: &mut one, request: shell(echo) }, Side { jail: &mut other, request: shell(ask) });
    let met = tokio::time::timeout(DEADLINE, Box::pin(join(sides.0, sides.1, |_| false)))
        .await
        .expect("in time")
        .expect("joined");
    assert_eq!(results(met).1.exit_code, Some(42), "twenty thousand turns are no matter of milliseconds each");
    let _ = run(&mut one, shell("true"), b"").await;
    drop((one, other));
    site.end(sandbox).await;
}
