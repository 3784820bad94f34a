//! The warm pool.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use iteratione_sandbox::{Sandbox, SandboxError};

use crate::support::{BASE, DEADLINE, Site, TestImage, docker, sh, take};

async fn until(what: &str, mut met: impl FnMut() -> bool) {
    let began = Instant::now();
    while !met() {
        assert!(began.elapsed() < DEADLINE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jails_are_kept_ready_used_once_and_replaced() {
    let mut site = Site::base();
    site.config.pool_floor = 2;
    let sandbox = site.start().await;
    let base = site.language("base");
    until("two are ready", || sandbox.warm("base") == 2).await;
    assert_eq!(sandbox.live(), 2);
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        until("one is ready", || sandbox.warm("base") > 0).await;
        let there = site.containers();
        let resources = sandbox.compile_resources(base);
        let mut jail = sandbox.take(base, resources, "test").await.expect("a jail");
        assert!(there.iter().any(|id| id == jail.container_id()), "it was there before it was wanted");
        assert_eq!(sh(&mut jail, "ls -A /scratch; touch /scratch/mine; echo ok").await, "ok\n");
        assert!(seen.insert(jail.container_id().to_owned()), "never the same twice");
    }
    until("two are ready again and the used ones are gone", || sandbox.warm("base") == 2 && sandbox.live() == 2).await;
    assert!(site.containers().iter().all(|id| !seen.contains(id)));
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_jail_that_died_is_not_handed_out() {
    let mut site = Site::base();
    site.config.pool_floor = 2;
    let sandbox = site.start().await;
    until("two are ready", || sandbox.warm("base") == 2).await;
    for id in site.containers() {
        docker(&["kill", &id]);
    }
    let mut jail = take(&sandbox, site.language("base")).await;
    assert_eq!(sh(&mut jail, "echo alive").await, "alive\n");
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ceiling_holds_evicts_and_lets_people_wait() {
    let mut site = Site::new(&[("one", BASE), ("two", BASE)]);
    site.config.max_containers = 2;
    site.config.pool_floor = 0;
    site.config.pool_floors.insert("one".to_owned(), 2);
    site.config.room_ms = 3_000;
    let sandbox = site.start().await;
    until("both places are taken", || sandbox.warm("one") == 2).await;
    let first = take(&sandbox, site.language("two")).await;
    assert!(site.containers().len() <= 2);
    let second = take(&sandbox, site.language("two")).await;
    let third = sandbox.take(site.language("one"), sandbox.default_resources(), "test").await;
    assert!(matches!(third, Err(SandboxError::Timeout(_))), "{third:?}");
    drop(first);
    let third = take(&sandbox, site.language("one")).await;
    assert!(site.containers().len() <= 2);
    drop((second, third));
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_all_get_a_jail_and_never_more_than_the_ceiling_exist() {
    let mut site = Site::new(&[("one", BASE), ("two", BASE)]);
    site.config.max_containers = 4;
    site.config.pool_floor = 1;
    let sandbox = site.start().await;
    let mut users = tokio::task::JoinSet::new();
    for n in 0..16 {
        let sandbox: Sandbox = sandbox.clone();
        let language = site.languages.get(if n % 2 == 0 { "one" } else { "two" }).expect("language").clone();
        users.spawn(async move {
            let mut jail = take(&sandbox, &language).await;
            assert!(sandbox.live() <= 4);
            let said = sh(&mut jail, &format!("echo {n}")).await;
            // Some are kept for a while, some are dropped in the middle of a start.
            drop(tokio::time::timeout(Duration::from_millis(5), take(&sandbox, &language)).await);
            assert_eq!(said, format!("{n}\n"));
        });
    }
    let all = async {
        while let Some(user) = users.join_next().await {
            user.expect("served");
        }
    };
    tokio::time::timeout(DEADLINE, all).await.expect("in time");
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_image_changes_warm_jails_are_replaced() {
    let image = TestImage::build("changing", &format!("FROM {BASE}\nRUN echo old > /version\n"));
    let mut site = Site::new(&[("changing", &image.0)]);
    site.config.pool_floor = 1;
    let sandbox = site.start().await;
    until("one is ready", || sandbox.warm("changing") == 1).await;
    let old = site.containers();
    let folder = tempfile::tempdir().expect("folder");
    image.rebuild(folder.path(), &format!("FROM {BASE}\nRUN echo new > /version\n"));
    until("the old one is gone and a new one is ready", || {
        sandbox.warm("changing") == 1 && site.containers().iter().all(|id| !old.contains(id))
    })
    .await;
    let mut jail = take(&sandbox, site.language("changing")).await;
    assert_eq!(sh(&mut jail, "cat /version").await, "new\n");
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_image_is_told_at_once_makes_unready_and_spares_the_others() {
    let mut site = Site::new(&[("base", BASE), ("missing", "iteratione-test/there-is-no-such-image:1")]);
    site.config.pool_floor = 1;
    let sandbox = site.start().await;
    let error = sandbox.take(site.language("missing"), sandbox.default_resources(), "test").await.expect_err("missing");
    assert!(matches!(error, SandboxError::ImageMissing(_)), "{error}");
    drop(take(&sandbox, site.language("base")).await);
    let problems = sandbox.readiness().await.expect_err("unready");
    assert!(problems.contains("there-is-no-such-image"), "{problems}");
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_destroys_even_what_is_still_in_use() {
    let mut site = Site::base();
    site.config.shutdown_ms = 8_000;
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    site.end(sandbox.clone()).await;
    let lost = jail.exec(crate::support::program(&["true"]), b"").await;
    assert!(matches!(lost, Err(SandboxError::JailLost(_))), "{lost:?}");
    let late = sandbox.take(site.language("base"), sandbox.default_resources(), "test").await;
    assert!(matches!(late, Err(SandboxError::Stopping)), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_unready() {
    let mut site = Site::base();
    site.config.min_free_mb = u64::MAX;
    let sandbox = site.start().await;
    let problems = sandbox.readiness().await.expect_err("unready");
    assert!(problems.contains("MiB are free"), "{problems}");
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_three_times_the_pool_is_served_without_an_error_and_within_the_bounds() {
    let mut site = Site::base();
    site.config.pool_floor = 2;
    site.config.pool_ceiling = 2;
    site.config.max_containers = 5;
    let sandbox = site.start().await;
    until("two are ready", || sandbox.warm("base") == 2).await;
    let mut users = tokio::task::JoinSet::new();
    for n in 0..6 {
        let (sandbox, language) = (sandbox.clone(), site.language("base").clone());
        users.spawn(async move {
            let mut jail = take(&sandbox, &language).await;
            assert!(sandbox.live() <= 5 && sandbox.warm("base") <= 2);
            assert_eq!(sh(&mut jail, &format!("echo {n}")).await, format!("{n}\n"));
            jail.container_id().to_owned()
        });
    }
    let mut served = BTreeSet::new();
    let all = async {
        while let Some(user) = users.join_next().await {
            assert!(served.insert(user.expect("served")), "each has its own");
        }
    };
    tokio::time::timeout(DEADLINE, all).await.expect("in time");
    assert_eq!(served.len(), 6);
    until("two are ready again and the used ones are gone", || sandbox.warm("base") == 2 && sandbox.live() == 2).await;
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_burst_more_are_kept_ready_than_before_but_no_more_than_the_ceiling() {
    let mut site = Site::new(&[("one", BASE), ("two", BASE)]);
    site.config.pool_floor = 1;
    site.config.pool_ceiling = 3;
    let sandbox = site.start().await;
    until("one of each is ready", || sandbox.warm("one") == 1 && sandbox.warm("two") == 1).await;
    let burst = (0..6).map(|_| take(&sandbox, site.language("one")));
    drop(futures_util::future::join_all(burst).await);
    until("three are ready and the used ones are gone", || sandbox.warm("one") == 3 && sandbox.live() == 4).await;
    assert_eq!(sandbox.warm("two"), 1, "nobody has wanted that one");
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_served_in_order_and_who_leaves_takes_no_jail_along() {
    let mut site = Site::base();
    site.config.max_containers = 1;
    site.config.room_ms = 180_000;
    let sandbox = site.start().await;
    let base = site.language("base");
    let first = take(&sandbox, base).await;
    let mut waiting = Vec::new();
    for n in 0..10 {
        let mut asking = Box::pin(sandbox.take(base, sandbox.default_resources(), "test"));
        assert!(futures_util::poll!(&mut asking).is_pending(), "there is no room");
        waiting.push((n, asking));
    }
    waiting.retain(|(n, _)| n % 3 != 1);
    drop(first);
    let mut order = Vec::new();
    let mut asking: futures_util::stream::FuturesUnordered<_> =
        waiting.into_iter().map(|(n, asking)| async move { (n, asking.await) }).collect();
    let all = async {
        while let Some((n, jail)) = asking.next().await {
            order.push(n);
            let mut jail = jail.expect("a jail");
            assert_eq!(sh(&mut jail, "echo mine").await, "mine\n");
        }
    };
    tokio::time::timeout(2 * DEADLINE, all).await.expect("in time");
    assert_eq!(order, [0, 2, 3, 5, 6, 8, 9]);
    drop(asking);
    site.end(sandbox).await;
}
