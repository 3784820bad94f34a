//! The report: a channel beside the standard streams that only who has inherited it can write to.

use iteratione_harness::protocol::{ExecRequest, ExecResult, FromHarness, Stop, ToHarness};

use crate::support::{Jail, sh};

fn reporting(script: &str, most: u64) -> ExecRequest {
    ExecRequest { report: Some(most), ..sh(script) }
}

/// The result, the standard output and the report.
fn run(jail: &mut Jail, request: ExecRequest) -> (ExecResult, String, Vec<u8>) {
    jail.send(&ToHarness::Exec(request));
    jail.send(&ToHarness::StdinEnd);
    let (mut out, mut report) = (Vec::new(), Vec::new());
    loop {
        match jail.receive() {
            FromHarness::Stdout(bytes) | FromHarness::Stderr(bytes) => out.extend(bytes),
            FromHarness::Report(bytes) => report.extend(bytes),
            FromHarness::Exit(result) => return (result, String::from_utf8_lossy(&out).into_owned(), report),
            other => panic!("{other:?} while a program runs"),
        }
    }
}

#[test]
fn what_is_written_to_the_report_comes_apart_from_the_output_and_to_its_end() {
    let mut jail = Jail::start();
    let script = "echo out; echo one >&3; head -c 200000 /dev/zero >&3; echo last >&3; (sleep 1000 &) ; exit 4";
    let (result, out, report) = run(&mut jail, reporting(script, 1 << 20));
    assert_eq!((result.exit_code, out.as_str()), (Some(4), "out\n"));
    assert_eq!(report.len(), 4 + 200_000 + 5);
    assert!(report.starts_with(b"one\n") && report.ends_with(b"last\n"));
    jail.is_as_new();
    // A program that closes it goes on.
    let (result, out, report) = run(&mut jail, reporting("exec 3>&-; sleep 0.1; echo on", 100));
    assert_eq!((result.exit_code, out.as_str(), report.len()), (Some(0), "on\n", 0));
}

#[test]
fn nobody_opens_it_by_name() {
    let mut jail = Jail::start();
    let script = "stat -L -c '%u %a %F' /proc/self/fd/3; for f in /proc/self/fd/3 /proc/$$/fd/3 /dev/fd/3; do (echo forged >$f) 2>/dev/null && echo open; (cat <$f) 2>/dev/null && echo read; done; true";
    let (_, out, report) = run(&mut jail, reporting(script, 1 << 20));
    assert_eq!(out, "0 600 fifo\n", "{out}");
    assert!(report.is_empty());
}

#[test]
fn one_byte_too_many_stops_it_and_without_asking_there_is_none() {
    let mut jail = Jail::start();
    let (result, _, report) = run(&mut jail, reporting("head -c 101 /dev/zero >&3; sleep 1000", 100));
    assert_eq!((result.stop, report.len()), (Some(Stop::Output), 100));
    let (result, out, _) = run(&mut jail, sh("(echo x >&3) 2>/dev/null || echo none"));
    assert_eq!((result.exit_code, out.as_str()), (Some(0), "none\n"));
}
