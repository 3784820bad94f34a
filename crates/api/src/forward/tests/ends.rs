//! How terminals end, and how much is under way in them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use iteratione_common::store::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{AGREED, Judge, gone, head_of, listener, pattern, reset, taken, upgrade, within};

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn what_comes_right_behind_the_heads_is_not_lost(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    let mut browser = judge.connect().await;
    browser.write_all(format!("{}impatient", upgrade("/ws/run")).as_bytes()).await.expect("asks");
    let (mut at_runner, _) = taken(&runner).await;
    at_runner.write_all(format!("{AGREED}prompt").as_bytes()).await.expect("agrees");
    head_of(&mut browser).await;
    let mut prompt = [0; 6];
    within("the prompt", browser.read_exact(&mut prompt)).await.expect("reads");
    assert_eq!(&prompt, b"prompt");
    let mut typed = [0; 9];
    within("what was typed", at_runner.read_exact(&mut typed)).await.expect("reads");
    assert_eq!(&typed, b"impatient");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_last_words_of_each_side_arrive_whole_and_then_its_end(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    for browser_first in [true, false] {
        let (browser, at_runner) = judge.join(&runner).await;
        let (mut first, mut second) = if browser_first { (browser, at_runner) } else { (at_runner, browser) };
        // More than all buffers on the way hold.
        let words = pattern(8 << 20);
        let ((), heard) = tokio::join!(
            async {
                within("saying", first.write_all(&words)).await.expect("sends");
                first.shutdown().await.expect("ends");
            },
            async {
                let mut heard = Vec::new();
                within("hearing", second.read_to_end(&mut heard)).await.expect("reads");
                heard
            }
        );
        assert!(heard == words, "{} of {} bytes", heard.len(), words.len());
        // The other direction is still open.
        second.write_all(b"goodbye").await.expect("sends");
        drop(second);
        let mut goodbye = Vec::new();
        within("the answer", first.read_to_end(&mut goodbye)).await.expect("reads");
        assert_eq!(goodbye, b"goodbye");
        judge.until_open(0).await;
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_closes_or_breaks_off_ends_the_other_side(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    for broken in [false, true] {
        for browser_leaves in [false, true] {
            let (browser, at_runner) = judge.join(&runner).await;
            let (leaves, mut stays) = if browser_leaves { (browser, at_runner) } else { (at_runner, browser) };
            if broken {
                reset(leaves);
            } else {
                drop(leaves);
            }
            assert!(gone(&mut stays).await, "broken {broken}, browser leaves {browser_leaves}");
            drop(stays);
            judge.until_open(0).await;
        }
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_browser_that_leaves_before_the_answer_leaves_nothing_behind(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    for broken in [false, true] {
        let mut browser = judge.connect().await;
        browser.write_all(upgrade("/ws/run").as_bytes()).await.expect("asks");
        let (mut at_runner, _) = taken(&runner).await;
        if broken {
            reset(browser);
        } else {
            drop(browser);
        }
        assert!(gone(&mut at_runner).await, "broken {broken}");
        judge.until_open(0).await;
    }
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_browser_that_breaks_off_while_it_is_flooded_ends_the_runners_side(pg: PgPool) {
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    let (browser, mut at_runner) = judge.join(&runner).await;
    let flood = async {
        let piece = vec![b'x'; 64 << 10];
        while at_runner.write_all(&piece).await.is_ok() {}
    };
    let leave = async {
        browser.readable().await.expect("the flood has come");
        reset(browser);
    };
    within("the end of the flood", async { tokio::join!(flood, leave) }).await;
    judge.until_open(0).await;
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_browser_that_does_not_read_stops_the_runner_and_loses_nothing(pg: PgPool) {
    const ALL: usize = 32 << 20;
    // Every buffer on the way: 2 × 64 KiB of the kernel at either end of either connection, which it oversteps by a
    // packet, and a piece of ours. Buffers left to themselves grow to many megabytes.
    const UNDER_WAY: usize = 1 << 20;
    let (runner, address) = listener().await;
    let judge = Judge::before(address, pg, &[]).await;
    let (mut browser, mut at_runner) = judge.join(&runner).await;
    rustix::net::sockopt::set_socket_recv_buffer_size(&browser, 64 << 10).expect("sets");
    rustix::net::sockopt::set_socket_send_buffer_size(&at_runner, 64 << 10).expect("sets");
    let said = Arc::new(AtomicUsize::new(0));
    let counted = said.clone();
    let words = Arc::new(pattern(ALL));
    let flood = words.clone();
    let flooding = judge.state.lifecycle.spawn(async move {
        while counted.load(Relaxed) < ALL {
            let from = counted.load(Relaxed);
            let sent = at_runner.write(&flood[from..ALL.min(from + (16 << 10))]).await.expect("sends");
            counted.fetch_add(sent, Relaxed);
        }
    });
    // Until nothing moves any more. Should that be a pause of a slow machine, the bound holds all the more.
    let still = async {
        let mut before = usize::MAX;
        while before != said.load(Relaxed) || before == 0 {
            before = said.load(Relaxed);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    within("the flood to stand still", still).await;
    assert!(said.load(Relaxed) <= UNDER_WAY, "{} bytes are under way", said.load(Relaxed));

    let mut heard = vec![0; ALL];
    within("all of it", browser.read_exact(&mut heard)).await.expect("reads");
    assert!(heard == *words, "something was lost, doubled or moved");
    within("the flood's end", flooding).await.expect("no panic");
}
