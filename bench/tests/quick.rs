//! The benchmark itself, at its shortest: it runs, its report has the agreed shape, and nothing of it is left.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use iteratione_bench::report::{Mode, Report};
use iteratione_common::config::process_environment;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("repository")
}

fn path(variable: &str, default: &str) -> PathBuf {
    process_environment().get(variable).map_or_else(|| repository().join(default), PathBuf::from)
}

fn bench(home: &Path, arguments: &[&str]) -> std::process::Output {
    let harness = format!("target/{}-unknown-linux-gnu/debug/iteratione-harness", std::env::consts::ARCH);
    Command::new(env!("CARGO_BIN_EXE_iteratione-bench"))
        .arg("--home")
        .arg(home)
        .arg("--languages")
        .arg(path("ITERATIONE_TEST_LANGUAGES_DIR", "images"))
        .arg("--harness")
        .arg(path("ITERATIONE_TEST_HARNESS", &harness))
        .args(arguments)
        .output()
        .expect("the benchmark starts")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().map(|e| e.expect("readable").path()).collect()
}

#[test]
fn a_quick_run_of_hello_in_c_reports_every_way_of_running_it_and_leaves_nothing() {
    // As an installation's workspace, the folder is for everybody to search.
    let scratch = tempfile::tempdir().expect("folder");
    let home = scratch.path().join("home");
    let json = scratch.path().join("report.json");
    let arguments = ["--quick", "--rounds", "1", "--only", "hello_c", "--json", json.to_str().expect("UTF-8")];
    let output = bench(&home, &arguments);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");

    let text = std::fs::read_to_string(&json).expect("a report");
    let report: Report = serde_json::from_str(&text).expect("of the agreed shape");
    assert!(report.machine.cpus > 0 && report.machine.quick && !report.machine.kernel.is_empty());
    let mut modes = vec![Mode::Published, Mode::Cold, Mode::Warm];
    if rustix::process::geteuid().is_root() {
        modes.push(Mode::Bare);
    }
    for mode in &modes {
        let row = report.row("hello_c", *mode, None).unwrap_or_else(|| panic!("no row of {mode:?}: {said}"));
        assert!(row.n >= 1 && row.min_ms > 0.0, "{row:?}");
        assert!(row.min_ms <= row.median_ms && row.median_ms <= row.p99_ms && row.p99_ms <= row.max_ms, "{row:?}");
    }
    assert_eq!(report.results.len(), modes.len(), "{text}");
    assert!(report.throughput.is_empty() && report.idle.is_empty(), "only hello_c was asked for: {text}");
    assert!(said.contains("hello_c") && said.contains("Targets."), "{said}");

    assert_eq!(entries(&home.join("published")), Vec::<PathBuf>::new(), "folders are left");
    assert_eq!(entries(&home.join("workspaces")).len(), 0, "a workspace is left");
    let mounts = std::fs::read_to_string("/proc/mounts").expect("readable");
    assert!(!mounts.contains(home.to_str().expect("UTF-8")), "mounts are left: {mounts}");
    let filter = format!("label=iteratione.workspace={}", home.join("workspaces").display());
    let left = Command::new("docker").args(["ps", "--all", "--quiet", "--filter", &filter]).output().expect("docker");
    assert!(left.status.success() && left.stdout.is_empty(), "containers are left");
}

#[test]
fn what_is_called_by_no_name_is_refused_before_anything_is_started() {
    let scratch = tempfile::tempdir().expect("folder");
    let home = scratch.path().join("home");
    let output = bench(&home, &["--only", "hello_cobol"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("lab10_java"), "it says what there is");
    assert!(!home.exists());
}
