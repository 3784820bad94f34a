//! PID 1 of every jail. `docs/HARNESS-PROTOCOL.md` says what it does and why.

use std::{path::Path, process::ExitCode};

mod cgroup;
mod files;
mod process;
mod supervisor;
mod sys;
mod tidy;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => supervise(),
        ["probe", file] => probe(Path::new(file)),
        ["--version"] => {
            println!(
                "iteratione-harness {} protocol {}",
                env!("CARGO_PKG_VERSION"),
                iteratione_harness::protocol::PROTOCOL_VERSION
            );
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "usage: iteratione-harness [probe FILE | --version]; without arguments it speaks frames on stdin and stdout"
            );
            ExitCode::from(64)
        }
    }
}

fn supervise() -> ExitCode {
    let prepared = sys::seclude().and_then(|()| {
        rustix::io::ioctl_fionbio(std::io::stdin(), true)?;
        rustix::io::ioctl_fionbio(std::io::stdout(), true)?;
        sys::child_signals()
    });
    let signals = match prepared {
        Ok(signals) => signals,
        Err(e) => {
            eprintln!("the harness cannot start: {e}");
            return ExitCode::FAILURE;
        }
    };
    let cgroup = cgroup::Cgroup::open(&cgroup::own());
    match supervisor::Supervisor::new(cgroup, signals).run() {
        supervisor::End::HostGone => ExitCode::SUCCESS,
        supervisor::End::Fault(message) => {
            eprintln!("{message}");
            ExitCode::from(70)
        }
    }
}

/// Prints a file: how a service proves that the daemon sees the folder that the service sees.
fn probe(file: &Path) -> ExitCode {
    match std::fs::read_to_string(file) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("{}: {e}", file.display());
            ExitCode::FAILURE
        }
    }
}
