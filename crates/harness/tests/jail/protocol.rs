//! A host that does not keep to the protocol gets a fault and an ended jail, not a guess.

use std::process::Command;

use iteratione_harness::protocol::{FileHeader, FromHarness, ToHarness};

use crate::support::{Jail, harness, sh};

#[test]
fn frames_that_are_none_are_faults() {
    for (wire, why) in [
        (&[0xff, 0xff, 0xff, 0xff, 0x02][..], "frame of 4294967295 bytes"),
        (&[0, 0, 0, 0, 0x77], "unknown frame kind 0x77"),
        (&[2, 0, 0, 0, 0x01, b'{', b'}'], "not valid"),
        (&[1, 0, 0, 0, 0x09, b'x'], "must be empty"),
    ] {
        let mut jail = Jail::start();
        jail.send_raw(wire);
        let message = jail.faults();
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn commands_out_of_order_are_faults() {
    let put = || ToHarness::Put(FileHeader { path: "x".to_owned(), len: 2 });
    for (messages, why) in [
        (vec![ToHarness::StdinEnd], "without an Exec"),
        (vec![ToHarness::PutData(vec![1])], "without a Put"),
        (vec![put(), ToHarness::PutData(vec![1; 3])], "more bytes"),
        (vec![put(), ToHarness::Clean], "while another goes on"),
        (vec![ToHarness::Exec(sh("sleep 9")), ToHarness::Clean], "before StdinEnd"),
        (vec![ToHarness::Exec(sh("sleep 9")), ToHarness::StdinEnd, ToHarness::Clean], "while another goes on"),
    ] {
        let mut jail = Jail::start();
        for message in &messages {
            jail.send(message);
        }
        let message = jail.faults();
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn frames_may_come_in_any_pieces() {
    let mut jail = Jail::start();
    let mut wire = Vec::new();
    for message in [ToHarness::Ping, ToHarness::Exec(sh("cat")), ToHarness::Stdin(b"abc".to_vec()), ToHarness::StdinEnd]
    {
        iteratione_harness::frame::encode(&message, &mut wire).expect("fits");
    }
    for byte in wire {
        jail.send_raw(&[byte]);
    }
    assert_eq!(jail.receive(), FromHarness::Pong);
    assert_eq!(jail.finish().text(), "abc");
}

#[test]
fn outside_of_a_container_it_refuses_to_serve() {
    let output = Command::new(harness()).output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("first process of a container"));
}

#[test]
fn probe_prints_a_file_and_version_says_what_it_is() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "the marker").expect("written");
    let probe = Command::new(harness()).arg("probe").arg(file.path()).output().expect("runs");
    assert_eq!((probe.status.code(), probe.stdout), (Some(0), b"the marker".to_vec()));
    let probe = Command::new(harness()).args(["probe", "/no/such/file"]).output().expect("runs");
    assert_eq!((probe.status.code(), probe.stdout), (Some(1), Vec::new()));
    let version = Command::new(harness()).arg("--version").output().expect("runs");
    let told = format!("protocol {}", iteratione_harness::protocol::PROTOCOL_VERSION);
    assert!(String::from_utf8_lossy(&version.stdout).contains(&told));
    assert_eq!(Command::new(harness()).arg("--what").output().expect("runs").status.code(), Some(2));
}
