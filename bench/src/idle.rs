//! What a jail costs that waits for work, and what a compiler costs that does.

use std::time::Duration;

use anyhow::Context as _;

use crate::{
    arena::{Arena, Keep},
    cpu::{Cgroup, shims},
    docker,
    report::{Idle, short},
};

/// Who has just been started still has to settle.
const REST: Duration = Duration::from_secs(2);

/// Watches the waiting containers of a language for this long; one row for each kind of them.
pub async fn idle(arena: &Arena, id: &str, watch: Duration) -> anyhow::Result<Vec<Idle>> {
    let Some(languages) = arena.language(id).await? else { return Ok(Vec::new()) };
    let site = arena.site(&languages, id, Keep::AsInstalled).await?;
    site.settled(0).await?;
    tokio::time::sleep(REST).await;
    let mut rows = Vec::new();
    for (kind, what) in [("jail", "pooled jail"), ("compiler", "jail with a hot compiler")] {
        let label = format!("label={}", arena.label());
        let kind = format!("label=iteratione.kind={kind}");
        let filter = ["ps", "--quiet", "--no-trunc", "--filter", &label, "--filter", &kind];
        let found: Vec<String> = docker::ask(&filter).await?.lines().map(str::to_owned).collect();
        let Some(container) = found.first() else { continue };
        let pid = docker::ask(&["inspect", "--format", "{{.State.Pid}}", container]).await?;
        let Some(cgroup) = Cgroup::of_process(pid.parse()?) else { continue };
        let cpu = || cgroup.cpu_ms().context("the counters are gone");
        let before = cpu()?;
        tokio::time::sleep(watch).await;
        let spent = cpu()? - before;
        let memory = cgroup.memory_bytes().context("the counters are gone")? / f64::from(1 << 20);
        let shim = shims(&found).get(container).copied().unwrap_or(0.0);
        rows.push(Idle {
            what: format!("{what}, {id}"),
            seconds: watch.as_secs_f64(),
            memory_mb: short(memory),
            shim_mb: short(shim),
            cpu_ms_per_second: short(spent / watch.as_secs_f64()),
        });
    }
    site.sandbox.shutdown().await;
    Ok(rows)
}
