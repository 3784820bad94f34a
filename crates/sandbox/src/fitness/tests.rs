use std::fs;

use super::*;

fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("has one")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    root
}

fn engine(runc: &str) -> Engine {
    Engine {
        version: "20.10.24".to_owned(),
        default_runtime: "runc".to_owned(),
        runc_version: Some(runc.to_owned()),
        ..Engine::default()
    }
}

fn found(files: &[(&str, &str)], what: &str) -> (String, bool) {
    let seen = observe(machine(files).path(), &engine("1.4.0"), "");
    let one = seen.into_iter().find(|o| o.what == what).expect("looked at");
    (one.found, one.good)
}

const CPU: &str = "sys/devices/system/cpu";

#[test]
fn each_thing_is_told_apart_from_its_good_state() {
    let governor = format!("{CPU}/cpu1/cpufreq/scaling_governor");
    let (no_turbo, boost) = (format!("{CPU}/intel_pstate/no_turbo"), format!("{CPU}/cpufreq/boost"));
    let (smt, thp) = (format!("{CPU}/smt/active"), "sys/kernel/mm/transparent_hugepage/enabled");
    let clock = "sys/devices/system/clocksource/clocksource0/current_clocksource";
    let (swaps, release) = ("proc/swaps", "proc/sys/kernel/osrelease");
    for (file, text, what, says, good) in [
        (governor.as_str(), "performance\n", "cpu governor", "performance", true),
        (&governor, "powersave\n", "cpu governor", "powersave", false),
        (&no_turbo, "0\n", "turbo", "on", false),
        (&no_turbo, "1\n", "turbo", "off", true),
        (&boost, "1\n", "turbo", "on", false),
        (&smt, "1\n", "smt siblings", "active", false),
        (&smt, "0\n", "smt siblings", "none", true),
        (thp, "[always] madvise never\n", "huge pages", "always", false),
        (thp, "always [madvise] never\n", "huge pages", "madvise", true),
        (clock, "tsc\n", "clock source", "tsc", true),
        (clock, "hpet\n", "clock source", "hpet", false),
        (swaps, "Filename Type Size Used Priority\n", "swap", "none", true),
        (swaps, "Filename Type Size Used Priority\n/swap file 1 0 -2\n", "swap", "1 in use", false),
        (release, "5.10.0-8-amd64\n", "kernel", "5.10.0-8-amd64", false),
        (release, "6.12\n", "kernel", "6.12", true),
        ("proc/self/schedstat", "1 2 3\n", "run-queue delay", "counted", true),
        ("proc/self/stat", "1\n", "run-queue delay", "not counted", false),
        ("proc/sys/kernel/core_pattern", "core\n", "core dumps", "core", true),
        ("proc/sys/kernel/core_pattern", "|/usr/share/apport/apport %p\n", "core dumps", "|/usr/share", false),
        ("proc/stat", "cpu  900 0 50 7 7 0 30 20 0 0\ncpu0 1 1\n", "stolen time", "2.0 %", false),
        ("proc/stat", "cpu  900 0 50 7 7 0 30 2 0 0\n", "stolen time", "0.2 %", true),
    ] {
        let (told, is_good) = found(&[(file, text)], what);
        assert!(told.starts_with(says), "{file} {text:?}: {told}");
        assert_eq!(is_good, good, "{file} {text:?}");
    }
}

#[test]
fn the_cgroups_in_use_are_named_with_what_they_cannot_count() {
    let v1 = ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n");
    let v2 = ("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    let release = "proc/sys/kernel/osrelease";
    assert!(found(&[v1, v2], "cgroups").0.starts_with("v1"));
    assert_eq!(found(&[v2, (release, "5.15.0-1\n")], "cgroups"), ("v2 without memory.peak".to_owned(), false));
    assert_eq!(found(&[v2, (release, "6.12.1\n")], "cgroups"), ("v2 with memory.peak".to_owned(), true));
}

#[test]
fn what_a_machine_does_not_tell_is_unknown_and_no_reason_for_advice() {
    let seen = observe(machine(&[]).path(), &engine("1.4.0"), "");
    assert!(seen.iter().all(|o| o.good), "{seen:?}");
    let unknown = seen.iter().filter(|o| o.found == "unknown").count();
    assert_eq!(unknown, seen.len() - 1, "all but the runtime: {seen:?}");
    assert!(!text(&seen).contains("->"));
}

#[test]
fn a_runtime_with_known_holes_is_pointed_out() {
    let seen = jail_runtime(&engine("1.1.5+ds1"), "");
    assert!(seen.found.starts_with("runc 1.1.5+ds1, Docker 20.10.24: ") && seen.found.contains("CVE-"), "{seen:?}");
    assert!(!seen.good);
    assert!(text(&[seen]).contains("-> Update runc"));
    assert!(jail_runtime(&engine("1.1.5"), "crun").good);
}

#[test]
fn this_machine_can_be_looked_at() {
    let seen = observe(Path::new("/"), &engine("1.4.0"), "");
    let told = |what: &str| seen.iter().find(|o| o.what == what).map(|o| o.found.clone()).expect("looked at");
    assert_ne!(told("kernel"), "unknown");
    assert!(told("stolen time").ends_with("since the start"));
    assert!(seen.iter().all(|o| o.good || !(o.why.is_empty() || o.advice.is_empty())));
}
