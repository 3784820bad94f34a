//! What a running submission feels of the pool being filled beside it: its tests' times while nothing is started, while
//! the pool fills as it does (one start at a time, with pauses), and while it fills as fast as it can.
//!
//! Figures for people: `cargo test -p iteratione-sandbox --test docker -- --ignored --nocapture refilling`.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use crate::{
    support::{Site, program, run, take},
    workshop::{median, ms},
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Arm {
    Nothing,
    Share(u32),
    Unpaced,
}

const ARMS: [Arm; 5] = [Arm::Nothing, Arm::Share(10), Arm::Share(25), Arm::Share(50), Arm::Unpaced];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and is about time: for a quiet machine"]
async fn a_submission_hardly_feels_the_pool_being_filled() {
    let mut seen: Vec<(Arm, &str, Duration)> = Vec::new();
    let mut starts: Vec<(Arm, f64)> = Vec::new();
    let site = Site::base();
    let calm = site.start().await;
    let base = site.language("base");
    // One thread of work at whatever CPU it gets, and a program that is over at once.
    let burn = "my $x = 0; $x += $_ * $_ % 7 for 1 .. 3_000_000; print 'done'";
    let rounds = 10;
    for round in 0..=rounds {
        for turn in 0..ARMS.len() {
            let arm = ARMS[(turn + round) % ARMS.len()];
            let mut jail = take(&calm, base).await;
            jail.set_resources(iteratione_sandbox::Resources { cpus: 1.0, ..calm.default_resources() })
                .await
                .expect("set");
            tokio::time::sleep(Duration::from_millis(300)).await;
            let (stop, started) = (AtomicBool::new(false), AtomicUsize::new(0));
            let began = Instant::now();
            let work = async {
                for _ in 0..10 {
                    let began = Instant::now();
                    run(&mut jail, program(&["perl", "-e", burn]), b"").await;
                    let burnt = began.elapsed();
                    let began = Instant::now();
                    run(&mut jail, program(&["/bin/echo", "hello"]), b"").await;
                    if round > 0 {
                        seen.push((arm, "0.1 s of CPU", burnt));
                        seen.push((arm, "echo", began.elapsed()));
                    }
                }
                stop.store(true, Ordering::Relaxed);
            };
            // Starts as the pool does them; each is given up at once, so that there is always one to start.
            let fill = || async {
                while !stop.load(Ordering::Relaxed) && arm != Arm::Nothing {
                    let began = Instant::now();
                    drop(take(&calm, base).await);
                    started.fetch_add(1, Ordering::Relaxed);
                    if let Arm::Share(percent) = arm {
                        let pause = began.elapsed().mul_f64(100.0 / f64::from(percent) - 1.0);
                        let paused = Instant::now();
                        while paused.elapsed() < pause && !stop.load(Ordering::Relaxed) {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    }
                }
            };
            let second = async {
                if arm == Arm::Unpaced {
                    fill().await;
                }
            };
            tokio::join!(work, fill(), second);
            #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
            starts.push((arm, started.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()));
            drop(jail);
            while calm.live() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    for what in ["0.1 s of CPU", "echo"] {
        for arm in ARMS {
            let mut of: Vec<Duration> = seen.iter().filter(|s| s.0 == arm && s.1 == what).map(|s| s.2).collect();
            of.sort();
            let mut rates: Vec<f64> = starts.iter().filter(|s| s.0 == arm).map(|s| s.1).collect();
            rates.sort_by(f64::total_cmp);
            println!(
                "| {what} | {arm:?} | median {:.1} ms, p90 {:.1} ms (min {:.1}), n={} | {:.1} starts/s |",
                ms(median(of.iter().copied())),
                ms(of[of.len() * 9 / 10]),
                ms(of[0]),
                of.len(),
                rates[rates.len() / 2],
            );
        }
    }
    site.end(calm).await;
}
