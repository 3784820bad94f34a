//! The `[sandbox]` section of a service's configuration.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::ensure;
use serde::Deserialize;

/// Commented defaults of the section, for the services' built-in configuration files.
pub const DEFAULTS: &str = include_str!("config.toml");

/// What to do about an OCI runtime with known holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuntimePolicy {
    /// Say so in the log at start.
    Warn,
    /// Be unready.
    Refuse,
}

/// The `[sandbox]` section. Every key has a default in [`DEFAULTS`], where it is explained.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxConfig {
    /// `unix:///path`, or empty for Docker's default socket.
    pub docker_host: String,
    /// Absolute; the same path on the Docker host and here.
    pub workspace_root: PathBuf,
    /// Static harness binary.
    pub harness: PathBuf,
    /// OCI runtime; empty for the daemon's default.
    pub runtime: String,
    /// About runtimes with known holes.
    pub vulnerable_runtime: RuntimePolicy,
    /// MiB that must be free below `workspace_root` for readiness.
    pub min_free_mb: u64,

    /// CPUs of a jail by default.
    pub cpus: f64,
    /// Milliseconds of the period in which a jail may use its share of the CPUs.
    pub cpu_period_ms: u64,
    /// MiB of a jail by default.
    pub memory_mb: u64,
    /// Processes and threads of a jail by default.
    pub processes: u64,
    /// The most CPUs a jail may get.
    pub max_cpus: f64,
    /// The most MiB a jail may get.
    pub max_memory_mb: u64,
    /// The most processes a jail may get.
    pub max_processes: u64,
    /// Hard `RLIMIT_NOFILE` of everything in a jail.
    pub open_files: u64,
    /// Hard `RLIMIT_FSIZE` of everything in a jail, MiB.
    pub file_mb: u64,

    /// Sizes of the writable folders.
    pub build: TmpfsConfig,
    /// `/scratch`.
    pub scratch: TmpfsConfig,
    /// `/tmp`.
    pub tmp: TmpfsConfig,
    /// `/dev/shm`.
    pub shm: TmpfsConfig,

    /// Started jails kept ready per language.
    pub pool_floor: usize,
    /// Other floors for some languages, by id.
    pub pool_floors: BTreeMap<String, usize>,
    /// The most started jails kept ready per language, when many are wanted.
    pub pool_ceiling: usize,
    /// Other ceilings for some languages, by id.
    pub pool_ceilings: BTreeMap<String, usize>,
    /// MiB that ready jails and resident compilers may be reckoned to take together.
    pub pool_memory_mb: u64,
    /// MiB that one ready jail is reckoned to take.
    pub idle_jail_mb: u64,
    /// MiB that one resident compiler is reckoned to take.
    pub compiler_jail_mb: u64,
    /// The share of one CPU that may go into starting jails nobody waits for, while others are in use.
    pub refill_share: f64,
    /// Resident compilers of each language that has one.
    pub compilers: usize,
    /// CPUs of the jail of each.
    pub compiler_cpus: f64,
    /// Containers started at the same time.
    pub start_concurrency: usize,
    /// Containers of this process in all.
    pub max_containers: usize,

    /// Milliseconds for one request to the daemon.
    pub docker_ms: u64,
    /// Milliseconds from the start of a container to the harness' first word.
    pub hello_ms: u64,
    /// Milliseconds to wait for room under `max_containers`.
    pub room_ms: u64,
    /// Milliseconds beyond a process' own wall limit for the harness to answer.
    pub answer_grace_ms: u64,
    /// Milliseconds for the end: until every container is gone.
    pub shutdown_ms: u64,

    /// What the daemon is told instead of `workspace_root`; empty in every sane installation. Exists so that the
    /// start-up probe can be shown to find a daemon that sees another folder.
    #[serde(default)]
    pub workspace_root_for_docker: Option<PathBuf>,
}

/// A size-limited memory file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TmpfsConfig {
    /// MiB.
    pub size_mb: u64,
    /// Files and folders.
    pub inodes: u64,
}

/// What a jail may use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resources {
    /// Bytes, the folders in memory included; no swap.
    pub memory_bytes: u64,
    /// CPUs, a share of time: 0.5 is half of one.
    pub cpus: f64,
    /// Processes and threads, the harness included.
    pub processes: u64,
}

impl SandboxConfig {
    /// Values that could only fail later, in words for the operator.
    pub fn check(&self) -> anyhow::Result<()> {
        let root = self.workspace_root.display();
        ensure!(self.workspace_root.is_absolute(), "sandbox.workspace_root must be an absolute path, not {root}");
        ensure!(
            self.workspace_root.to_str().is_some_and(|p| !p.contains([':', ',', '\n'])),
            "sandbox.workspace_root must be UTF-8 without ':' and ','"
        );
        ensure!(
            self.docker_host.is_empty() || self.docker_host.starts_with("unix:///"),
            "sandbox.docker_host must be unix:///path/to/docker.sock: jails are started over a local socket only"
        );
        ensure!(self.cpus.is_finite() && self.cpus >= 0.01, "sandbox.cpus must be at least 0.01");
        ensure!(
            self.max_cpus.is_finite() && self.max_cpus >= self.cpus,
            "sandbox.max_cpus must not be below sandbox.cpus"
        );
        ensure!((10..=1000).contains(&self.cpu_period_ms), "sandbox.cpu_period_ms must be 10 to 1000");
        ensure!(self.memory_mb >= 8, "sandbox.memory_mb must be at least 8");
        ensure!(self.max_memory_mb >= self.memory_mb, "sandbox.max_memory_mb must not be below sandbox.memory_mb");
        ensure!(self.processes >= 4, "sandbox.processes must be at least 4");
        ensure!(self.max_processes >= self.processes, "sandbox.max_processes must not be below sandbox.processes");
        ensure!(self.open_files >= 32, "sandbox.open_files must be at least 32");
        for (name, tmpfs) in [("build", self.build), ("scratch", self.scratch), ("tmp", self.tmp), ("shm", self.shm)] {
            // 0 would mean "no limit" to the kernel.
            ensure!(tmpfs.size_mb > 0 && tmpfs.inodes > 0, "sandbox.{name}: size_mb and inodes must be above 0");
        }
        ensure!(
            self.compiler_cpus.is_finite() && self.compiler_cpus >= 0.01,
            "sandbox.compiler_cpus must be at least 0.01"
        );
        ensure!(self.start_concurrency > 0, "sandbox.start_concurrency must be above 0");
        ensure!(self.idle_jail_mb > 0, "sandbox.idle_jail_mb must be above 0");
        ensure!(self.compiler_jail_mb > 0, "sandbox.compiler_jail_mb must be above 0");
        ensure!(
            self.refill_share >= 0.01 && self.refill_share <= 1.0,
            "sandbox.refill_share must be 0.01 to 1: a share of one CPU"
        );
        ensure!(self.max_containers > 0, "sandbox.max_containers must be above 0");
        for (name, ms) in [("docker_ms", self.docker_ms), ("hello_ms", self.hello_ms), ("room_ms", self.room_ms)] {
            ensure!(ms > 0, "sandbox.{name} must be above 0");
        }
        Ok(())
    }

    /// What a jail gets when nothing else is asked for.
    pub fn default_resources(&self) -> Resources {
        Resources { memory_bytes: mib(self.memory_mb), cpus: self.cpus, processes: self.processes }
    }

    /// How a jail's share of the CPUs is dealt out.
    pub fn cpu_period(&self) -> Duration {
        Duration::from_millis(self.cpu_period_ms)
    }

    /// Started jails to keep ready of a language.
    pub(crate) fn floor(&self, language: &str) -> usize {
        self.pool_floors.get(language).copied().unwrap_or(self.pool_floor)
    }

    /// The most started jails to keep ready of a language.
    pub(crate) fn ceiling(&self, language: &str) -> usize {
        self.pool_ceilings.get(language).copied().unwrap_or(self.pool_ceiling)
    }

    pub(crate) fn docker_deadline(&self) -> Duration {
        Duration::from_millis(self.docker_ms)
    }
}

/// MiB → bytes, saturating.
pub(crate) fn mib(n: u64) -> u64 {
    n.saturating_mul(1024 * 1024)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Service {
        sandbox: SandboxConfig,
    }

    fn loaded(pairs: &[(&str, &str)]) -> anyhow::Result<SandboxConfig> {
        let environment: BTreeMap<String, String> =
            pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let service: Service = iteratione_common::config::load(DEFAULTS, &environment, &["sandbox"])?;
        service.sandbox.check()?;
        Ok(service.sandbox)
    }

    #[test]
    fn the_defaults_are_valid_and_are_the_missions() {
        let config = loaded(&[]).expect("valid");
        assert_eq!(config.default_resources(), Resources { memory_bytes: 256 << 20, cpus: 0.5, processes: 64 });
        assert_eq!(config.workspace_root, std::path::Path::new("/iteratione-workspaces"));
        assert_eq!((config.pool_floor, config.start_concurrency), (2, 2));
        assert!(config.workspace_root_for_docker.is_none());
    }

    #[test]
    fn docker_host_of_the_environment_is_taken() {
        let config = loaded(&[("DOCKER_HOST", "unix:///run/other.sock")]).expect("valid");
        assert_eq!(config.docker_host, "unix:///run/other.sock");
    }

    #[test]
    fn nonsense_is_refused_with_its_key() {
        for (key, value, said) in [
            ("ITERATIONE_SANDBOX__WORKSPACE_ROOT", "relative", "workspace_root"),
            ("DOCKER_HOST", "tcp://127.0.0.1:2375", "docker_host"),
            ("ITERATIONE_SANDBOX__CPUS", "0", "cpus"),
            ("ITERATIONE_SANDBOX__CPUS", "NaN", "cpus"),
            ("ITERATIONE_SANDBOX__MAX_MEMORY_MB", "1", "max_memory_mb"),
            ("ITERATIONE_SANDBOX__SHM__INODES", "0", "sandbox.shm"),
            ("ITERATIONE_SANDBOX__REFILL_SHARE", "0", "refill_share"),
            ("ITERATIONE_SANDBOX__REFILL_SHARE", "nan", "refill_share"),
            ("ITERATIONE_SANDBOX__CPU_PERIOD_MS", "2000", "cpu_period_ms"),
            ("ITERATIONE_SANDBOX__POOL_FLOR", "3", "pool_flor"),
        ] {
            let error = format!("{:#}", loaded(&[(key, value)]).expect_err(key));
            assert!(error.contains(said), "{key}={value}: {error}");
        }
    }
}
