//! Who may use the machine now: most tests share it, a test that measures has it to itself. Runners start each test in a
//! process of its own, so this is a lock of the file system.

use std::{
    fs::{File, OpenOptions},
    path::PathBuf,
};

use rustix::process::getuid;

/// Held as long as the test runs.
#[derive(Debug)]
pub struct Turn {
    _machine: File,
}

/// Waits for a turn. Blocks the thread.
///
/// The gate makes it fair: a test that waits for the whole machine holds the gate, so that no newcomer overtakes it.
pub fn take(alone: bool) -> Turn {
    let gate = open("gate");
    gate.lock().expect("the gate");
    let machine = open("machine");
    if alone { machine.lock() } else { machine.lock_shared() }.expect("the machine");
    Turn { _machine: machine }
}

fn open(name: &str) -> File {
    let path: PathBuf = std::env::temp_dir().join(format!("iteratione-tests-{}-{name}.lock", getuid().as_raw()));
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
