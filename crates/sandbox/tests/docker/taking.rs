//! What taking a warm jail costs, step by step.
//!
//! Figures for people: `cargo test -p iteratione-sandbox --test docker --release -- --ignored --nocapture taking`.

use std::time::{Duration, Instant};

use crate::{
    support::{Site, program, run},
    workshop::{median, ms},
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and is about time: for a quiet machine"]
async fn a_warm_jail_is_taken_within_a_millisecond() {
    let mut site = Site::base();
    site.config.pool_floor = 1;
    site.config.pool_ceiling = 1;
    let sandbox = site.start().await;
    let base = &site.language("base").clone();
    let resources = sandbox.compile_resources(base);
    let (mut takes, mut firsts, mut seconds, mut destroys) = (vec![], vec![], vec![], vec![]);
    for _ in 0..40 {
        while sandbox.warm("base") == 0 || sandbox.live() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // At rest, as a pool is.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = Instant::now();
        let mut jail = sandbox.take(base, resources, "measure").await.expect("a jail");
        takes.push(began.elapsed());
        for times in [&mut firsts, &mut seconds] {
            let began = Instant::now();
            run(&mut jail, program(&["/bin/true"]), b"").await;
            times.push(began.elapsed());
        }
        let began = Instant::now();
        jail.destroy().await;
        destroys.push(began.elapsed());
    }
    for (what, mut times) in [("take", takes), ("first exec", firsts), ("second exec", seconds), ("destroy", destroys)]
    {
        times.sort();
        println!(
            "| {what} | median {:.2} ms ({:.2}-{:.2}), n={} |",
            ms(median(times.iter().copied())),
            ms(times[0]),
            ms(times[times.len() - 1]),
            times.len()
        );
    }
    site.end(sandbox).await;
}
