//! The program itself, with a real Docker.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::support::{no_redis, redis_url};

/// Starting means images, a probe container and more.
const DEADLINE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);

/// A runner of one test's own.
struct Runner {
    instance: String,
    redis: String,
    ports: [u16; 2],
    folder: tempfile::TempDir,
    child: Option<std::process::Child>,
}

impl Runner {
    /// Started, and on its ports.
    fn start(redis: String) -> Self {
        let instance = format!("test-{}", uuid::Uuid::new_v4().simple());
        let folder = tempfile::tempdir().expect("a folder");
        let mut this = Self { instance, redis, ports: [0; 2], folder, child: None };
        for _ in 0..20 {
            // Free a moment ago; if another program was faster, others are tried.
            this.ports = [0; 2].map(|_| free_port());
            let child = this.command(&["run"]).stdout(Stdio::null()).stderr(this.log_file()).spawn();
            this.child = Some(child.expect("the program starts"));
            if this.listens() {
                return this;
            }
        }
        panic!("no port is free: {}", this.log());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iteratione-runner"));
        // No database at all: a runner needs none.
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("ITERATIONE_ENV", "dev")
            .env("ITERATIONE_INSTANCE", &self.instance)
            .env("REDIS_URL", &self.redis)
            .env("ITERATIONE_LANGUAGES_DIR", repository().join("images"))
            .env("ITERATIONE_LANGUAGES", "python")
            .env("ITERATIONE_RUNNER__LISTEN", format!("127.0.0.1:{}", self.ports[0]))
            .env("ITERATIONE_RUNNER__METRICS_LISTEN", format!("127.0.0.1:{}", self.ports[1]))
            .env("ITERATIONE_SANDBOX__WORKSPACE_ROOT", self.folder.path().join("workspaces"))
            .env("ITERATIONE_SANDBOX__HARNESS", harness())
            .env("ITERATIONE_SANDBOX__POOL_FLOOR", "1");
        command
    }

    fn log_file(&self) -> std::fs::File {
        std::fs::File::create(self.folder.path().join("log")).expect("a log")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// `false` if somebody else has a port.
    fn listens(&mut self) -> bool {
        until(|| {
            if self.child.as_mut().expect("runs").try_wait().expect("a child").is_some() {
                assert!(self.log().contains("cannot listen"), "{}", self.log());
                return Some(false);
            }
            std::net::TcpStream::connect(("127.0.0.1", self.ports[1])).is_ok().then_some(true)
        })
        .unwrap_or_else(|| panic!("does not listen: {}", self.log()))
    }

    fn healthcheck(&self) -> Output {
        self.command(&["healthcheck"]).output().expect("the program runs")
    }

    /// Asks for the exit status; a program that does not end is an error.
    fn ends(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("runs");
        let status = until(|| child.try_wait().expect("a child"));
        if status.is_none() {
            self.child = Some(child);
        }
        status.unwrap_or_else(|| panic!("does not end: {}", self.log()))
    }

    fn terminate(&self) {
        let pid = self.child.as_ref().expect("runs").id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
    }

    fn containers(&self) -> Vec<String> {
        let label = format!("label=iteratione.deployment={}", self.instance);
        let output = Command::new("docker").args(["ps", "--all", "--quiet", "--filter", &label]).output();
        let output = output.expect("the docker client runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // A test that failed must leave nothing on the machine.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            for id in self.containers() {
                let _ = Command::new("docker").args(["rm", "--force", "--volumes", &id]).output();
            }
        }
    }
}

/// Looks until there is something; `None` after the deadline.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    while began.elapsed() < DEADLINE {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(PAUSE);
    }
    None
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("repository")
}

fn harness() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests are steered by the environment")]
    let path = std::env::var("ITERATIONE_TEST_HARNESS").map_or_else(
        |_| repository().join(format!("target/{}-unknown-linux-gnu/debug/iteratione-harness", std::env::consts::ARCH)),
        PathBuf::from,
    );
    assert!(path.is_file(), "no harness at {}: ./iteratione test builds it", path.display());
    path
}

#[test]
fn a_runner_starts_without_a_database_says_that_it_is_ready_and_leaves_nothing_behind() {
    let mut runner = Runner::start(redis_url());
    until(|| runner.healthcheck().status.success().then_some(())).unwrap_or_else(|| panic!("{}", runner.log()));
    until(|| (!runner.containers().is_empty()).then_some(())).expect("a jail is kept ready");
    runner.terminate();
    assert!(runner.ends().success(), "{}", runner.log());
    assert_eq!(runner.containers(), Vec::<String>::new(), "{}", runner.log());
    assert!(!runner.healthcheck().status.success());
}

#[test]
fn without_redis_a_runner_starts_and_is_not_ready_and_ends_as_well() {
    let mut runner = Runner::start(no_redis());
    let why = until(|| {
        let check = runner.healthcheck();
        assert!(!check.status.success(), "ready without Redis");
        let why = String::from_utf8_lossy(&check.stderr).into_owned();
        why.contains("\"sandbox\":\"ok\"").then_some(why)
    });
    let why = why.unwrap_or_else(|| panic!("{}", runner.log()));
    assert!(!why.contains("\"redis\":\"ok\""), "{why}");
    runner.terminate();
    assert!(runner.ends().success(), "{}", runner.log());
    assert_eq!(runner.containers(), Vec::<String>::new());
}
