//! On what it is measured.

use crate::{docker, report::Machine};

/// Asks the kernel and the Docker daemon.
pub async fn machine(quick: bool) -> anyhow::Result<Machine> {
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|l| l.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let memory_kb = field(&read("/proc/meminfo"), "MemTotal").and_then(|m| m.split(' ').next()?.parse::<u64>().ok());
    let docker = docker::ask(&["info", "--format", "{{.ServerVersion}} {{.CgroupVersion}}"]).await?;
    let (version, cgroup) = docker.split_once(' ').unwrap_or((&docker, "0"));
    Ok(Machine {
        cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        memory_mb: memory_kb.unwrap_or(0) / 1024,
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        docker: version.to_owned(),
        cgroup: cgroup.trim().parse().unwrap_or(0),
        load_before: read("/proc/loadavg").split(' ').next().and_then(|l| l.parse().ok()).unwrap_or(0.0),
        quick,
    })
}
