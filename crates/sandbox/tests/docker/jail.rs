//! One jail's whole conversation.

use std::time::{Duration, Instant};

use iteratione_sandbox::{
    Resources, SandboxError,
    protocol::{FetchRequest, Stop},
};

use crate::support::{DEADLINE, Site, compiler, program, run, sh, take};

#[tokio::test(flavor = "multi_thread")]
async fn sources_go_in_a_build_is_made_run_and_read_back() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let source = b"#!/bin/sh\necho hello $(cat) from $(id -u)\n".to_vec();
    jail.write_sources(&[("pkg/hello.sh".to_owned(), source.clone()), ("b.txt".to_owned(), b"x".to_vec())])
        .await
        .expect("written");
    assert!(
        matches!(jail.write_sources(&[("b.txt".to_owned(), Vec::new())]).await, Err(SandboxError::Workspace(_))),
        "never twice"
    );
    assert!(matches!(jail.write_sources(&[("../out".to_owned(), Vec::new())]).await, Err(SandboxError::BadPath(_))));

    let copy = compiler(&[
        "/bin/sh",
        "-c",
        "mkdir classes; cp /src/pkg/hello.sh main; chmod 755 main; echo done > classes/log; ln -s /etc/passwd link",
    ]);
    let built = run(&mut jail, copy, b"").await;
    assert_eq!(built.result.exit_code, Some(0), "{}", String::from_utf8_lossy(&built.stderr));

    let ran = run(&mut jail, program(&["/build/main"]), b"world").await;
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "hello world from 10001\n", "{:?}", ran.result);

    let fetched = jail
        .fetch(FetchRequest { suffix: String::new(), max_bytes: 1 << 20, max_files: 10, scratch: None })
        .await
        .expect("fetched");
    let mut files = fetched.files;
    files.sort();
    assert_eq!(
        files,
        [("classes/log".to_owned(), b"done\n".to_vec()), ("main".to_owned(), source)],
        "links are not followed"
    );
    let some = jail
        .fetch(FetchRequest { suffix: String::new(), max_bytes: 1 << 20, max_files: 1, scratch: None })
        .await
        .expect("fetched");
    assert!(some.truncated && some.files.len() == 1);

    jail.put("given/in.txt", b"data").await.expect("put");
    assert_eq!(sh(&mut jail, "cat given/in.txt").await, "data");
    assert!(jail.clean().await.expect("answers"));
    assert_eq!(
        sh(&mut jail, "ls -A /scratch /tmp /dev/shm; cat /build/classes/log").await.lines().last(),
        Some("done")
    );
    assert_eq!(sh(&mut jail, "ls -A /scratch").await, "");
    jail.destroy().await;
    assert_eq!(site.containers(), Vec::<String>::new(), "destroy waits");
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_input_and_output_flow_at_the_same_time() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let input: Vec<u8> = (0..24 * 1024 * 1024u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut request = program(&["cat"]);
    request.limits.output_bytes = 32 << 20;
    let done = run(&mut jail, request, &input).await;
    assert_eq!(done.result.exit_code, Some(0), "{:?}", done.result);
    assert!(done.stdout == input, "{} bytes came back of {}", done.stdout.len(), input.len());

    // A program that reads nothing and one that closes its input do not stop the conversation.
    let done = run(&mut jail, program(&["true"]), &input).await;
    assert_eq!(done.result.exit_code, Some(0), "{:?}", done.result);
    let done = run(&mut jail, program(&["sh", "-c", "exec 0<&-; echo still here >&2"]), &input).await;
    assert_eq!(done.stderr, b"still here\n");
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_end_a_process_and_the_jail_goes_on() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;

    let mut flood = program(&["sh", "-c", "while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done"]);
    flood.limits.output_bytes = 10_000;
    let done = run(&mut jail, flood, b"").await;
    assert_eq!(done.result.stop, Some(Stop::Output));
    assert_eq!(done.stdout.len(), 10_000);

    let mut spin = program(&["sh", "-c", "while :; do :; done"]);
    spin.limits.cpu_ms = 300;
    let done = run(&mut jail, spin, b"").await;
    assert_eq!(done.result.stop, Some(Stop::Cpu), "{:?}", done.result);
    assert!((300_000..900_000).contains(&done.result.cpu_us), "{:?}", done.result);

    let mut sleep = program(&["sleep", "60"]);
    sleep.limits.wall_ms = 300;
    let began = Instant::now();
    let done = run(&mut jail, sleep, b"").await;
    assert_eq!(done.result.stop, Some(Stop::Wall));
    assert!(began.elapsed() < Duration::from_secs(5));

    let done = run(&mut jail, program(&["perl", "-e", "my $x = 'x' x (1 << 30); print length $x"]), b"").await;
    assert_ne!(done.result.exit_code, Some(0));
    assert!(done.result.oom_kills >= 1, "{:?}", done.result);

    let mut greedy = program(&["sh", "-c", "ulimit -n; ulimit -f"]);
    greedy.limits.open_files = 1 << 20;
    greedy.limits.file_bytes = 1 << 40;
    let done = run(&mut jail, greedy, b"").await;
    // -f counts in blocks of 512 bytes.
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "1024\n524288\n",
        "held to the configuration's: {:?}",
        done.result
    );

    let done = run(&mut jail, program(&["/nowhere/to/be/found"]), b"").await;
    assert!(done.result.spawn_error.is_some(), "{:?}", done.result);

    // More processes than there may be: some forks fail, and the jail lives.
    let bomb = "for i in $(seq 200); do sleep 30 & done; echo never";
    let mut request = program(&["bash", "-c", bomb]);
    request.limits.wall_ms = 3_000;
    run(&mut jail, request, b"").await;
    assert!(jail.clean().await.expect("answers"));
    assert_eq!(sh(&mut jail, "echo fine").await, "fine\n");
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_are_changed_only_within_the_operators_bounds() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max";
    let pids = "cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max";
    assert_eq!(sh(&mut jail, limit).await.trim(), (256 << 20).to_string());
    jail.set_resources(Resources { memory_bytes: 64 << 20, cpus: 1.0, processes: 20 }).await.expect("smaller");
    assert_eq!(sh(&mut jail, limit).await.trim(), (64 << 20).to_string());
    assert_eq!(sh(&mut jail, pids).await.trim(), "20");
    jail.set_resources(Resources { memory_bytes: 512 << 20, cpus: 0.5, processes: 64 }).await.expect("larger");
    assert_eq!(sh(&mut jail, limit).await.trim(), (512 << 20).to_string());
    for too_much in [
        Resources { memory_bytes: 1 << 40, cpus: 0.5, processes: 64 },
        Resources { memory_bytes: 64 << 20, cpus: 1000.0, processes: 64 },
        Resources { memory_bytes: 64 << 20, cpus: f64::NAN, processes: 64 },
        Resources { memory_bytes: 64 << 20, cpus: 0.5, processes: 1 << 20 },
    ] {
        assert!(matches!(jail.set_resources(too_much).await, Err(SandboxError::Ceiling(_))), "{too_much:?}");
        assert!(matches!(sandbox.take(site.language("base"), too_much, "test").await, Err(SandboxError::Ceiling(_))));
    }
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_container_is_a_lost_jail_and_not_a_verdict() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let id = jail.container_id().to_owned();
    let killer = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(500));
        crate::support::docker(&["kill", &id]);
    });
    let lost = tokio::time::timeout(DEADLINE, jail.exec(program(&["sleep", "30"]), b"")).await.expect("in time");
    assert!(matches!(lost, Err(SandboxError::JailLost(_))), "{lost:?}");
    killer.await.expect("killed");
    assert!(matches!(jail.exec(program(&["true"]), b"").await, Err(SandboxError::JailLost(_))), "and it stays lost");
    drop(jail);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_jail_in_the_middle_of_a_run_removes_its_container() {
    let site = Site::base();
    let sandbox = site.start().await;
    let mut jail = take(&sandbox, site.language("base")).await;
    let cut = tokio::time::timeout(Duration::from_millis(300), jail.exec(program(&["sleep", "30"]), b"")).await;
    assert!(cut.is_err(), "it was running");
    let after = jail.exec(program(&["true"]), b"").await;
    assert!(matches!(after, Err(SandboxError::JailLost(_))), "a conversation that was cut off is not gone on with");
    assert_eq!(site.containers().len(), 1);
    drop(jail);
    let began = Instant::now();
    while !site.containers().is_empty() || !site.jail_folders().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_repositorys_own_images_take_a_jail() {
    let images = crate::support::repository().join("images");
    let languages = iteratione_common::language::Languages::read(&images).expect("languages");
    let ids: Vec<(String, String)> = languages.iter().map(|l| (l.id.clone(), l.image.clone())).collect();
    let pairs: Vec<(&str, &str)> = ids.iter().map(|(l, i)| (l.as_str(), i.as_str())).collect();
    let site = Site::new(&pairs);
    let sandbox = site.start().await;
    sandbox.readiness().await.expect("every image is there: build them with ./iteratione up");
    for (id, argv) in [
        ("java", vec!["java", "-version"]),
        ("python", vec!["python3", "-c", "print(6 * 7)"]),
        ("c", vec!["gcc", "--version"]),
        ("cpp", vec!["g++", "--version"]),
    ] {
        let mut jail = take(&sandbox, site.language(id)).await;
        let done = run(&mut jail, program(&argv), b"").await;
        assert_eq!(done.result.exit_code, Some(0), "{id}: {:?} {}", done.result, String::from_utf8_lossy(&done.stderr));
    }
    site.end(sandbox).await;
}
