//! R1–R10: programs that want more than there is.

mod files;
mod memory;
mod options;
mod output;
mod processes;
mod time;

use crate::frame::ends::{Ends, ends};

/// As [`ends`], with what a JVM needs for itself.
fn java_ends(verdicts: &'static [&'static str]) -> Ends {
    ends(verdicts).limit("memory_mb", 160).limit("cpu_ms", 2000)
}
