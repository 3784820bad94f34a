//! A service as a child process: started, asked, paused, killed, started again.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::wait::until;

/// From start to ready, with a cold cache and all cores busy.
const READY: Duration = Duration::from_secs(90);
/// A killed process is gone at once.
const GONE: Duration = Duration::from_secs(10);
/// Bytes of a log that are kept in memory to look at.
const LOG: u64 = 64 << 20;

/// A program, its settings, and its process while it runs.
#[derive(Debug)]
pub struct Service {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    health: String,
    child: Option<Child>,
}

/// Resident memory of a process, in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Memory {
    /// Now.
    pub now_mb: f64,
    /// The most since its start.
    pub peak_mb: f64,
}

impl Service {
    /// Nothing is started yet. `health` is where `/readyz` is.
    pub fn new(name: &str, program: &Path, environment: BTreeMap<String, String>, folder: &Path, health: &str) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_path_buf(),
            arguments: Vec::new(),
            environment,
            log: folder.join(format!("{name}.log")),
            health: health.to_owned(),
            child: None,
        }
    }

    /// With command line arguments.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
        self
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Another value of a setting, from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Starts the process; its log is appended to.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        let open = || OpenOptions::new().create(true).append(true).open(&self.log).expect("a log file");
        let child = self
            .command()
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}", self.program.display()));
        self.child = Some(child);
    }

    /// A test that is killed takes its services along: where there is `setpriv`, the kernel sees to it.
    fn command(&self) -> Command {
        let setpriv = Path::new("/usr/bin/setpriv");
        if !setpriv.is_file() {
            return Command::new(&self.program);
        }
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program);
        command
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&mut self) {
        self.spawn();
        self.ready().await;
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        let client = iteratione_client::http::plain().timeout(Duration::from_secs(5)).build().expect("a client");
        let url = format!("{}/readyz", self.health);
        let what = format!("{} is ready", self.name);
        let begin = tokio::time::Instant::now();
        loop {
            let answer = client.get(&url).send().await;
            if answer.as_ref().is_ok_and(|a| a.status().is_success()) {
                return;
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("a child"));
            if let Some(status) = ended {
                panic!("{} ended while starting ({status}):\n{}", self.name, self.log_tail(30));
            }
            let said = match answer {
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            assert!(begin.elapsed() < READY, "waited in vain: {what}: {said}\n{}", self.log_tail(30));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs it to its end; it must succeed.
    pub async fn run(mut self) {
        self.spawn();
        let status = self.ended(READY).await;
        assert!(status.success(), "{} failed ({status}):\n{}", self.name, self.log_tail(30));
    }

    /// SIGKILL; returns when it is gone.
    pub async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended(GONE).await;
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Waits until the process has ended by itself, or by a signal that was sent.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let mut child = self.child.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        let status = tokio::time::timeout(within, child.wait()).await.unwrap_or_else(|_| {
            panic!("{} had not ended after {} s:\n{}", self.name, within.as_secs(), self.log_tail(30))
        });
        status.expect("a child")
    }

    /// Whether it was started and has not been seen to end.
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).unwrap_or_else(|| panic!("{} does not run", self.name))
    }

    /// Whether `/livez` answers 200.
    pub async fn is_alive(&self) -> bool {
        let client = iteratione_client::http::plain().timeout(Duration::from_secs(10)).build().expect("a client");
        client.get(format!("{}/livez", self.health)).send().await.is_ok_and(|a| a.status().is_success())
    }

    /// Waits until `/readyz` answers 200, e.g. after something it needs is back.
    pub async fn ready_again(&self) {
        let client = iteratione_client::http::plain().timeout(Duration::from_secs(5)).build().expect("a client");
        let url = format!("{}/readyz", self.health);
        until(&format!("{} is ready again", self.name), READY, async || {
            client.get(&url).send().await.ok().filter(|a| a.status().is_success())
        })
        .await;
    }

    /// Resident memory; nothing if it does not run.
    pub fn memory(&self) -> Option<Memory> {
        let pid = self.child.as_ref()?.id()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| {
            let line = status.lines().find(|l| l.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
        };
        Some(Memory { now_mb: field("VmRSS:")?, peak_mb: field("VmHWM:")? })
    }

    /// The last lines of its log.
    pub fn log_tail(&self, lines: usize) -> String {
        let text = self.log_text();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Lines of its log in which somebody panicked, or said that something is wrong with the service itself.
    pub fn complaints(&self) -> Vec<String> {
        let is = |line: &&str| line.contains("panicked at") || line.contains(r#""level":"ERROR""#);
        self.log_text().lines().filter(is).map(str::to_owned).collect()
    }

    fn log_text(&self) -> String {
        let length = fs::metadata(&self.log).map_or(0, |m| m.len());
        assert!(length <= LOG, "the log of {} has {length} bytes: {}", self.name, self.log.display());
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).unwrap_or_else(|e| panic!("{}: {e}", self.name));
    }
}
