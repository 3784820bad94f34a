use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::*;

fn config() -> SandboxConfig {
    #[derive(serde::Deserialize)]
    struct Service {
        sandbox: SandboxConfig,
    }
    let service: Service =
        iteratione_common::config::load(crate::DEFAULTS, &BTreeMap::new(), &["sandbox"]).expect("defaults");
    service.sandbox
}

fn body(image: &Image, config: &SandboxConfig) -> Value {
    let spec = ContainerSpec {
        image,
        arguments: &[],
        labels: HashMap::from([("iteratione.kind".to_owned(), "jail".to_owned())]),
        resources: Resources { memory_bytes: 256 << 20, cpus: 0.5, processes: 64 },
        cpu_period: config.cpu_period(),
        harness: Path::new("/w/d/bin/harness-1"),
        hosts: Path::new("/w/d/hosts"),
        folder: (Path::new("/w/d/jails/o.j/src"), "/src"),
        config,
    };
    serde_json::to_value(create_body(&spec)).expect("JSON")
}

fn image() -> Image {
    let env =
        ["PATH=/opt/java/bin:/usr/bin", "JAVA_TOOL_OPTIONS=-Dx", "EMPTY=", "HOSTNAME=h"].map(str::to_owned).to_vec();
    Image { id: "sha256:1".to_owned(), env, volumes: Vec::new() }
}

#[test]
fn the_whole_body_is_this() {
    let mut body = body(&image(), &config());
    let host = body["HostConfig"].as_object_mut().expect("map");
    let options = host.remove("SecurityOpt").expect("options");
    assert_eq!(options[0], "no-new-privileges");
    assert!(options[1].as_str().expect("text").starts_with("seccomp={\"archMap\""), "JSON text, not a path");
    assert!(host.remove("MaskedPaths").expect("paths").as_array().expect("list").contains(&json!("/dev/mqueue")));
    let bind = |source: &str, target: &str| json!({"Type": "bind", "Source": source, "Target": target, "ReadOnly": true, "BindOptions": {"Propagation": "rprivate"}});
    let ulimit = |name: &str, value: u64| json!({"Name": name, "Soft": value, "Hard": value});
    let host = json!({
            "NetworkMode": "none",
            "Memory": 256 << 20, "MemorySwap": 256 << 20, "OomKillDisable": false, "OomScoreAdj": 500,
            "CpuPeriod": 1_000_000, "CpuQuota": 500_000, "PidsLimit": 64,
            "Ulimits": [
                ulimit("core", 0), ulimit("nofile", 1024), ulimit("fsize", 256 << 20), ulimit("memlock", 65536),
                ulimit("msgqueue", 0),
            ],
            "ReadonlyRootfs": true, "Privileged": false,
            "CapDrop": ["ALL"], "CapAdd": ["SETUID", "SETGID", "KILL"],
            "IpcMode": "none", "CgroupnsMode": "private",
            "Tmpfs": {
                "/build": "rw,nosuid,nodev,size=64m,nr_inodes=8192,exec,uid=10002,gid=10002,mode=0755",
                "/scratch": "rw,nosuid,nodev,size=64m,nr_inodes=8192,noexec,uid=0,gid=0,mode=1777",
                "/tmp": "rw,nosuid,nodev,size=32m,nr_inodes=4096,noexec,uid=0,gid=0,mode=1777",
                "/dev/shm": "rw,nosuid,nodev,size=16m,nr_inodes=1024,noexec,uid=0,gid=0,mode=1777",
            },
            "Mounts": [
                bind("/w/d/jails/o.j/src", "/src"),
                bind("/w/d/bin/harness-1", "/iteratione/harness"),
                bind("/w/d/hosts", "/etc/hosts"),
            ],
            "Devices": [], "Init": false,
            "Sysctls": {"net.ipv4.tcp_max_tw_buckets": "0"},
            "LogConfig": {"Type": "none"},
            "AutoRemove": false, "RestartPolicy": {"Name": "no"},
    });
    let expected = json!({
        "Image": "sha256:1",
        "Entrypoint": ["/iteratione/harness"],
        "Cmd": [],
        "User": "0:0",
        "Env": ["PATH=/opt/java/bin:/usr/bin", "HOSTNAME", "JAVA_TOOL_OPTIONS", "EMPTY"],
        "WorkingDir": "/",
        "Hostname": "jail",
        "Labels": {"iteratione.kind": "jail"},
        "Tty": false, "OpenStdin": true, "StdinOnce": true,
        "AttachStdin": true, "AttachStdout": true, "AttachStderr": true,
        "NetworkDisabled": true,
        "Healthcheck": {"Test": ["NONE"]},
        "StopSignal": "SIGKILL", "StopTimeout": 1,
        "HostConfig": host,
    });
    assert_eq!(body, expected);
}

#[test]
fn a_share_of_the_cpus_is_a_time_in_each_period_and_never_less_than_the_kernel_takes() {
    let quota = |cpus, period_ms| {
        let resources = Resources { memory_bytes: 1, cpus, processes: 1 };
        let limits = Limits::of(resources, Duration::from_millis(period_ms));
        (limits.cpu_period, limits.cpu_quota)
    };
    assert_eq!(quota(0.5, 100), (100_000, 50_000));
    assert_eq!(quota(0.5, 1_000), (1_000_000, 500_000));
    assert_eq!(quota(2.0, 20), (20_000, 40_000));
    assert_eq!(quota(0.01, 10), (10_000, 1_000));
}

#[test]
fn the_runtime_is_the_configured_one_and_an_image_without_a_path_gets_one() {
    let mut config = config();
    config.runtime = "runsc".to_owned();
    let image = Image { env: Vec::new(), ..image() };
    let body = body(&image, &config);
    assert_eq!(body["HostConfig"]["Runtime"], "runsc");
    assert_eq!(body["Env"], json!([format!("PATH={DEFAULT_PATH}"), "HOSTNAME"]));
}

#[test]
fn the_profile_allows_by_name_only_and_names_nothing_dangerous() {
    let profile: Value = serde_json::from_str(include_str!("../../../seccomp.json")).expect("JSON");
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    let rules = profile["syscalls"].as_array().expect("rules");
    let names = |conditional: bool| {
        let mut names = BTreeSet::new();
        for rule in rules.iter().filter(|r| r["action"] == "SCMP_ACT_ALLOW" && r["args"].is_array() == conditional) {
            for name in rule["names"].as_array().expect("names") {
                assert!(names.insert(name.as_str().expect("text")) || conditional, "{name} is listed twice");
            }
        }
        names
    };
    let (always, sometimes) = (names(false), names(true));
    // A rule without conditions would make the conditions of another meaningless.
    assert_eq!(always.intersection(&sometimes).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(sometimes, BTreeSet::from(["clone", "mknod", "mknodat", "personality", "socket", "socketpair"]));
    for name in [
        "acct",
        "add_key",
        "bpf",
        "chroot",
        "clone3",
        "delete_module",
        "fanotify_init",
        "finit_module",
        "init_module",
        "inotify_init",
        "inotify_init1",
        "io_setup",
        "io_uring_enter",
        "io_uring_register",
        "io_uring_setup",
        "ioperm",
        "iopl",
        "kcmp",
        "kexec_file_load",
        "kexec_load",
        "keyctl",
        "mbind",
        "modify_ldt",
        "mount",
        "mount_setattr",
        "move_mount",
        "mq_open",
        "msgget",
        "name_to_handle_at",
        "open_by_handle_at",
        "open_tree",
        "perf_event_open",
        "pidfd_getfd",
        "pivot_root",
        "process_vm_readv",
        "process_vm_writev",
        "ptrace",
        "quotactl",
        "reboot",
        "request_key",
        "seccomp",
        "semget",
        "setns",
        "shmget",
        "swapon",
        "sync",
        "syncfs",
        "syslog",
        "umount2",
        "unshare",
        "userfaultfd",
        "vmsplice",
        "fsopen",
        "fsmount",
        "fspick",
        "fsconfig",
        "clock_settime",
        "sethostname",
    ] {
        assert!(!always.contains(name) && !sometimes.contains(name), "{name}");
    }
    assert!(!SECCOMP.contains("comment") && SECCOMP.len() < 16 * 1024, "{} bytes", SECCOMP.len());
}
