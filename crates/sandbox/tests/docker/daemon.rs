//! A daemon that goes away and comes back: a proxy stands between it and the sandbox, and is switched off.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use iteratione_sandbox::SandboxError;
use tokio::{
    net::{UnixListener, UnixStream},
    task::{JoinHandle, JoinSet},
};

use crate::support::{DEADLINE, Site, program, sh, take};

/// Forwards connections until it is dropped, and then cuts all of them.
struct Proxy(JoinHandle<()>);

impl Proxy {
    #[expect(clippy::disallowed_methods, reason = "the test waits for nothing of it")]
    fn up(socket: &Path) -> Self {
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).expect("binds");
        Self(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                connections.spawn(async move {
                    if let Ok(mut far) = UnixStream::connect("/var/run/docker.sock").await {
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        }))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_daemon_is_away_jobs_fail_by_our_fault_and_afterwards_all_is_well_again() {
    let dir = tempfile::tempdir().expect("folder");
    let socket: PathBuf = dir.path().join("docker.sock");
    let mut site = Site::base();
    site.config.docker_host = format!("unix://{}", socket.display());
    site.config.pool_floor = 1;
    site.config.room_ms = 10_000;
    let proxy = Proxy::up(&socket);
    let sandbox = site.start().await;
    sandbox.readiness().await.expect("ready");
    let mut in_use = take(&sandbox, site.language("base")).await;
    while sandbox.warm("base") == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(proxy);

    let lost = in_use.exec(program(&["true"]), b"").await;
    assert!(matches!(lost, Err(SandboxError::JailLost(_))), "{lost:?}");
    drop(in_use);
    // The warm jail's connection is cut too: it is not handed out, and none can be started.
    let refused = sandbox.take(site.language("base"), sandbox.default_resources(), "test").await;
    assert!(matches!(refused, Err(SandboxError::Docker(_) | SandboxError::Timeout(_))), "{refused:?}");
    assert!(sandbox.readiness().await.is_err());

    let _proxy = Proxy::up(&socket);
    let began = Instant::now();
    let mut jail = loop {
        match sandbox.take(site.language("base"), sandbox.default_resources(), "test").await {
            Ok(jail) => break jail,
            Err(error) => assert!(began.elapsed() < DEADLINE, "{error}"),
        }
    };
    assert_eq!(sh(&mut jail, "echo back").await, "back\n");
    sandbox.readiness().await.expect("ready again");
    drop(jail);
    site.end(sandbox).await;
}
