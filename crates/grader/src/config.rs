//! Settings: `config.toml` beside `Cargo.toml` explains each of them, `[sandbox]` is the sandbox's.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::ensure;
use iteratione_common::{
    config::{self, Environment},
    language,
    telemetry::LogConfig,
};
use iteratione_sandbox::SandboxConfig;
use serde::Deserialize;

/// The commented defaults: the grader's own, and the sandbox's.
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
    /// PostgreSQL.
    pub database_url: String,
    /// Redis.
    pub redis_url: String,
    /// One folder per language.
    pub languages_dir: PathBuf,
    /// Which of them are offered.
    pub languages: language::Choice,
    /// What is this service's alone.
    pub grader: GraderConfig,
    /// Jails.
    pub sandbox: SandboxConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Section `[grader]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraderConfig {
    /// Where health and metrics are.
    pub metrics_listen: SocketAddr,
    /// Jobs at once; 0 to fill the CPU cores.
    pub slots: u32,
    /// Seconds of a lease.
    pub lease_seconds: u64,
    /// Tries of a job.
    pub max_attempts: i32,
    /// Seconds before the second try.
    pub retry_seconds: u64,
    /// Seconds after which a job has hung.
    pub job_seconds: u64,
    /// Seconds from the first signal until running jobs are handed back.
    pub drain_seconds: u64,
    /// Live jobs of one account.
    pub per_account_live: i32,
    /// Connections to PostgreSQL; 0 for two more than slots.
    pub database_connections: u32,
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
        ensure!(!self.database_url.is_empty(), "database_url is not set: give DATABASE_URL");
        for (key, seconds) in [
            ("lease_seconds", self.grader.lease_seconds),
            ("job_seconds", self.grader.job_seconds),
            ("retry_seconds", self.grader.retry_seconds),
        ] {
            ensure!((1..=86_400).contains(&seconds), "grader.{key} must be between 1 and 86400");
        }
        ensure!(self.grader.slots <= 1024, "grader.slots must be at most 1024");
        ensure!(self.grader.drain_seconds <= 86_400, "grader.drain_seconds must be at most 86400");
        ensure!((1..=100).contains(&self.grader.max_attempts), "grader.max_attempts must be between 1 and 100");
        ensure!(self.grader.per_account_live >= 1, "grader.per_account_live must be at least 1");
        if self.environment != Environment::Dev {
            config::refuse_known_passwords(&[("database_url", &self.database_url), ("redis_url", &self.redis_url)])?;
        }
        self.sandbox.check()
    }

    /// Jobs at once on a machine with so many cores.
    pub fn slots(&self, cores: usize) -> u32 {
        if self.grader.slots > 0 {
            return self.grader.slots;
        }
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 1024"
        )]
        let slots = (cores as f64 / self.sandbox.cpus).floor().clamp(1.0, 1024.0) as u32;
        slots
    }

    /// Connections for so many slots: each job has its own moments with the database, heartbeat and dispatcher theirs.
    pub fn connections(&self, slots: u32) -> u32 {
        if self.grader.database_connections > 0 { self.grader.database_connections } else { slots + 2 }
    }

    /// How long running jobs may go on after the first signal.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.grader.drain_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> anyhow::Result<Config> {
        let mut environment: BTreeMap<String, String> =
            [("ITERATIONE_ENV", "dev"), ("DATABASE_URL", "postgres://iteratione:iteratione@h/d")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into();
        environment.extend(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        Config::load(&environment)
    }

    #[test]
    fn dev_needs_only_a_database_and_knows_the_sandboxes_settings() {
        let config = load(&[("ITERATIONE_SANDBOX__MAX_CPUS", "3.0"), ("ITERATIONE_API__LISTEN", "x")]).expect("loads");
        assert!((config.sandbox.max_cpus - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn without_a_number_the_slots_fill_the_cores() {
        let config = load(&[]).expect("loads");
        assert_eq!((config.slots(2), config.slots(8), config.connections(4)), (4, 16, 6));
        let config = load(&[("ITERATIONE_SANDBOX__CPUS", "2.0")]).expect("loads");
        assert_eq!((config.slots(1), config.slots(5)), (1, 2));
        assert_eq!(load(&[("ITERATIONE_GRADER__SLOTS", "7")]).expect("loads").slots(2), 7);
    }

    #[test]
    fn bad_settings_are_refused_by_name() {
        for (name, value, says) in [
            ("DATABASE_URL", "", "DATABASE_URL"),
            ("ITERATIONE_GRADER__LEASE_SECONDS", "0", "lease_seconds"),
            ("ITERATIONE_GRADER__MAX_ATTEMPTS", "0", "max_attempts"),
            ("ITERATIONE_GRADER__PER_ACCOUNT_LIVE", "0", "per_account_live"),
            ("ITERATIONE_GRADER__SLOT", "2", "slot"),
            ("ITERATIONE_SANDBOX__CPUS", "0.0", "cpus"),
            ("ITERATIONE_ENV", "production", "password"),
        ] {
            let error = load(&[(name, value)]).expect_err(name);
            assert!(format!("{error:#}").contains(says), "{name}={value}: {error:#}");
        }
    }

    #[test]
    fn what_is_printed_has_no_secrets() {
        let environment = [("DATABASE_URL".to_owned(), "postgres://u:p4ss@h/d".to_owned())].into();
        let text = Config::effective(&environment).expect("prints");
        assert!(
            text.contains("lease_seconds = 30") && text.contains("workspace_root") && !text.contains("p4ss"),
            "{text}"
        );
    }
}
