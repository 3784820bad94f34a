//! How a jail is best removed: killed by the daemon, or told to end by the end of its input first.
//!
//! Figures for people: `cargo test -p iteratione-sandbox --test docker -- --ignored --nocapture removing`.

use std::time::{Duration, Instant};

use crate::workshop::{Workshop, median, ms};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Arm {
    Killed,
    Told,
    ToldAndLeftAlone(u64),
}

const ARMS: [Arm; 4] = [Arm::Killed, Arm::Told, Arm::ToldAndLeftAlone(20), Arm::ToldAndLeftAlone(100)];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and is about time: for a quiet machine"]
async fn a_jail_that_is_told_to_end_is_removed_sooner() {
    let shop = Workshop::open().await;
    let mut seen: Vec<(Arm, Duration)> = Vec::new();
    for round in 0..=20 {
        for turn in 0..ARMS.len() {
            let arm = ARMS[(turn + round) % ARMS.len()];
            let (id, attached, _) = shop.bring_up(shop.body()).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            let mut attached = Some(attached);
            let began = Instant::now();
            if arm != Arm::Killed {
                attached = None;
            }
            let mut alone = Duration::ZERO;
            if let Arm::ToldAndLeftAlone(wait) = arm {
                alone = Duration::from_millis(wait);
                tokio::time::sleep(alone).await;
            }
            shop.remove(&id).await;
            let took = began.elapsed().saturating_sub(alone);
            drop(attached);
            if round > 0 {
                seen.push((arm, took));
            }
        }
    }
    for arm in ARMS {
        let of = || seen.iter().filter(|s| s.0 == arm).map(|s| s.1);
        println!(
            "| {arm:?} | removal {:.1} ms ({:.1}-{:.1}), n={} |",
            ms(median(of())),
            ms(of().min().expect("some")),
            ms(of().max().expect("some")),
            of().count()
        );
    }
}
