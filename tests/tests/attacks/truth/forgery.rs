//! T1–T3: runs that did not happen, results that nobody measured, files that are not files.

use serde_json::{Value, json};
use testkit::labs;

use crate::frame::{
    Row,
    ends::{Ends, ends},
    family,
};

fn java_ends(verdicts: &'static [&'static str]) -> Ends {
    ends(verdicts).limit("memory_mb", 160).limit("cpu_ms", 5000)
}

/// What the forger said is in its output, in both streams, and nothing of it in any measurement.
fn only_output(result: &Value) {
    let test = &result["tests"][0];
    for stream in ["stdout", "stderr"] {
        assert!(test[stream].as_str().is_some_and(|t| t.contains("\"exit_code\"")), "not in {stream}: {test}");
    }
    assert!(test["wall_ms"].as_u64() > Some(0) && test["memory_kb"].as_u64() > Some(100), "{test}");
    assert_eq!(result["score"], 0.0, "{result}");
}

/// The program's own exit code, not the forged one.
fn own_exit_code(result: &Value) {
    only_output(result);
    assert_eq!(result["tests"][0]["exit_code"], 7, "{result}");
}

/// Whatever the tests before have left in its place, a test finds its own file.
fn traps(ends: Ends) -> Ends {
    let with_file = |name: &str, stdin: &str, expected: &str| {
        let mut test = labs::test(name, stdin, expected);
        test["files"] = json!([{"name": "data.txt", "content": "right"}]);
        test
    };
    let tests: Vec<Value> = ["symlink", "folder", "fifo", "swap"]
        .into_iter()
        .flat_map(|trap| {
            let lays = labs::test(trap, &format!("{trap}\n"), "nothing that it says");
            let lays = if trap == "swap" { with_file(trap, "swap\n", "nothing that it says") } else { lays };
            [lays, with_file(&format!("after {trap}"), "read\n", "right\n")]
        })
        .collect();
    ends.tests(&tests).and(|result| {
        for test in result["tests"].as_array().expect("tests") {
            let reads = test["name"].as_str().is_some_and(|n| n.starts_with("after"));
            let verdict = test["verdict"].as_str().expect("a verdict");
            assert!(if reads { verdict == "AC" } else { matches!(verdict, "WA" | "RTE") }, "{test}");
        }
    })
}

#[test]
fn a_verdict_is_what_was_measured_and_not_what_a_program_says() {
    family([
        Row::program("T1_exits_before_main_c", "t1/exits.c", ends(&["WA"])),
        Row::program("T1_right_then_killed_c", "t1/right_then_killed.c", ends(&["RTE"]).saying("signal 9")),
        Row::program("T1_kills_everything_c", "t1/kills_everything.c", ends(&["RTE"])),
        Row::program("T1_exits_python", "t1/exits.py", ends(&["WA"])),
        Row::program("T1_right_then_fails_python", "t1/right_then_fails.py", ends(&["RTE"]).saying("code 7")),
        Row::program("T1_halts_java", "t1/Halts.java", java_ends(&["WA"])),
        Row::program("T1_right_then_fails_java", "t1/RightThenFails.java", java_ends(&["RTE"]).saying("code 1")),
        Row::program("T2_frames_c", "t2/frames.c", ends(&["RTE"]).saying("code 7").and(own_exit_code)),
        Row::program("T2_frames_python", "t2/frames.py", ends(&["WA"]).and(only_output)),
        Row::program("T2_frames_java", "t2/Frames.java", java_ends(&["WA"]).and(only_output)),
        Row::program("T3_traps_c", "t3/traps.c", traps(ends(&["WA"]))),
        Row::program("T3_traps_python", "t3/traps.py", traps(ends(&["WA"]))),
        Row::program("T3_traps_java", "t3/Traps.java", traps(java_ends(&["WA"]))),
    ]);
}
