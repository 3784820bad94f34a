//! Settings: `config.toml` beside `Cargo.toml` explains each of them, `[sandbox]` is the sandbox's.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::ensure;
use iteratione_common::{
    config::{self, Environment},
    language,
    telemetry::LogConfig,
    terminal::ticket::TicketKey,
};
use iteratione_sandbox::SandboxConfig;
use secrecy::SecretString;
use serde::Deserialize;

/// The commented defaults: the runner's own, and the sandbox's.
pub fn defaults() -> String {
    format!("{}{}", include_str!("../config.toml"), iteratione_sandbox::config::DEFAULTS)
}

/// All settings of the service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strict to be.
    pub environment: Environment,
    /// Prefix of the keys in Redis and of the labels in Docker.
    pub instance: String,
    /// Redis.
    pub redis_url: String,
    /// What tickets are checked by.
    pub ticket_key: SecretString,
    /// One folder per language.
    pub languages_dir: PathBuf,
    /// Which of them are offered.
    pub languages: language::Choice,
    /// What is this service's alone.
    pub runner: RunnerConfig,
    /// Jails.
    pub sandbox: SandboxConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Section `[runner]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunnerConfig {
    /// Where WebSockets come in.
    pub listen: SocketAddr,
    /// Where health and metrics are.
    pub metrics_listen: SocketAddr,
    /// Programs at one time.
    pub sessions: usize,
    /// Programs of one account at one time, over all runners.
    pub sessions_per_account: u32,
    /// The longest line.
    pub waiting_most: usize,
    /// MiB that the machine must have available for one more program; 0 never looks.
    pub min_free_memory_mb: u64,
    /// The longest that a program runs.
    pub wall_seconds: u64,
    /// The most CPU time that a program uses.
    pub cpu_seconds: u64,
    /// The longest time without input and output.
    pub idle_seconds: u64,
    /// The longest time without a socket.
    pub grace_seconds: u64,
    /// The longest that a socket has no program.
    pub socket_idle_seconds: u64,
    /// MiB that a program may print.
    pub output_mb: u64,
    /// The CPU period of a program that runs, milliseconds.
    pub cpu_period_ms: u64,
    /// Seconds from the first signal until programs are ended.
    pub drain_seconds: u64,
    /// Sockets at one time.
    pub connections: usize,
}

impl Config {
    /// Reads and checks the settings.
    pub fn load(environment: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let config: Self = config::load(&defaults(), environment, &config::SECTIONS)?;
        config.check()?;
        Ok(config)
    }

    /// What it would run with, for people, secrets masked.
    pub fn effective(environment: &BTreeMap<String, String>) -> anyhow::Result<String> {
        config::effective(&defaults(), environment, &config::SECTIONS)
    }

    fn check(&self) -> anyhow::Result<()> {
        self.ticket_key()?;
        self.runner.check()?;
        if self.environment != Environment::Dev {
            config::refuse_known_passwords(&[("redis_url", &self.redis_url)])?;
        }
        self.sandbox.check()
    }

    /// What tickets are checked by.
    pub fn ticket_key(&self) -> anyhow::Result<TicketKey> {
        TicketKey::from_setting(&self.ticket_key, self.environment)
    }

    /// The sandbox's settings with room for all programs: `sandbox.max_containers` alone is for what is there beside
    /// them, so that nobody who raises `runner.sessions` can forget it.
    pub fn sandbox(&self) -> SandboxConfig {
        let max_containers = self.sandbox.max_containers.saturating_add(self.runner.sessions);
        SandboxConfig { max_containers, ..self.sandbox.clone() }
    }
}

impl RunnerConfig {
    fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=10_000).contains(&self.sessions), "runner.sessions must be between 1 and 10000");
        ensure!(
            (1..=1000).contains(&self.sessions_per_account),
            "runner.sessions_per_account must be between 1 and 1000"
        );
        ensure!(self.waiting_most <= 10_000, "runner.waiting_most must be at most 10000");
        for (key, seconds) in [
            ("wall_seconds", self.wall_seconds),
            ("cpu_seconds", self.cpu_seconds),
            ("idle_seconds", self.idle_seconds),
            ("socket_idle_seconds", self.socket_idle_seconds),
        ] {
            ensure!((1..=86_400).contains(&seconds), "runner.{key} must be between 1 and 86400");
        }
        for (key, seconds) in [("grace_seconds", self.grace_seconds), ("drain_seconds", self.drain_seconds)] {
            ensure!(seconds <= 86_400, "runner.{key} must be at most 86400");
        }
        ensure!((1..=4096).contains(&self.output_mb), "runner.output_mb must be between 1 and 4096");
        ensure!((10..=1000).contains(&self.cpu_period_ms), "runner.cpu_period_ms must be 10 to 1000");
        ensure!((1..=1_000_000).contains(&self.connections), "runner.connections must be between 1 and 1000000");
        Ok(())
    }

    /// The longest that a program runs.
    pub fn wall(&self) -> Duration {
        Duration::from_secs(self.wall_seconds)
    }

    /// The most CPU time that a program uses.
    pub fn cpu(&self) -> Duration {
        Duration::from_secs(self.cpu_seconds)
    }

    /// The longest time without input and output.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }

    /// The longest time without a socket.
    pub fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_seconds)
    }

    /// The longest that a socket has no program.
    pub fn socket_idle(&self) -> Duration {
        Duration::from_secs(self.socket_idle_seconds)
    }

    /// The most bytes that a program prints.
    pub fn output_bytes(&self) -> u64 {
        self.output_mb.saturating_mul(1 << 20)
    }

    /// The CPU period of a program that runs.
    pub fn cpu_period(&self) -> Duration {
        Duration::from_millis(self.cpu_period_ms)
    }

    /// From the first signal until programs are ended.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// Bytes that the machine must have available for one more program; `None` never looks.
    pub fn min_free_memory(&self) -> Option<u64> {
        (self.min_free_memory_mb > 0).then(|| self.min_free_memory_mb.saturating_mul(1 << 20))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> anyhow::Result<Config> {
        let mut environment: BTreeMap<String, String> = [("ITERATIONE_ENV".to_owned(), "dev".to_owned())].into();
        environment.extend(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Config::load(&environment)
    }

    #[test]
    fn dev_needs_nothing_and_ignores_what_only_other_services_have() {
        let config = load(&[
            ("DATABASE_URL", "postgres://h/d"),
            ("ITERATIONE_GRADER__SLOTS", "3"),
            ("ITERATIONE_API__LISTEN", "x"),
            ("ITERATIONE_SANDBOX__CPUS", "0.25"),
        ])
        .expect("loads");
        assert!((config.sandbox.cpus - 0.25).abs() < f64::EPSILON);
        assert_eq!(config.runner.listen.to_string(), "127.0.0.1:8081");
        assert_eq!((config.runner.wall(), config.runner.cpu()), (Duration::from_mins(2), Duration::from_mins(1)));
        assert_eq!(config.runner.min_free_memory(), Some(512 << 20));
    }

    #[test]
    fn the_sandbox_always_has_room_for_all_programs() {
        let config = load(&[("ITERATIONE_RUNNER__SESSIONS", "120")]).expect("loads");
        assert_eq!(config.sandbox().max_containers, config.sandbox.max_containers + 120);
    }

    #[test]
    fn bad_settings_are_refused_by_name() {
        for (name, value, says) in [
            ("ITERATIONE_RUNNER__SESSIONS", "0", "runner.sessions"),
            ("ITERATIONE_RUNNER__SESSIONS_PER_ACCOUNT", "0", "sessions_per_account"),
            ("ITERATIONE_RUNNER__WALL_SECONDS", "0", "wall_seconds"),
            ("ITERATIONE_RUNNER__CPU_PERIOD_MS", "5", "cpu_period_ms"),
            ("ITERATIONE_RUNNER__SESSION", "2", "session"),
            ("ITERATIONE_RUNNER__LISTEN", "8081", "listen"),
            ("ITERATIONE_SANDBOX__CPUS", "0.0", "cpus"),
            ("ITERATIONE_ENV", "production", "ticket_key"),
        ] {
            let error = load(&[(name, value)]).expect_err(name);
            assert!(format!("{error:#}").contains(says), "{name}={value}: {error:#}");
        }
    }

    #[test]
    fn outside_dev_redis_may_not_have_a_password_that_stands_in_examples() {
        let key = "x".repeat(32);
        let production =
            |url| load(&[("ITERATIONE_ENV", "production"), ("ITERATIONE_TICKET_KEY", &key), ("REDIS_URL", url)]);
        production("redis://:3b1c9a@h/").expect("loads");
        assert!(production("redis://:changeme@h/").expect_err("known").to_string().contains("redis_url"));
    }

    #[test]
    fn what_is_printed_has_no_secrets() {
        let environment = [
            ("ITERATIONE_TICKET_KEY".to_owned(), "s3cret".to_owned()),
            ("REDIS_URL".to_owned(), "redis://u:p4ss@h/".to_owned()),
        ]
        .into();
        let text = Config::effective(&environment).expect("prints");
        assert!(text.contains("wall_seconds = 120") && text.contains("workspace_root"), "{text}");
        assert!(!text.contains("p4ss") && !text.contains("s3cret"), "{text}");
    }
}
