//! How a jail's network namespace is best made. Three ways side by side:
//!
//! - `None`: Docker's network "none", for which the daemon still runs its own set-up;
//! - `Slot`: the namespace of a waiting container of the pool's place, joined by one jail after another;
//! - `Disabled`: no network of Docker's at all, the kernel's new namespace as it is. This is what jails are.
//!
//! Figures for people:
//! `cargo test -p iteratione-sandbox --test docker -- --ignored --nocapture network_slots`.

use std::time::Instant;

use bollard::models::ContainerCreateBody;

use crate::workshop::{Cycle, Workshop, median, print_cycles};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arm {
    None,
    Slot,
    Disabled,
}

const ARMS: [Arm; 3] = [Arm::None, Arm::Slot, Arm::Disabled];

fn body(shop: &Workshop, arm: Arm, slot: &str) -> ContainerCreateBody {
    let mut body = shop.body();
    match arm {
        Arm::Disabled => {}
        Arm::Slot => {
            body.host_config.as_mut().expect("there").network_mode = Some(format!("container:{slot}"));
            // A joined namespace has its owner's name.
            body.hostname = None;
            body.network_disabled = None;
        }
        Arm::None => body.network_disabled = None,
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and is about time: for a quiet machine"]
async fn a_namespace_of_its_own_costs_no_more_than_a_shared_one() {
    let shop = &Workshop::open().await;
    let mut slots = Vec::new();
    for _ in 0..8 {
        // Lives until its standard input ends.
        slots.push(shop.bring_up(body(shop, Arm::None, "")).await);
    }
    let slots: Vec<&str> = slots.iter().map(|(id, ..)| id.as_str()).collect();

    let rounds = 16;
    let mut cycles: Vec<(Arm, Cycle)> = Vec::new();
    for round in 0..=rounds {
        for turn in 0..ARMS.len() {
            let arm = ARMS[(turn + round) % ARMS.len()];
            let cycle = shop.cycle(body(shop, arm, slots[0])).await;
            if round > 0 {
                cycles.push((arm, cycle));
            }
        }
    }
    println!("one at a time, milliseconds");
    print_cycles(&ARMS, &cycles);

    println!("cycles per second, median of 3 windows of 24 cycles each (min-max)");
    for at_once in [1, 2, 4, 8] {
        let mut rates: Vec<(Arm, f64)> = Vec::new();
        for round in 0..3 {
            for turn in 0..ARMS.len() {
                let arm = ARMS[(turn + round) % ARMS.len()];
                let window = 24;
                let began = Instant::now();
                let places = slots[..at_once].iter().map(|slot| async move {
                    for _ in 0..window / at_once {
                        shop.cycle(body(shop, arm, slot)).await;
                    }
                });
                futures_util::future::join_all(places).await;
                #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
                rates.push((arm, window as f64 / began.elapsed().as_secs_f64()));
            }
        }
        for arm in ARMS {
            let mut of: Vec<f64> = rates.iter().filter(|(a, _)| *a == arm).map(|(_, r)| *r).collect();
            of.sort_by(f64::total_cmp);
            println!("| {at_once} at once | {arm:?} | {:.1} ({:.1}-{:.1}) |", of[1], of[0], of[2]);
        }
    }
    let hello = |arm: Arm| median(cycles.iter().filter(|(a, _)| *a == arm).map(|(_, c)| c.until_hello()));
    for slot in slots {
        shop.remove(slot).await;
    }
    assert!(hello(Arm::Disabled) < hello(Arm::None), "the daemon's network set-up is spared");
}
