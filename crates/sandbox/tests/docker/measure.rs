//! Figures for people: `cargo test -p iteratione-sandbox --test docker -- --ignored --nocapture measure`.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{BASE, Site, docker, program, run};

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// CPU seconds used by every process of the machine with this name so far.
fn machine_cpu() -> f64 {
    let stat = fs::read_to_string("/proc/stat").expect("readable");
    let ticks: Vec<f64> =
        stat.lines().next().expect("cpu").split_whitespace().skip(1).map(|t| t.parse().expect("number")).collect();
    // user, nice, system, irq, softirq; in hundredths of a second.
    (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / 100.0
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and is about time: for a quiet machine"]
async fn a_warm_jail_costs_hardly_more_than_a_process_and_far_less_than_a_container() {
    let mut site = Site::base();
    site.config.pool_floor = 1;
    let sandbox = site.start().await;
    let base = &site.language("base").clone();
    let resources = sandbox.compile_resources(base);
    let (mut taken, mut execs, mut cleans, mut forked, mut outside) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..10 {
        while sandbox.warm("base") == 0 || sandbox.live() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let began = Instant::now();
        let mut jail = sandbox.take(base, resources, "measure").await.expect("a jail");
        taken.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(400)).await;
        for _ in 0..10 {
            let began = Instant::now();
            let done = run(&mut jail, program(&["/bin/echo", "hello"]), b"").await;
            execs.push(began.elapsed());
            assert_eq!(done.stdout, b"hello\n");
            let began = Instant::now();
            assert!(jail.clean().await.expect("answers"));
            cleans.push(began.elapsed());
            let began = Instant::now();
            Command::new("/bin/echo").arg("hello").output().expect("runs");
            forked.push(began.elapsed());
        }
        let began = Instant::now();
        docker(&["run", "--rm", "--network", "none", BASE, "/bin/echo", "hello"]);
        outside.push(began.elapsed());
    }
    let (before, began) = (machine_cpu(), Instant::now());
    let cycles = 20;
    for _ in 0..cycles {
        // Nothing is warm for long: each takes a start and a removal.
        drop(sandbox.take(base, resources, "measure").await.expect("a jail"));
    }
    while sandbox.live() > 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (cpu, wall) = ((machine_cpu() - before) / f64::from(cycles), began.elapsed() / cycles);
    site.end(sandbox).await;
    site.config.pool_floor = 0;
    let sandbox = site.start().await;
    let mut cold = vec![];
    for _ in 0..10 {
        let began = Instant::now();
        let jail = sandbox.take(base, resources, "measure").await.expect("a jail");
        cold.push(began.elapsed());
        jail.destroy().await;
    }
    println!("take, cold           {:?}", median(cold));
    println!("take, warm           {:?}", median(taken));
    println!("exec of echo, warm   {:?}", median(execs.clone()));
    println!("clean                {:?}", median(cleans));
    println!("fork+exec of echo    {:?}", median(forked));
    println!("docker run of echo   {:?}", median(outside.clone()));
    println!("container cycle      {wall:?} at most, {cpu:.3} s of CPU (everything on the machine)");
    assert!(median(execs) * 10 < median(outside), "a warm jail must be worth its memory");
    site.end(sandbox).await;
}
