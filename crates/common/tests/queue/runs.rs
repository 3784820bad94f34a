use std::{collections::HashSet, time::Duration};

use iteratione_common::{
    ids::UserId,
    lifecycle::Lifecycle,
    runs::{Lease, Runs, Terms},
};
use uuid::Uuid;

use crate::fixture::{Server, flush, namespace, redis_url};

/// Longer than any test: nothing is freed by running out.
const FOR_EVER: Terms = Terms { life: Duration::from_secs(3600), renew_every: Duration::from_millis(50) };

fn runner(url: &str, namespace: &str, terms: Terms) -> (Runs, Lifecycle) {
    let lifecycle = Lifecycle::new();
    (Runs::connect(url, namespace, terms, &lifecycle).expect("a URL"), lifecycle)
}

/// Asks until the answer is the wanted one.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(90), asking).await.unwrap_or_else(|_| panic!("never: {what}"))
}

async fn leased(runs: &Runs, account: UserId, limit: u32) -> Option<Lease> {
    runs.lease(account, Uuid::now_v7(), limit).await.expect("Redis answers")
}

/// How many sessions Redis knows of an account.
async fn known(url: &str, namespace: &str, account: UserId) -> usize {
    let client = redis::Client::open(url).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
    let key = format!("{{iteratione:{namespace}}}:runs:{account}");
    redis::cmd("ZCARD").arg(key).query_async(&mut connection).await.expect("a number")
}

#[tokio::test]
async fn of_all_runners_that_are_shown_a_ticket_at_once_one_takes_it() {
    let namespace = namespace();
    let runners: Vec<_> = (0..4).map(|_| runner(&redis_url(), &namespace, FOR_EVER)).collect();
    for _ in 0..5 {
        let ticket = Uuid::now_v7();
        let mut asked = tokio::task::JoinSet::new();
        for (runs, _) in runners.iter().cycle().take(20) {
            let runs = runs.clone();
            asked.spawn(async move { runs.redeem(ticket, Duration::from_secs(600)).await.expect("Redis answers") });
        }
        let taken = asked.join_all().await.into_iter().filter(|first| *first).count();
        assert_eq!(taken, 1);
        assert!(!runners[0].0.redeem(ticket, Duration::from_secs(600)).await.expect("answers"), "and nobody later");
    }
    flush(&namespace).await;
}

#[tokio::test]
async fn a_used_ticket_is_not_remembered_for_ever() {
    let namespace = namespace();
    let (runs, _lifecycle) = runner(&redis_url(), &namespace, FOR_EVER);
    let ticket = Uuid::now_v7();
    assert!(runs.redeem(ticket, Duration::from_millis(300)).await.expect("answers"));
    until("a used ticket is forgotten", async || {
        runs.redeem(ticket, Duration::from_millis(300)).await.expect("answers").then_some(())
    })
    .await;
    flush(&namespace).await;
}

#[tokio::test]
async fn an_account_has_no_more_places_than_the_limit_however_many_runners_there_are() {
    let namespace = namespace();
    let runners: Vec<_> = (0..3).map(|_| runner(&redis_url(), &namespace, FOR_EVER)).collect();
    let (account, other) = (UserId::new(), UserId::new());
    let mut asked = tokio::task::JoinSet::new();
    for (runs, _) in runners.iter().cycle().take(30) {
        let runs = runs.clone();
        asked.spawn(async move { leased(&runs, account, 3).await });
    }
    let leases: Vec<Lease> = asked.join_all().await.into_iter().flatten().collect();
    assert_eq!(leases.len(), 3);
    assert!(leased(&runners[0].0, other, 3).await.is_some(), "another account has its own");
    drop(leases);
    for (runs, _) in &runners {
        until("places are free for all", async || leased(runs, account, 1).await).await;
    }
    flush(&namespace).await;
}

#[tokio::test]
async fn who_ends_a_session_can_begin_the_next_one_at_once() {
    let namespace = namespace();
    let (runs, _lifecycle) = runner(&redis_url(), &namespace, FOR_EVER);
    let account = UserId::new();
    for turn in 0..100 {
        let lease = leased(&runs, account, 1).await;
        assert!(lease.is_some(), "refused in turn {turn}");
    }
    flush(&namespace).await;
}

#[tokio::test]
async fn a_held_place_is_renewed_and_that_of_a_dead_runner_becomes_free() {
    let namespace = namespace();
    let account = UserId::new();
    let terms = Terms { life: Duration::from_millis(1500), renew_every: Duration::from_millis(50) };
    let expiry = async || {
        let client = redis::Client::open(redis_url()).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.expect("Redis");
        let key = format!("{{iteratione:{namespace}}}:runs:{account}");
        let entry: Vec<(String, f64)> = redis::cmd("ZRANGE")
            .arg(key)
            .arg("0")
            .arg("-1")
            .arg("WITHSCORES")
            .query_async(&mut connection)
            .await
            .expect("entries");
        entry.first().map(|(_, at)| *at)
    };
    // A runner with threads of its own, so that it can die without a word.
    let dying = std::thread::spawn({
        let namespace = namespace.clone();
        move || {
            let runtime = tokio::runtime::Runtime::new().expect("threads");
            let (runs, _lifecycle) = runtime.block_on(async { runner(&redis_url(), &namespace, terms) });
            let lease = runtime.block_on(leased(&runs, account, 1)).expect("a place");
            (runtime, lease)
        }
    });
    let (runtime, lease) = dying.join().expect("no panic");
    let first = until("a place is taken", expiry).await;
    until("it is renewed", async || expiry().await.filter(|now| *now > first)).await;
    runtime.shutdown_background();
    let (runs, _lifecycle) = runner(&redis_url(), &namespace, FOR_EVER);
    until("the dead runner's place is free", async || leased(&runs, account, 1).await).await;
    drop(lease);
    flush(&namespace).await;
}

#[tokio::test]
async fn an_orderly_end_gives_everything_back() {
    let namespace = namespace();
    let (runs, lifecycle) = runner(&redis_url(), &namespace, FOR_EVER);
    let accounts: HashSet<UserId> = (0..20).map(|_| UserId::new()).collect();
    let mut leases = Vec::new();
    for account in &accounts {
        leases.push(leased(&runs, *account, 1).await.expect("a place"));
    }
    drop(leases.split_off(10));
    lifecycle.hard.cancel();
    assert!(lifecycle.finished(Duration::from_secs(60)).await);
    for account in accounts {
        assert_eq!(known(&redis_url(), &namespace, account).await, 0);
    }
    drop(leases);
    flush(&namespace).await;
}

#[tokio::test]
async fn who_does_not_wait_for_the_answer_leaves_no_place_taken() {
    let namespace = namespace();
    let (runs, _lifecycle) = runner(&redis_url(), &namespace, FOR_EVER);
    let account = UserId::new();
    for patience in 0..60 {
        let asking = leased(&runs, account, 1);
        // A poll or two, then more and more.
        let _ = tokio::time::timeout(Duration::from_micros(patience * 20), asking).await;
    }
    until("nothing is left of those who went away", async || {
        (known(&redis_url(), &namespace, account).await == 0).then_some(())
    })
    .await;
    assert!(leased(&runs, account, 1).await.is_some());
    flush(&namespace).await;
}

#[tokio::test]
async fn without_redis_nothing_begins_and_nothing_ends_and_what_it_lost_it_is_told_again() {
    let mut server = Server::start().await;
    let namespace = namespace();
    let (runs, _lifecycle) = runner(&server.url(), &namespace, FOR_EVER);
    let account = UserId::new();
    let kept = leased(&runs, account, 2).await.expect("a place");
    let ended = leased(&runs, account, 2).await.expect("another");
    server.stop();
    assert!(runs.redeem(Uuid::now_v7(), Duration::from_secs(60)).await.is_err());
    assert!(runs.lease(account, Uuid::now_v7(), 2).await.is_err());
    assert!(runs.ping().await.is_err());
    drop(ended);
    server.empty();
    server.restart().await;
    until("the session that lives is known again", async || {
        (known(&server.url(), &namespace, account).await == 1).then_some(())
    })
    .await;
    let (other, _lifecycle) = runner(&server.url(), &namespace, FOR_EVER);
    assert!(leased(&other, account, 1).await.is_none(), "it counts for every runner");
    drop(kept);
    until("it ends", async || leased(&other, account, 1).await).await;
}
