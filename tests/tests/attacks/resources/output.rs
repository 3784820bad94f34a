//! R7: output without end, and output that is no text.

use serde_json::Value;

use super::java_ends;
use crate::frame::{Row, ends::ends, family};

/// Bytes that a result keeps of a stream; a character that replaces a bad byte has three.
const KEPT: usize = 16 * 1024;

/// What is kept of output is short, whatever there was.
fn short(result: &Value) {
    for stream in ["stdout", "stderr"] {
        let text = result["tests"][0][stream].as_str().expect("text");
        assert!(text.len() <= KEPT, "{} bytes of {stream}", text.len());
    }
    let message = result["tests"][0]["message"].as_str().unwrap_or_default();
    assert!(message.len() < 1000, "a message of {} bytes", message.len());
}

/// What is no text has become text, and nothing of it is lost but what no text can hold.
fn text(result: &Value) {
    short(result);
    for stream in ["stdout", "stderr"] {
        let text = result["tests"][0][stream].as_str().expect("text");
        assert!(!text.contains('\0') && text.contains('\u{fffd}') && text.contains("\u{1b}[2J"), "{text:?}");
    }
}

#[test]
fn output_is_cut_at_its_limit_and_bytes_that_are_no_text_harm_nobody() {
    let flood = || ends(&["OLE"]).limit("cpu_ms", 10_000).and(short);
    let java_flood = || java_ends(&["OLE"]).limit("cpu_ms", 10_000).and(short);
    let drip = || ends(&["TLE"]).by("wall").limit("cpu_ms", 1000).limit("wall_ms", 1000).and(short);
    let binary = || ends(&["WA"]).limit("cpu_ms", 2000).and(text);
    family([
        Row::program("R7_stdout_c", "r7/stdout.c", flood()),
        Row::program("R7_stderr_c", "r7/stderr.c", flood()),
        Row::program("R7_both_c", "r7/both.c", flood().limit("output_kb", 16 * 1024)),
        Row::program("R7_drips_c", "r7/drips.c", drip()),
        Row::program("R7_closes_its_streams_c", "r7/closes.c", drip()),
        Row::program("R7_binary_c", "r7/binary.c", binary()),
        Row::program("R7_ten_megabytes_in_a_line_c", "r7/long_line.c", flood()),
        Row::program(
            "R7_ten_megabytes_are_allowed_c",
            "r7/long_line.c",
            ends(&["WA"]).limit("cpu_ms", 10_000).limit("output_kb", 16 * 1024).and(short),
        ),
        Row::program("R7_stdout_python", "r7/stdout.py", flood()),
        Row::program("R7_binary_python", "r7/binary.py", binary()),
        Row::program("R7_stdout_java", "r7/Stdout.java", java_flood()),
        Row::program("R7_stderr_java", "r7/Stderr.java", java_flood()),
        Row::program("R7_ten_megabytes_in_a_line_java", "r7/LongLine.java", java_flood()),
        Row::program("R7_endless_last_words_java", "r7/Trace.java", java_ends(&["OLE", "RTE", "MLE"]).and(short)),
    ]);
}
