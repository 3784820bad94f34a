//! What makes the same work take a different CPU time from one run to the next.

use super::{Machine, Observation, or_unknown};

/// Share of the CPU time since the machine's start that the hypervisor may have given to others, in thousandths.
const STEAL_MOST: u64 = 10;

pub(super) fn observe(machine: Machine<'_>) -> Vec<Observation> {
    vec![governor(machine), turbo(machine), smt(machine), steal(machine), clock(machine)]
}

fn governor(machine: Machine<'_>) -> Observation {
    let cpus = machine.list("sys/devices/system/cpu");
    let mut found: Vec<String> = cpus
        .iter()
        .filter_map(|cpu| machine.read(&format!("sys/devices/system/cpu/{cpu}/cpufreq/scaling_governor")))
        .collect();
    found.sort();
    found.dedup();
    Observation {
        what: "cpu governor",
        good: found.iter().all(|governor| governor == "performance"),
        found: or_unknown((!found.is_empty()).then(|| found.join(", "))),
        why: "A CPU that changes its speed with the load makes the same program take more or less CPU time.",
        advice: "cpupower frequency-set -g performance",
    }
}

fn turbo(machine: Machine<'_>) -> Observation {
    let no_turbo = machine.read("sys/devices/system/cpu/intel_pstate/no_turbo").map(|t| t == "0");
    let on = no_turbo.or_else(|| machine.read("sys/devices/system/cpu/cpufreq/boost").map(|t| t == "1"));
    Observation {
        what: "turbo",
        found: or_unknown(on.map(|on| if on { "on" } else { "off" }.to_owned())),
        good: on != Some(true),
        why: "With turbo one busy core is faster than all of them busy: CPU times depend on who else is graded.",
        advice: "For even times: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo (or 0 > cpufreq/boost). For speed leave it.",
    }
}

fn smt(machine: Machine<'_>) -> Observation {
    let on = machine.read("sys/devices/system/cpu/smt/active").map(|t| t == "1");
    Observation {
        what: "smt siblings",
        found: or_unknown(on.map(|on| if on { "active" } else { "none" }.to_owned())),
        good: on != Some(true),
        why: "Two programs on the siblings of one core slow each other down by up to a half, and both are charged for it.",
        advice: "echo off > /sys/devices/system/cpu/smt/control, or grader.slots no higher than the number of cores.",
    }
}

/// Since the machine's start: thousandths of the time in which the CPUs were wanted.
fn stolen(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_ascii_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = ticks[..] else { return None };
    let wanted = user + nice + system + irq + softirq + steal;
    (wanted > 0).then(|| steal * 1000 / wanted)
}

fn steal(machine: Machine<'_>) -> Observation {
    let share = machine.read("proc/stat").and_then(|stat| stolen(&stat));
    Observation {
        what: "stolen time",
        found: or_unknown(share.map(|s| format!("{}.{} % of the CPU time since the start", s / 10, s % 10))),
        good: share.is_none_or(|share| share <= STEAL_MOST),
        why: "The hypervisor lets other machines run in our time: wall limits run out, and caches are cold afterwards.",
        advice: "A machine with CPUs of its own, or fewer grader.slots.",
    }
}

fn clock(machine: Machine<'_>) -> Observation {
    let source = machine.read("sys/devices/system/clocksource/clocksource0/current_clocksource");
    Observation {
        what: "clock source",
        good: !matches!(source.as_deref(), Some("hpet" | "acpi_pm" | "jiffies" | "refined-jiffies" | "xen")),
        found: or_unknown(source),
        why: "Each look at this clock is a slow call into the kernel, for programs and for the harness that measures them.",
        advice: "Find out why the kernel refused tsc (dmesg | grep -i clocksource).",
    }
}
