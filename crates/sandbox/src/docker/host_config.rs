//! The one function that says what a jail is to Docker: [`create_body`].

use std::{collections::HashMap, path::Path, sync::LazyLock, time::Duration};

use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, Mount,
    MountBindOptions, MountBindOptionsPropagationEnum, MountType, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::Image;
use crate::{
    Resources, SandboxConfig,
    config::{TmpfsConfig, mib},
    protocol::{BUILD_DIR, COMPILER_UID, SCRATCH_DIR},
};

/// Where the harness is inside.
pub const HARNESS_INSIDE: &str = "/iteratione/harness";
/// `PATH` of images that name none.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What the harness may do as root, and nothing else: become another uid and kill it.
pub const CAPABILITIES: [&str; 3] = ["SETUID", "SETGID", "KILL"];

/// Docker's list and a little more: kernel facts that no student's program needs. `/dev/mqueue` would be a place to
/// leave something in.
const MASKED_PATHS: [&str; 19] = [
    "/dev/mqueue",
    "/proc/acpi",
    "/proc/asound",
    "/proc/cmdline",
    "/proc/config.gz",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/key-users",
    "/proc/keys",
    "/proc/latency_stats",
    // Shows locks of open file descriptions on the whole host: two jails could talk by them.
    "/proc/locks",
    "/proc/modules",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// The profile as the daemon wants it: JSON text (a path is accepted and fails at start), without its comments.
static SECCOMP: LazyLock<String> = LazyLock::new(|| {
    let text = include_str!("../../seccomp.json");
    let Ok(mut profile) = serde_json::from_str::<serde_json::Value>(text) else {
        // It is compiled in and a test parses it; handed over as it is, the daemon refuses it: closed, not open.
        return text.to_owned();
    };
    for rule in profile["syscalls"].as_array_mut().into_iter().flatten().filter_map(|r| r.as_object_mut()) {
        rule.remove("comment");
    }
    profile.to_string()
});

/// [`Resources`] in Docker's units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, of memory and of memory and swap together.
    pub memory: i64,
    /// Microseconds in which `cpu_quota` may be used.
    pub cpu_period: i64,
    /// Microseconds of CPU time, of all CPUs together.
    pub cpu_quota: i64,
    /// Processes and threads.
    pub pids: i64,
}

/// The kernel's shortest quota, in microseconds.
const SHORTEST_QUOTA: f64 = 1_000.0;

impl Limits {
    /// In Docker's units. A share of the CPUs is a time in each period: short work that comes after a pause has all of a
    /// period's time at once, and the longer the period is, the more work is short.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a float-to-int cast saturates, and ceilings were checked before"
    )]
    pub fn of(resources: Resources, cpu_period: Duration) -> Self {
        let cpu_period = i64::try_from(cpu_period.as_micros()).unwrap_or(i64::MAX);
        #[allow(clippy::cast_precision_loss, reason = "at most a second in microseconds")]
        let cpu_quota = (resources.cpus * cpu_period as f64).round().max(SHORTEST_QUOTA) as i64;
        Self {
            cpu_period,
            cpu_quota,
            memory: i64::try_from(resources.memory_bytes).unwrap_or(i64::MAX),
            pids: i64::try_from(resources.processes).unwrap_or(i64::MAX),
        }
    }
}

/// What differs between containers.
#[derive(Debug, Clone)]
pub struct ContainerSpec<'a> {
    /// Image; its id is used, never its name, which could move.
    pub image: &'a Image,
    /// Arguments of the harness.
    pub arguments: &'a [&'a str],
    /// Labels.
    pub labels: HashMap<String, String>,
    /// What it may use.
    pub resources: Resources,
    /// How its share of the CPUs is dealt out, see [`Limits::of`].
    pub cpu_period: Duration,
    /// Harness binary, as the daemon sees it.
    pub harness: &'a Path,
    /// `/etc/hosts`, as the daemon sees it.
    pub hosts: &'a Path,
    /// A folder and where it is mounted, read-only, as the daemon sees it.
    pub folder: (&'a Path, &'a str),
    /// Everything else.
    pub config: &'a SandboxConfig,
}

/// The container.
pub fn create_body(spec: &ContainerSpec<'_>) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.id.clone()),
        entrypoint: Some(vec![HARNESS_INSIDE.to_owned()]),
        cmd: Some(spec.arguments.iter().map(|&a| a.to_owned()).collect()),
        user: Some("0:0".to_owned()),
        env: Some(environment(spec.image)),
        working_dir: Some("/".to_owned()),
        hostname: Some("jail".to_owned()),
        labels: Some(spec.labels.clone()),
        // Not a TTY; standard input ends with our connection, so that a jail whose service died ends too.
        tty: Some(false),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        // A namespace of its own with nothing but a loopback. Unlike network "none" alone it also spares the
        // daemon's network set-up, which is half of a container's start.
        network_disabled: Some(true),
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..Default::default() }),
        stop_signal: Some("SIGKILL".to_owned()),
        stop_timeout: Some(1),
        host_config: Some(host_config(spec)),
        ..Default::default()
    }
}

fn host_config(spec: &ContainerSpec<'_>) -> HostConfig {
    let config = spec.config;
    let limits = Limits::of(spec.resources, spec.cpu_period);
    HostConfig {
        network_mode: Some("none".to_owned()),
        // Equal: no swap.
        memory: Some(limits.memory),
        memory_swap: Some(limits.memory),
        // A full cgroup must kill, or it hangs.
        oom_kill_disable: Some(false),
        // When the host itself runs out, jails go first; the harness raises its programs to 1000, so that within the
        // jail it is never chosen before them.
        oom_score_adj: Some(500),
        cpu_period: Some(limits.cpu_period),
        cpu_quota: Some(limits.cpu_quota),
        pids_limit: Some(limits.pids),
        ulimits: Some(vec![
            ulimit("core", 0),
            ulimit("nofile", config.open_files),
            ulimit("fsize", mib(config.file_mb)),
            ulimit("memlock", 64 * 1024),
            ulimit("msgqueue", 0),
        ]),
        readonly_rootfs: Some(true),
        privileged: Some(false),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(CAPABILITIES.map(str::to_owned).to_vec()),
        security_opt: Some(vec!["no-new-privileges".to_owned(), format!("seccomp={}", *SECCOMP)]),
        masked_paths: Some(MASKED_PATHS.map(str::to_owned).to_vec()),
        // An IPC namespace of its own without Docker's /dev/shm, in whose place ours is mounted, with a limit.
        ipc_mode: Some("none".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        tmpfs: Some(HashMap::from([
            (
                BUILD_DIR.to_owned(),
                tmpfs(config.build, &format!("exec,uid={COMPILER_UID},gid={COMPILER_UID},mode=0755")),
            ),
            (SCRATCH_DIR.to_owned(), tmpfs(config.scratch, "noexec,uid=0,gid=0,mode=1777")),
            ("/tmp".to_owned(), tmpfs(config.tmp, "noexec,uid=0,gid=0,mode=1777")),
            ("/dev/shm".to_owned(), tmpfs(config.shm, "noexec,uid=0,gid=0,mode=1777")),
        ])),
        mounts: Some(vec![
            bind(spec.folder.0, spec.folder.1),
            bind(spec.harness, HARNESS_INSIDE),
            // Without Docker's network there is no /etc/hosts, and programs do talk to themselves as "localhost".
            bind(spec.hosts, "/etc/hosts"),
        ]),
        devices: Some(Vec::new()),
        // Docker's own init would be PID 1 in our place.
        init: Some(false),
        // A closed connection of the jail's own loopback would keep its port for a minute (TIME_WAIT), seen by the next
        // test and in its way: every test that uses sockets would cost a jail. Nothing can be late on a loopback.
        sysctls: Some(HashMap::from([("net.ipv4.tcp_max_tw_buckets".to_owned(), "0".to_owned())])),
        runtime: (!config.runtime.is_empty()).then(|| config.runtime.clone()),
        log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
        // Removed by us: a container that removes itself takes its exit status with it.
        auto_remove: Some(false),
        restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), maximum_retry_count: None }),
        ..Default::default()
    }
}

/// `PATH` of an image.
pub fn path_of(image: &Image) -> &str {
    image.env.iter().find_map(|e| e.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH)
}

/// The image's `PATH` and nothing else: a name without `=` removes what the image or the daemon would set.
fn environment(image: &Image) -> Vec<String> {
    let names = image.env.iter().filter_map(|e| e.split('=').next()).filter(|n| *n != "PATH" && *n != "HOSTNAME");
    let mut env = vec![format!("PATH={}", path_of(image)), "HOSTNAME".to_owned()];
    env.extend(names.map(str::to_owned));
    env
}

fn ulimit(name: &str, value: u64) -> ResourcesUlimits {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) }
}

fn tmpfs(limits: TmpfsConfig, options: &str) -> String {
    format!("rw,nosuid,nodev,size={}m,nr_inodes={},{options}", limits.size_mb, limits.inodes)
}

/// Read-only and private. Unlike `Binds` it does not make a missing source on the host.
fn bind(source: &Path, target: &str) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.display().to_string()),
        target: Some(target.to_owned()),
        read_only: Some(true),
        bind_options: Some(MountBindOptions {
            propagation: Some(MountBindOptionsPropagationEnum::RPRIVATE),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;
