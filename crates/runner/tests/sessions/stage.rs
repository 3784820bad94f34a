//! A runner of one test's own.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use iteratione_common::{
    config::{Environment, load},
    ids::UserId,
    language::{Choice, Languages},
    lifecycle::Lifecycle,
    runs::{Runs, Terms},
    terminal::ticket::TicketKey,
};
use iteratione_runner::{RunnerConfig, Services, admission::Admission, registry::Registry, router::router};
use iteratione_sandbox::{DEFAULTS, Sandbox, SandboxConfig};
use iteratione_serving::{Bounds, serve};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::client::Client;

/// The machine may be busy; a test that needs this has failed anyway.
pub const DEADLINE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(25);

pub struct Stage {
    pub services: Services,
    address: SocketAddr,
    instance: String,
    serving: JoinHandle<()>,
    _dir: TempDir,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With other settings.
    pub async fn with(change: impl FnOnce(&mut RunnerConfig)) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let mut sandbox: SandboxConfig = defaults();
        sandbox.workspace_root = dir.path().join("workspaces");
        sandbox.harness = harness();
        sandbox.pool_floor = 0;
        sandbox.pool_ceiling = 0;
        let mut config = config();
        change(&mut config);
        let instance = format!("test-{}", uuid::Uuid::new_v4().simple());
        let lifecycle = Lifecycle::new();
        let chosen = Choice::new(&["bash", "c", "python"].map(str::to_owned)).expect("a choice");
        let languages = Languages::chosen(&languages_dir(), &chosen).expect("languages");
        let starting = Sandbox::start(sandbox, instance.clone(), languages, lifecycle.clone());
        let sandbox = within(Box::pin(starting)).await.expect("starts");
        let runs = Runs::connect(&redis_url(), &instance, Terms::default(), &lifecycle).expect("a URL");
        let registry = Registry::default();
        let end_detached = {
            let registry = registry.clone();
            Box::new(move |account| registry.end_detached(account))
        };
        let admission = Admission::new(&config, runs.clone(), end_detached, Box::new(|| None), &lifecycle);
        let key = TicketKey::from_setting(&String::new().into(), Environment::Dev).expect("a key");
        let services = Services { sandbox, admission, runs, key, config, lifecycle, registry };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let bounds = Bounds { connections: 64, head: DEADLINE, send_buffer: Some(64 << 10) };
        let (of_it, lifecycle) = (services.lifecycle.clone(), services.lifecycle.clone());
        let router = router(services.clone());
        let serving = lifecycle.spawn(async move { serve(listener, router, bounds, &of_it).await });
        Self { services, address, instance, serving, _dir: dir }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Good for a while.
    pub fn ticket(&self, account: UserId) -> String {
        self.ticket_until(account, SignedDuration::from_mins(10))
    }

    #[expect(clippy::disallowed_methods, reason = "as the runner's own clock")]
    pub fn ticket_until(&self, account: UserId, from_now: SignedDuration) -> String {
        self.services.key.issue(account, Timestamp::now() + from_now).1
    }

    /// A socket of an account.
    pub async fn connect(&self, account: UserId) -> Client {
        Client::connect(self.address, &self.ticket(account)).await
    }

    /// A socket of somebody new.
    pub async fn guest(&self) -> Client {
        self.connect(UserId::new()).await
    }

    pub fn containers(&self) -> Vec<String> {
        let label = format!("label=iteratione.deployment={}", self.instance);
        docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &label]).lines().map(str::to_owned).collect()
    }

    /// Waits until there is no jail, no session and nobody in the line.
    pub async fn is_empty(&self) {
        self.until("nothing is left", || {
            self.services.registry.live() == 0
                && self.services.admission.counts() == (0, 0)
                && self.services.sandbox.live() == 0
        })
        .await;
        assert_eq!(self.containers(), Vec::<String>::new());
    }

    /// Waits for something.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < DEADLINE, "in vain: {what}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends it as its process would end; nothing may be left.
    pub async fn end(mut self) {
        self.services.lifecycle.soft.cancel();
        self.services.lifecycle.hard.cancel();
        within(&mut self.serving).await.expect("no panic");
        let registry = self.services.registry.clone();
        let began = Instant::now();
        while registry.live() > 0 {
            assert!(began.elapsed() < DEADLINE, "sessions are left");
            tokio::time::sleep(LOOK).await;
        }
        within(self.services.sandbox.clone().shutdown()).await;
        assert!(self.services.lifecycle.finished(DEADLINE).await, "tasks are left");
        let label = format!("label=iteratione.deployment={}", self.instance);
        assert_eq!(docker(&["ps", "--all", "--quiet", "--filter", &label]), "", "containers are left");
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("in time")
}

fn config() -> RunnerConfig {
    let anywhere = "127.0.0.1:0".parse().expect("an address");
    RunnerConfig {
        listen: anywhere,
        metrics_listen: anywhere,
        sessions: 8,
        waiting_most: 8,
        sessions_per_account: 1,
        min_free_memory_mb: 0,
        // No limit passes by itself, unless a test wants it to.
        wall_seconds: 600,
        cpu_seconds: 300,
        idle_seconds: 600,
        grace_seconds: 300,
        socket_idle_seconds: 600,
        output_mb: 64,
        cpu_period_ms: 40,
        drain_seconds: 300,
        connections: 64,
    }
}

fn defaults() -> SandboxConfig {
    #[derive(Deserialize)]
    struct Service {
        sandbox: SandboxConfig,
    }
    load::<Service>(DEFAULTS, &BTreeMap::new(), &["sandbox"]).expect("defaults").sandbox
}

#[expect(clippy::disallowed_methods, reason = "tests are steered by the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("repository")
}

fn redis_url() -> String {
    variable("ITERATIONE_TEST_REDIS_URL").unwrap_or_else(|| "redis://127.0.0.1:63799".to_owned())
}

fn languages_dir() -> PathBuf {
    variable("ITERATIONE_TEST_LANGUAGES_DIR").map_or_else(|| repository().join("images"), PathBuf::from)
}

fn harness() -> PathBuf {
    let built = format!("target/{}-unknown-linux-gnu/debug/iteratione-harness", std::env::consts::ARCH);
    let path = variable("ITERATIONE_TEST_HARNESS").map_or_else(|| repository().join(built), PathBuf::from);
    assert!(path.is_file(), "no harness at {}: build it statically, see docs/HARNESS-PROTOCOL.md", path.display());
    path
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A test that failed must not leave containers on the machine.
        for id in self.containers() {
            let _ = Command::new("docker").args(["rm", "--force", "--volumes", &id]).output();
        }
    }
}
