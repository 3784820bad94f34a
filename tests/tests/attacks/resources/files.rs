//! R8, R9: files, descriptors, core files, and ends that do not come.

use serde_json::Value;
use testkit::labs;

use super::java_ends;
use crate::frame::{
    Row,
    ends::{Ends, ends},
    family,
};

/// `RLIMIT_NOFILE` of programs.
const OPEN_FILES: u64 = 256;
/// Files that all writable folders of a jail may have together, by default.
const INODES: u64 = 8192 + 4096 + 1024;
/// `RLIMIT_FSIZE` of programs.
const FILE_BYTES: u64 = 64 << 20;

/// The number that the first test's program says on stderr.
fn number(result: &Value) -> u64 {
    let said = result["tests"][0]["stderr"].as_str().and_then(|s| s.lines().next()).unwrap_or_default();
    said.trim().parse().unwrap_or_else(|_| panic!("no number: {result}"))
}

fn some_inodes(result: &Value) {
    let made = number(result);
    assert!((500..=INODES).contains(&made), "{made} files: {result}");
}

fn no_file_of_that_size(result: &Value) {
    let largest = number(result);
    assert!(largest <= FILE_BYTES, "a file of {largest} bytes: {result}");
}

fn some_descriptors(result: &Value) {
    let opened = number(result);
    assert!((10..=OPEN_FILES).contains(&opened), "{opened} descriptors: {result}");
}

/// A first test that leaves something behind, and a second one that looks for it.
fn apart(ends: Ends) -> Ends {
    ends.tests(&[labs::test("leave", "leave\n", "3\n"), labs::test("look", "look\n", "3\n")])
}

#[test]
fn files_are_bounded_by_bytes_and_by_number_and_gone_before_the_next_test() {
    let files = || apart(ends(&["AC"]).limit("cpu_ms", 10_000).limit("memory_mb", 256));
    let java = || apart(java_ends(&["AC"]).limit("cpu_ms", 20_000).limit("memory_mb", 256));
    family([
        Row::program("R8_sparse_c", "r8/sparse.c", ends(&["AC"]).limit("memory_mb", 256).and(no_file_of_that_size)),
        Row::program("R8_million_files_c", "r8/many_files.c", files().and(some_inodes)),
        Row::program("R8_nested_folders_c", "r8/nested.c", files().and(some_inodes)),
        Row::program("R8_long_names_c", "r8/long_names.c", files().and(some_inodes)),
        Row::program("R8_long_names_python", "r8/many_files.py", files().and(some_inodes)),
        Row::program("R8_million_files_java", "r8/ManyFiles.java", java().and(some_inodes)),
    ]);
}

/// The first test dies and would have left a core file, which the second does not find.
fn no_core(result: &Value) {
    let tests = &result["tests"];
    assert_eq!((&tests[0]["verdict"], &tests[1]["verdict"]), (&"RTE".into(), &"AC".into()), "{result}");
    let said = tests[0]["stderr"].as_str().expect("text");
    assert!(said.starts_with("raised 0, soft 0, hard 0"), "{said}");
}

#[test]
fn descriptors_run_out_cores_are_not_written_and_ends_that_do_not_come_are_not_waited_for() {
    let never = || ends(&["TLE"]).by("wall").limit("cpu_ms", 1000).limit("wall_ms", 1000);
    let java_never = || java_ends(&["TLE"]).by("wall").limit("cpu_ms", 10_000).limit("wall_ms", 3000);
    family([
        Row::program("R9_descriptors_c", "r9/descriptors.c", ends(&["RTE"]).and(some_descriptors)),
        Row::program("R9_descriptors_python", "r9/descriptors.py", ends(&["RTE"]).and(some_descriptors)),
        Row::program("R9_descriptors_java", "r9/Descriptors.java", java_ends(&["RTE"]).and(some_descriptors)),
        Row::program("R9_core_c", "r9/core.c", apart(ends(&["RTE"])).and(no_core)),
        Row::program("R9_core_python", "r9/core.py", ends(&["RTE"]).saying("signal 11")),
        Row::program("R9_at_exit_c", "r9/at_exit.c", never()),
        Row::program("R9_destructor_cpp", "r9/destructor.cpp", ends(&["TLE"]).by("cpu")),
        Row::program("R9_at_exit_python", "r9/at_exit.py", never()),
        Row::program("R9_shutdown_hook_java", "r9/Hook.java", java_never()),
        Row::program("R9_exit_in_a_hook_java", "r9/ExitInHook.java", java_never()),
    ]);
}
