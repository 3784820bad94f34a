//! What the kernel counts, and how it deals with memory.

use super::{Machine, Observation, or_unknown};

pub(super) fn observe(machine: Machine<'_>) -> Vec<Observation> {
    let version = machine.read("proc/sys/kernel/osrelease");
    vec![
        cgroups(machine, version.as_deref()),
        kernel(version),
        swap(machine),
        huge_pages(machine),
        waiting(machine),
        core_dumps(machine),
    ]
}

/// `6.18.5-foo` → `(6, 18)`.
fn number(release: &str) -> Option<(u32, u32)> {
    let mut parts = release.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn cgroups(machine: Machine<'_>, release: Option<&str>) -> Observation {
    let release = release.and_then(number);
    // As the harness chooses: where both are there, the controllers are in v1.
    let (found, good) = if machine.has("sys/fs/cgroup/memory/memory.usage_in_bytes") {
        ("v1: a later test's short peak below an earlier one is sampled", true)
    } else if machine.has("sys/fs/cgroup/cgroup.controllers") {
        match release {
            Some(version) if version < (5, 19) => ("v2 without memory.peak", false),
            _ => ("v2 with memory.peak", true),
        }
    } else {
        ("unknown", true)
    };
    Observation {
        what: "cgroups",
        found: found.to_owned(),
        good,
        why: "Linux before 5.19 keeps no peak of a cgroup's memory: it is only sampled, and short peaks are missed.",
        advice: "A newer kernel. Memory limits hold all the same.",
    }
}

fn kernel(release: Option<String>) -> Observation {
    Observation {
        what: "kernel",
        good: release.as_deref().and_then(number).is_none_or(|version| version >= (5, 11)),
        found: or_unknown(release),
        why: "Older kernels lack some of what keeps a jail tight and cheap (close_range, CFS burst).",
        advice: "Linux 5.14 or newer.",
    }
}

fn swap(machine: Machine<'_>) -> Observation {
    let areas = machine.read("proc/swaps").map(|swaps| swaps.lines().skip(1).count());
    Observation {
        what: "swap",
        found: or_unknown(areas.map(|n| if n == 0 { "none".to_owned() } else { format!("{n} in use") })),
        good: areas.is_none_or(|n| n == 0),
        why: "A machine that swaps makes programs wait for a disk. Jails do not swap by themselves, but the rest of the machine does.",
        advice: "swapoff -a, or enough memory that it is never used.",
    }
}

fn huge_pages(machine: Machine<'_>) -> Observation {
    let chosen = machine.read("sys/kernel/mm/transparent_hugepage/enabled").and_then(|line| {
        let (_, rest) = line.split_once('[')?;
        Some(rest.split_once(']')?.0.to_owned())
    });
    Observation {
        what: "huge pages",
        good: chosen.as_deref() != Some("always"),
        found: or_unknown(chosen),
        why: "With \"always\" a program's memory is counted in pieces of 2 MiB that it did not touch, now more, now less.",
        advice: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
    }
}

fn waiting(machine: Machine<'_>) -> Observation {
    let told = machine.read("proc/self/schedstat").map(|_| true);
    let has_proc = machine.has("proc/self");
    Observation {
        what: "run-queue delay",
        found: if told.is_some() {
            "counted"
        } else if has_proc {
            "not counted"
        } else {
            "unknown"
        }
        .to_owned(),
        good: told.is_some() || !has_proc,
        why: "How long a program waited for a CPU cannot be seen: on a machine that is overloaded its wall limit runs all the same.",
        advice: "A kernel with CONFIG_SCHED_INFO (schedstats).",
    }
}

fn core_dumps(machine: Machine<'_>) -> Observation {
    let pattern = machine.read("proc/sys/kernel/core_pattern");
    Observation {
        what: "core dumps",
        good: pattern.as_deref().is_none_or(|p| !p.starts_with('|')),
        found: or_unknown(pattern.map(|p| p.trim().to_owned())),
        why: "A crash in a jail starts this handler outside of it, whatever the jail's limit of core files (core(5)).",
        advice: "sysctl kernel.core_pattern=core",
    }
}
