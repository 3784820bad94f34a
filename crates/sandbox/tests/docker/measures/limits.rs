//! Soft and hard limits, and time that a program did not have.

use super::{BURN_MS, Bench, Stop, patient, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_just_misses_its_cpu_limit_ends_by_itself_and_is_measured() {
    let mut bench = Bench::open(2.0).await;
    // 60 ms of burning under a limit of 40: beyond the soft one, far from 140 ms, which are the hard one.
    let mut request = patient(&["/build/burn", "single", &BURN_MS.to_string()]);
    request.limits.cpu_ms = 40;
    let done = run(&mut bench.jail, request, b"").await;
    assert_eq!((done.result.exit_code, done.result.stop), (Some(0), Some(Stop::Cpu)), "{:?}", done.result);
    let truth = String::from_utf8(done.stdout).expect("a number").trim().parse::<u64>().expect("a number") / 1000;
    assert!(super::cpu_is_true(done.result.cpu_us, truth), "{:?}, {truth}", done.result);

    let mut request = patient(&["/build/burn", "single", "20000"]);
    request.limits.cpu_ms = 40;
    let done = run(&mut bench.jail, request, b"").await;
    assert_eq!((done.result.exit_code, done.result.stop), (None, Some(Stop::Cpu)), "{:?}", done.result);
    assert!(done.result.cpu_us >= 140_000, "{:?}", done.result);
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_program_is_not_charged_wall_time_for_which_it_was_not_let() {
    let mut bench = Bench::open(0.2).await;
    // A fifth of a CPU: after a second of wall time at most 200 ms of its 300 are used.
    let mut request = patient(&["/build/burn", "single", "20000"]);
    (request.limits.cpu_ms, request.limits.wall_ms) = (300, 1000);
    let result = run(&mut bench.jail, request, b"").await.result;
    let bounded = result.stop == Some(Stop::Wall) && result.wall_us >= 1_900_000;
    assert!(result.stop == Some(Stop::Cpu) || bounded, "{result:?}");
    // Who sleeps was not held back.
    let mut request = patient(&["sleep", "60"]);
    request.limits.wall_ms = 1000;
    let result = run(&mut bench.jail, request, b"").await.result;
    assert_eq!(result.stop, Some(Stop::Wall));
    assert!(result.cpu_us < 300_000, "{result:?}");
    bench.close().await;
}
