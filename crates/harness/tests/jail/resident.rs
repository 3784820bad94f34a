//! A process that stays: in a jail of its own, one request at a time, gone at the first word too many.

use std::collections::BTreeMap;

use iteratione_harness::protocol::{
    Answered, AskRequest, ExecRequest, FetchRequest, FileHeader, FromHarness, Role, ServeRequest, Served, Stop,
    ToHarness,
};

use crate::support::{Jail, PATH, sh};

/// Reads requests and hands each, as `$_`, to some Perl that prints with `say`.
fn server(answer: &str) -> ServeRequest {
    let script = format!(
        "$| = 1; binmode STDIN; binmode STDOUT; sub say {{ print pack('N', length $_[0]), $_[0] }} say(''); \
         sub all {{ my ($n, $b) = ($_[0], ''); while (length $b < $n) {{ sysread(STDIN, $b, $n - length $b, length $b) or exit 0 }} $b }} \
         while (1) {{ $_ = all(unpack('N', all(4))); {answer} }}"
    );
    request(&["perl", "-e", &script])
}

fn request(argv: &[&str]) -> ServeRequest {
    ServeRequest {
        argv: argv.iter().map(|&a| a.to_owned()).collect(),
        env: BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]),
        cwd: "/".to_owned(),
        file_bytes: 1 << 20,
        open_files: 64,
        ready_ms: 30_000,
    }
}

fn asked(len: usize) -> AskRequest {
    AskRequest { len: len as u64, cpu_ms: 10_000, wall_ms: 30_000, answer_bytes: 8 << 20 }
}

fn served(jail: &mut Jail, request: ServeRequest) -> Served {
    jail.send(&ToHarness::Serve(request));
    match jail.receive() {
        FromHarness::Served(served) => served,
        other => panic!("{other:?} instead of Served"),
    }
}

fn serving(answer: &str) -> Jail {
    let mut jail = Jail::start();
    assert_eq!(served(&mut jail, server(answer)).error, None);
    jail
}

fn ask(jail: &mut Jail, request: AskRequest, content: &[u8]) -> (Vec<u8>, Answered) {
    jail.send(&ToHarness::Ask(request));
    for piece in content.chunks(100_000) {
        jail.send(&ToHarness::AskData(piece.to_vec()));
    }
    let mut answer = Vec::new();
    loop {
        match jail.receive() {
            FromHarness::Answer(bytes) => answer.extend(bytes),
            FromHarness::Answered(end) => return (answer, end),
            other => panic!("{other:?} instead of an answer"),
        }
    }
}

#[test]
fn a_resident_answers_one_request_after_the_other_of_any_size() {
    let mut jail = serving("say(scalar reverse $_)");
    for content in [b"abc".to_vec(), Vec::new(), (0..3_000_000u32).map(|n| (n % 251) as u8).collect()] {
        let (answer, end) = ask(&mut jail, asked(content.len()), &content);
        assert!(answer.iter().eq(content.iter().rev()));
        assert_eq!((end.stop, end.broken, end.answer_bytes), (None, None, content.len() as u64));
    }
    jail.send(&ToHarness::Ping);
    assert_eq!(jail.receive(), FromHarness::Pong);
    assert!(jail.hang_up().success());
}

#[test]
fn a_resident_has_the_compilers_rights_and_each_request_its_own_account() {
    let mut jail = serving(
        "if ($_ eq 'burn') { my $t = (times)[0]; do { $x += $_ for 1 .. 100000 } while (times)[0] - $t < 0.5 } say(\"$< $(\")",
    );
    let (answer, quiet) = ask(&mut jail, asked(1), b"x");
    assert_eq!(answer, b"10002 10002");
    let (_, burnt) = ask(&mut jail, asked(4), b"burn");
    let (_, after) = ask(&mut jail, asked(1), b"x");
    assert!(burnt.cpu_us > 400_000, "{burnt:?}");
    assert!(quiet.cpu_us < 300_000 && after.cpu_us < 300_000, "{quiet:?} {after:?}");
}

#[test]
fn a_jail_with_a_resident_runs_nothing_else_and_the_other_way_round() {
    let fetch = || ToHarness::Fetch(FetchRequest { suffix: String::new(), max_bytes: 1, max_files: 1, scratch: None });
    let file = || FileHeader { path: "x".to_owned(), len: 0 };
    let others = || {
        [ToHarness::Exec(sh("true")), ToHarness::Put(file()), ToHarness::PutBuild(file()), fetch(), ToHarness::Clean]
    };
    for other in others() {
        let mut jail = serving("say($_)");
        jail.send(&other);
        let message = jail.faults();
        assert!(message.contains("while another goes on"), "{other:?}: {message}");
    }
    for other in others() {
        let mut jail = Jail::start();
        jail.send(&other);
        if matches!(other, ToHarness::Exec(_)) {
            jail.send(&ToHarness::StdinEnd);
            jail.finish();
        }
        jail.send(&ToHarness::Serve(server("say($_)")));
        let message = loop {
            match jail.receive() {
                FromHarness::Fault(fault) => break fault.message,
                FromHarness::Cleaned(_) | FromHarness::FetchEnd(_) => {}
                unexpected => panic!("{unexpected:?}"),
            }
        };
        assert!(message.contains("something else was in"), "{other:?}: {message}");
    }
    let mut jail = Jail::start();
    jail.send(&ToHarness::Ask(asked(0)));
    assert!(jail.faults().contains("without a resident"));
}

#[test]
fn a_resident_that_breaks_its_protocol_is_reported_and_the_jail_is_good_for_nothing_more() {
    for (answer, why) in [
        ("exit 3", "ended with status 3"),
        ("kill 9, $$", "ended by signal 9"),
        ("print STDERR 'so be it'; exit 4", "so be it"),
        ("print pack('N', 1 << 24)", "announced an answer of 16777216 bytes"),
        ("syswrite(STDOUT, pack('N', 1) . 'a' . pack('N', 0))", "more than one answer"),
    ] {
        let mut jail = serving(answer);
        let (_, end) = ask(&mut jail, asked(1), b"x");
        assert!(end.broken.as_ref().is_some_and(|b| b.contains(why)), "{answer}: {end:?}");
        jail.send(&ToHarness::AskData(b"the rest".to_vec()));
        jail.send(&ToHarness::Ask(asked(0)));
        assert!(jail.faults().contains("without a resident"), "{answer}");
    }
}

#[test]
fn an_answer_before_the_whole_request_is_none() {
    let mut jail = Jail::start();
    let early = "$| = 1; print pack('N', 0); sysread(STDIN, $b, 4); print pack('N', 0); sleep 100";
    assert_eq!(served(&mut jail, request(&["perl", "-e", early])).error, None);
    jail.send(&ToHarness::Ask(asked(10)));
    match jail.receive() {
        FromHarness::Answered(end) => assert!(end.broken.is_some_and(|b| b.contains("before it had"))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_last_answer_counts_though_its_giver_ends_with_it() {
    let mut jail = serving("say('bye'); exit 0");
    let (answer, end) = ask(&mut jail, asked(1), b"x");
    assert_eq!((answer.as_slice(), end.broken), (&b"bye"[..], None));
}

#[test]
fn a_request_that_breaks_a_limit_ends_the_resident_and_says_which() {
    for (answer, stop) in [("1 while 1", Stop::Cpu), ("sleep 100", Stop::Wall)] {
        let mut jail = serving(answer);
        let limits = AskRequest { cpu_ms: 300, wall_ms: if stop == Stop::Wall { 400 } else { 30_000 }, ..asked(1) };
        let (_, end) = ask(&mut jail, limits, b"x");
        assert_eq!(end.stop, Some(stop), "{end:?}");
    }
    let mut jail = serving("sleep 100");
    jail.send(&ToHarness::Ask(asked(0)));
    jail.send(&ToHarness::Kill);
    match jail.receive() {
        FromHarness::Answered(end) => assert_eq!(end.stop, Some(Stop::Killed)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_resident_that_eats_the_jails_memory_is_an_oom_kill() {
    let mut jail = serving("$x .= 'x' x 1000000 while 1");
    let (_, end) = ask(&mut jail, asked(1), b"x");
    assert!(end.oom_kills > 0 && end.broken.is_some(), "{end:?}");
}

#[test]
fn what_is_not_ready_in_time_or_at_all_is_not_served() {
    for (request, why) in [
        (request(&["no-such-program"]), "no-such-program"),
        (request(&["false"]), "ended with status 1"),
        (ServeRequest { ready_ms: 300, ..request(&["sleep", "100"]) }, "not ready in time"),
        (request(&["printf", "\\0\\0\\0\\5hello"]), "announced an answer of 5 bytes"),
        (request(&[]), "no program"),
    ] {
        let mut jail = Jail::start();
        let error = served(&mut jail, request).error;
        assert!(error.as_ref().is_some_and(|e| e.contains(why)), "{why}: {error:?}");
    }
}

#[test]
fn a_resident_that_speaks_unasked_is_a_fault() {
    let mut jail = Jail::start();
    let unasked = "$| = 1; print pack('N', 0); sleep 1; print 'x'; sleep 100";
    assert_eq!(served(&mut jail, request(&["perl", "-e", unasked])).error, None);
    assert!(jail.faults().contains("without being asked"));
}

fn put_build(jail: &mut Jail, path: &str, content: &[u8]) {
    jail.send(&ToHarness::PutBuild(FileHeader { path: path.to_owned(), len: content.len() as u64 }));
    for piece in content.chunks(100_000) {
        jail.send(&ToHarness::PutData(piece.to_vec()));
    }
}

#[test]
fn what_was_compiled_elsewhere_is_put_where_the_program_may_read_and_not_write() {
    let mut jail = Jail::start();
    let big: Vec<u8> = (0..700_000u32).map(|n| (n % 253) as u8).collect();
    put_build(&mut jail, "a/b/Main.class", b"main");
    put_build(&mut jail, "a/Big.class", &big);
    let shown = jail.run(sh("cat /build/a/b/Main.class; wc -c </build/a/Big.class; stat -c '%u %a' /build/a /build/a/Big.class; rm -rf /build/a 2>/dev/null; ls /build/a"));
    assert_eq!(shown.text(), "main700000\n10002 755\n10002 755\nBig.class\nb\n");
    jail.is_as_new();
    assert_eq!(jail.run(sh("cat /build/a/b/Main.class")).text(), "main", "cleaning leaves it");
}

#[test]
fn nothing_is_put_outside_of_the_build_folder_and_what_is_missing_there_stays_missing() {
    for path in ["../scratch/x", "/scratch/x", "a/../../scratch/x", "a//b", ".", ""] {
        let mut jail = Jail::start();
        put_build(&mut jail, path, b"x");
        for _ in 0..2 {
            let refused = jail.run(sh("true")).result;
            assert!(refused.spawn_error.is_some_and(|e| e.contains("plain relative")), "{path:?}");
            assert!(jail.clean().clean);
        }
    }
    // The compiler's own link leads nowhere either.
    let mut jail = Jail::start();
    let link = ExecRequest { role: Role::Compiler, ..sh("ln -s /tmp /build/l; ln -s /tmp/f /build/f") };
    assert_eq!(jail.run(link).result.exit_code, Some(0));
    put_build(&mut jail, "l/x", b"x");
    assert!(jail.run(sh("true")).result.spawn_error.is_some());
    put_build(&mut jail, "f", b"x");
    assert!(jail.run(sh("true")).result.spawn_error.is_some());
}
