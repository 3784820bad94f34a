//! What measuring and cleaning cost. Figures for people; only their order of magnitude is asserted.

use std::time::{Duration, Instant};

use super::{Bench, program, run};

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is about time: for a quiet machine"]
async fn a_run_and_a_clean_of_an_idle_jail_cost_less_than_a_millisecond_each() {
    let mut bench = Bench::open(2.0).await;
    let (mut runs, mut cleans, mut cpu) = (vec![], vec![], vec![]);
    for _ in 0..200 {
        let began = Instant::now();
        let done = run(&mut bench.jail, program(&["/bin/true"]), b"").await;
        runs.push(began.elapsed());
        cpu.push(Duration::from_micros(done.result.cpu_us));
        let began = Instant::now();
        assert!(bench.jail.clean().await.expect("answers"));
        cleans.push(began.elapsed());
    }
    println!("run of true  {:?} (its CPU {:?})", median(runs), median(cpu));
    println!("clean        {:?} there and back", median(cleans.clone()));
    assert!(median(cleans) < Duration::from_millis(20));
    bench.close().await;
}
