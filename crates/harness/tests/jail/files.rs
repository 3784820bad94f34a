//! Files into the jail and out of it.

use iteratione_harness::protocol::{FetchRequest, FileHeader, FromHarness, Role, ToHarness};

use crate::support::{Jail, sh};

fn put(jail: &mut Jail, path: &str, content: &[u8]) {
    jail.send(&ToHarness::Put(FileHeader { path: path.to_owned(), len: content.len() as u64 }));
    for piece in content.chunks(100_000) {
        jail.send(&ToHarness::PutData(piece.to_vec()));
    }
}

/// Files, and whether the answer was cut.
fn fetch(jail: &mut Jail, suffix: &str, max_bytes: u64, max_files: u32) -> (Vec<(String, Vec<u8>)>, bool) {
    jail.send(&ToHarness::Fetch(FetchRequest { suffix: suffix.to_owned(), max_bytes, max_files, scratch: None }));
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    loop {
        match jail.receive() {
            FromHarness::File(header) => files.push((header.path, Vec::new())),
            FromHarness::FileData(bytes) => files.last_mut().expect("a header first").1.extend(bytes),
            FromHarness::FetchEnd(end) => {
                assert_eq!(end.files as usize, files.len());
                return (files, end.truncated);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn compile(jail: &mut Jail, script: &str) {
    let mut compiler = sh(script);
    compiler.role = Role::Compiler;
    assert_eq!(jail.run(compiler).result.exit_code, Some(0), "{script}");
}

#[test]
fn input_files_belong_to_the_program_and_are_gone_after_cleaning() {
    let mut jail = Jail::start();
    let big: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    put(&mut jail, "data/in.txt", b"hello\n");
    put(&mut jail, "empty", b"");
    put(&mut jail, "data/big", &big);
    let run =
        jail.run(sh("cat data/in.txt; wc -c <data/big; stat -c '%a %u %g %n' data data/in.txt empty; rm -r data"));
    assert_eq!(
        run.text(),
        "hello\n3000000\n755 10001 10001 data\n644 10001 10001 data/in.txt\n644 10001 10001 empty\n"
    );
    jail.is_as_new();
}

#[test]
fn a_file_that_cannot_be_written_keeps_the_program_from_starting_until_the_next_cleaning() {
    let mut jail = Jail::start();
    for path in ["../etc/x", "/etc/x", "a//b", "", "a/./b", &"x".repeat(300)] {
        put(&mut jail, path, b"content");
        let result = jail.run(sh("echo ran")).result;
        let error = result.spawn_error.expect("not started");
        assert!(error.contains(path) && result.exit_code.is_none(), "{error}");
        assert!(jail.run(sh("echo ran")).result.spawn_error.is_some(), "still");
        jail.is_as_new();
    }
}

#[test]
fn a_full_folder_is_told_and_the_bytes_are_taken_all_the_same() {
    let mut jail = Jail::start();
    put(&mut jail, "big", &vec![0; 70_000_000]);
    let error = jail.run(sh("echo ran")).result.spawn_error.expect("not started");
    assert!(error.contains("No space left on device"), "{error}");
    jail.is_as_new();
}

#[test]
fn the_same_file_twice_is_refused_and_no_link_is_followed() {
    let mut jail = Jail::start();
    put(&mut jail, "x", b"1");
    put(&mut jail, "x", b"2");
    assert!(jail.run(sh("true")).result.spawn_error.is_some_and(|e| e.contains("File exists")));
    assert!(jail.clean().clean);
    jail.run(sh("ln -s /tmp out; ln -s /tmp/y y"));
    put(&mut jail, "out/z", b"1");
    put(&mut jail, "y", b"1");
    assert!(jail.run(sh("true")).result.spawn_error.is_some());
    assert!(jail.clean().clean);
    assert_eq!(jail.run(sh("ls -A /tmp")).text(), "");
}

#[test]
fn the_compiler_s_files_come_back_in_order() {
    let mut jail = Jail::start();
    compile(&mut jail, "cd /build; mkdir -p b/c; echo 1 >b/c/M.class; echo 2 >A.class; echo 3 >A.txt; : >Z.class");
    let classes = [("A.class", "2\n"), ("Z.class", ""), ("b/c/M.class", "1\n")];
    let classes: Vec<_> = classes.iter().map(|(n, c)| ((*n).to_owned(), c.as_bytes().to_vec())).collect();
    assert_eq!(fetch(&mut jail, ".class", 1000, 100), (classes.clone(), false));
    assert_eq!(fetch(&mut jail, "", 1000, 100).0.len(), 4);
    assert_eq!(fetch(&mut jail, ".class", 1000, 1), (classes[..1].to_vec(), true));
    assert_eq!(fetch(&mut jail, ".class", 1, 100), (Vec::new(), true));
}

#[test]
fn big_files_come_back_whole_while_the_next_commands_wait() {
    let mut jail = Jail::start();
    compile(&mut jail, "head -c 5000000 /dev/zero >/build/big");
    jail.send(&ToHarness::Fetch(FetchRequest {
        suffix: String::new(),
        max_bytes: 1 << 30,
        max_files: 10,
        scratch: None,
    }));
    jail.send(&ToHarness::Ping);
    let (mut bytes, mut last) = (0, jail.receive());
    while last != FromHarness::Pong {
        if let FromHarness::FileData(piece) = &last {
            bytes += piece.len();
        }
        last = jail.receive();
    }
    assert_eq!(bytes, 5_000_000);
}

#[test]
fn links_fifos_and_folders_are_not_fetched() {
    let mut jail = Jail::start();
    compile(
        &mut jail,
        "cd /build; ln -s /etc/passwd a.class; mkfifo b.class; mkdir c.class; ln -s /etc etc; ln -s . self; echo x >d.class",
    );
    assert_eq!(fetch(&mut jail, ".class", 1 << 20, 100), (vec![("d.class".to_owned(), b"x\n".to_vec())], false));
}
