//! What a killed process leaves behind.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{DEADLINE, Site, defaults, docker, sh, take, variable};

/// A process with a jail in use and a warm one, which tells when it has them and then waits to be killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "is started by the tests of this file, as a process of its own"]
async fn child() {
    let root = variable("ITERATIONE_TEST_ROOT").expect("started by a test");
    let mut site = Site::base();
    site.instance = variable("ITERATIONE_TEST_INSTANCE").expect("started by a test");
    site.config.workspace_root = root.into();
    site.config.pool_floor = 1;
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("base")).await;
    while sandbox.warm("base") == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("READY {}", jail.container_id());
    tokio::time::sleep(Duration::from_mins(10)).await;
}

fn spawn(root: &Path, instance: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("path"))
        .args(["--exact", "reaper::child", "--ignored", "--nocapture"])
        .env("ITERATIONE_TEST_ROOT", root)
        .env("ITERATIONE_TEST_INSTANCE", instance)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let ready =
        BufReader::new(child.stdout.take().expect("piped")).lines().any(|l| l.expect("utf-8").contains("READY"));
    assert!(ready, "the child has its jails");
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owners_jails_are_reaped_and_nobody_elses() {
    let site = Site::base();
    let other = Site::base();
    let living = site.start().await;
    let mut in_use = take(&living, site.language("base")).await;
    let mut killed = spawn(&site.root, &site.instance);
    let mut killed_elsewhere = spawn(&other.root, &other.instance);
    for child in [&mut killed, &mut killed_elsewhere] {
        child.kill().expect("SIGKILL");
        child.wait().expect("ends");
    }
    assert_eq!((site.containers().len(), other.containers().len()), (3, 2));
    assert_eq!(site.jail_folders().len(), 3);

    // A new process of the deployment reaps at start.
    let next = site.start().await;
    assert_eq!(site.containers(), [in_use.container_id()], "the living owner's is left alone");
    assert_eq!(site.jail_folders().len(), 1);
    assert_eq!(sh(&mut in_use, "echo fine").await, "fine\n");
    assert_eq!((other.containers().len(), other.jail_folders().len()), (2, 2), "and so is another deployment");
    drop(in_use);
    living.shutdown().await;
    site.end(next).await;

    let heir = other.start().await;
    other.end(heir).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owners_jails_end_by_themselves_even_if_nobody_reaps_them() {
    let site = Site::base();
    let mut killed = spawn(&site.root, &site.instance);
    killed.kill().expect("SIGKILL");
    killed.wait().expect("ends");
    let running = || {
        let label = format!("label=iteratione.deployment={}", site.instance);
        docker(&["ps", "--quiet", "--filter", &label]).lines().count()
    };
    let began = Instant::now();
    while running() > 0 {
        assert!(began.elapsed() < DEADLINE, "a jail goes on without its service");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sandbox = site.start().await;
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_owner_at_all_is_removed_when_it_was_seen_for_a_minute() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut mine = take(&sandbox, site.language("base")).await;
    let owner = |id: uuid::Uuid| {
        let labels = [
            format!("iteratione.deployment={}", site.instance),
            format!("iteratione.workspace={}", site.root.display()),
            format!("iteratione.owner={id}"),
            format!("iteratione.jail={}", uuid::Uuid::new_v4()),
        ];
        let mut arguments = vec!["create"];
        arguments.extend(labels.iter().flat_map(|l| ["--label", l]));
        arguments.extend([crate::support::BASE, "true"]);
        docker(&arguments)
    };
    // One of an owner whose lock file is gone, and one that carries our own id but that we know nothing of: the answer
    // to its creation never reached us.
    owner(uuid::Uuid::new_v4());
    let lock = std::fs::read_dir(site.root.join(&site.instance).join("owners"))
        .expect("list")
        .next()
        .expect("lock")
        .expect("entry");
    let own = lock.path().file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse().ok()).expect("id");
    owner(own);
    assert_eq!(site.containers().len(), 3);
    let now = Instant::now();
    sandbox.reap(now).await;
    sandbox.reap(now + Duration::from_secs(30)).await;
    assert_eq!(site.containers().len(), 3, "they may be just being made");
    sandbox.reap(now + Duration::from_mins(1)).await;
    assert_eq!(site.containers(), [mine.container_id()]);
    assert_eq!(sh(&mut mine, "echo fine").await, "fine\n");
    drop(mine);
    site.end(sandbox).await;
}

#[test]
fn the_default_floor_is_two() {
    assert_eq!(defaults().pool_floor, 2);
}
