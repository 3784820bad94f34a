//! Who is slow makes the others wait; nothing is lost, and nothing grows.

use iteratione_harness::protocol::{Credit, Stop, TERMINAL_INPUT_MOST, ToHarness};

use super::{CTRL_BACKSLASH, CTRL_C, Screen};
use crate::support::{perl, program, sh};

/// Prints without end, and dies of what kills it.
const FLOOD: &str = "$x = 'x' x 4095 . \"\\n\"; syswrite STDOUT, $x while 1";

fn flooded(window: u64) -> Screen {
    let mut request = perl(FLOOD);
    request.limits.output_bytes = 1 << 30;
    let mut screen = Screen::with_window(request, window);
    screen.wait("the window", |s| s.seen.len() as u64 >= window);
    screen
}

#[test]
fn a_flood_is_as_much_as_there_was_credit_for_and_then_waits() {
    let mut screen = flooded(10_000);
    for (more, all) in [(1, 10_001), (50_000, 60_001), (200_000, 260_001)] {
        for _ in 0..3 {
            screen.sync();
        }
        screen.credit(more);
        screen.wait("what was granted", |s| s.seen.len() >= all);
        assert_eq!(screen.seen.len(), all);
    }
    screen.jail.send(&ToHarness::Kill);
    screen.credit(1 << 20);
    let result = screen.end_clean();
    assert_eq!((result.stop, result.signal), (Some(Stop::Killed), Some(libc::SIGKILL)));
}

#[test]
fn ctrl_c_ends_a_flood_that_nobody_reads() {
    let mut screen = flooded(10_000);
    screen.sync();
    screen.type_in(CTRL_C);
    screen.until_taken();
    screen.credit(1 << 20);
    let result = screen.end_clean();
    assert_eq!((result.stop, result.signal), (None, Some(libc::SIGINT)));
}

#[test]
fn a_kill_and_an_end_wait_for_nothing_but_the_output_that_is_there() {
    let mut screen = flooded(0);
    screen.jail.send(&ToHarness::Kill);
    screen.credit(1 << 20);
    assert_eq!(screen.end_clean().stop, Some(Stop::Killed));
    // Without output there is nothing to wait for, credit or not; and with exactly as much as there is credit for.
    for (script, window) in [("exit 3", 0), ("stty -opost; printf 1234567; exit 3", 7)] {
        assert_eq!(Screen::with_window(sh(script), window).end_clean().exit_code, Some(3), "{script}");
    }
    // One byte more waits.
    let mut screen = Screen::with_window(sh("stty -opost; printf 12345678; exit 3"), 7);
    screen.until("1234567");
    screen.sync();
    assert_eq!(screen.end, None);
    screen.credit(1);
    screen.until("8");
    assert_eq!(screen.end_clean().exit_code, Some(3));
}

#[test]
fn megabytes_arrive_whole_under_small_credits() {
    let mut request = perl(
        "$n = 12345; for (1..300) { $x = ''; for (1..5000) { $n = ($n * 1103515245 + 12345) % 2147483648; $x .= chr(97 + $n % 26) }
           $sum = unpack('%32C*', $x) + $sum; print \"$x\\n\" } print \"sum $sum\\n\"",
    );
    request.limits.output_bytes = 4 << 20;
    let mut screen = Screen::with_window(request, 1000);
    let mut granted = 1000;
    let mut step = 700;
    while screen.end.is_none() {
        screen.look();
        if screen.seen.len() as u64 == granted {
            step = step * 7 % 65_521 + 1;
            granted += step;
            screen.credit(step);
        }
        assert!(screen.seen.len() as u64 <= granted);
    }
    assert_eq!(screen.end().exit_code, Some(0));
    let text = screen.text();
    let lines: Vec<_> = text.split("\r\n").collect();
    let sum: u64 = lines[..300].iter().flat_map(|l| l.bytes()).map(u64::from).sum();
    assert_eq!(lines[300..], [format!("sum {sum}"), String::new()]);
}

#[test]
fn the_limit_of_the_output_needs_no_credit_to_be_seen() {
    for (window, given) in [(1 << 40, 5000), (5000, 5000)] {
        let mut request = perl(FLOOD);
        request.limits.output_bytes = given;
        let mut screen = Screen::with_window(request, window);
        let result = screen.end();
        assert_eq!((result.stop, screen.seen.len() as u64), (Some(Stop::Output), given));
        screen.jail.send(&ToHarness::StdinEnd);
        screen.jail.is_as_new();
    }
}

#[test]
fn what_a_program_does_not_read_waits_and_ctrl_c_overtakes_it() {
    for (modes, lines) in [("sane", true), ("-icanon -echo", false)] {
        let mut screen = Screen::open(sh(&format!("stty {modes}; echo up; exec perl -e 'sleep 1000'")));
        screen.until("up");
        let most = usize::try_from(TERMINAL_INPUT_MOST).expect("small");
        let line = if lines { "0123456\n" } else { "01234567" };
        screen.type_in(line.repeat(most / 8));
        screen.wait("what the kernel takes", |s| s.taken > 0);
        screen.sync();
        assert!(screen.taken < TERMINAL_INPUT_MOST / 2, "{}", screen.taken);
        // There is room again for as much as was taken.
        let room = usize::try_from(screen.taken).expect("small");
        screen.type_in("y".repeat(room - 1));
        screen.type_in(CTRL_C);
        screen.until_taken();
        assert_eq!(screen.end_clean().signal, Some(libc::SIGINT), "{modes}");
    }
}

#[test]
fn every_kind_of_interrupt_overtakes_and_what_was_typed_after_it_is_read() {
    let mut screen = Screen::open(perl(
        "$| = 1; $SIG{INT} = sub { $got .= 'i' }; $SIG{QUIT} = sub { $got .= 'q' }; $SIG{TSTP} = sub { $got .= 'z' };
         print 'up'; select undef, undef, undef, 0.05 until length $got == 3;
         print 'got ', join('', sort split //, $got), ' '; print 'read ', scalar <STDIN>; <STDIN>",
    ));
    screen.until("up");
    screen.type_in("unread\n".repeat(10_000));
    screen.type_in(format!("old\n{CTRL_C}{CTRL_C}old\n\x1a{CTRL_BACKSLASH}new\n"));
    screen.until("got iqz read new");
    screen.until_taken();
    screen.type_in("\n");
    assert_eq!(screen.end_clean().exit_code, Some(0));
}

#[test]
fn where_interrupts_do_not_flush_the_input_stays() {
    let mut screen = Screen::open(sh(
        "stty noflsh; exec perl -e '$| = 1; $SIG{INT} = sub { $got = 1 }; print q(up); select undef, undef, undef, 0.05 until $got;
           $n = 0; while (<STDIN>) { last if /end/; $n++ } print qq(lines $n)'",
    ));
    screen.until("up");
    screen.type_in("unread\n".repeat(5000));
    screen.type_in(CTRL_C);
    screen.type_in("end\n");
    screen.until("lines 5000");
    screen.until_taken();
    assert_eq!(screen.end_clean().exit_code, Some(0));
}

#[test]
fn more_input_than_may_be_under_way_is_a_fault() {
    let mut screen = Screen::with_window(sh("stty -echo; echo up; exec sleep 1000"), 100);
    screen.until("up");
    screen.type_in("0123456\n".repeat(usize::try_from(TERMINAL_INPUT_MOST / 8).expect("small")));
    screen.wait("what the kernel takes", |s| s.taken > 0);
    screen.sync();
    // More than the kernel holds. One frame, for there may be nobody who would take a second.
    screen.jail.send(&ToHarness::Stdin(vec![b'x'; 200_000]));
    let message = loop {
        match screen.jail.receive() {
            iteratione_harness::protocol::FromHarness::Fault(fault) => break fault.message,
            iteratione_harness::protocol::FromHarness::Taken(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert!(message.contains("that were not taken"), "{message}");
    assert_eq!(screen.jail.wait().code(), Some(1));
}

#[test]
fn a_megabyte_typed_into_a_program_that_reads_arrives() {
    let mut request = program(&["sh", "-c", "stty raw -echo; printf ready; head -c 1000000 | cksum"]);
    request.limits.output_bytes = 4 << 20;
    let mut screen = Screen::open(request);
    screen.until("ready");
    // Control characters and all: this one wants them as they are.
    let sent: Vec<u8> = (0..1_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    screen.type_in(&sent);
    screen.until_taken();
    let result = screen.end();
    assert_eq!(result.exit_code, Some(0));
    let sum = cksum(&sent);
    assert!(screen.text().ends_with(&format!("{sum} 1000000\n")), "{:?} instead of {sum}", screen.text());
}

/// POSIX `cksum`.
fn cksum(bytes: &[u8]) -> u32 {
    let length = bytes.len().to_le_bytes();
    let used = length.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ (u32::from(*byte) << 24), |c, _| if c >> 31 == 1 { (c << 1) ^ 0x04c1_1db7 } else { c << 1 })
    };
    !bytes.iter().chain(&length[..used]).fold(0, step)
}

#[test]
fn credit_and_sizes_without_a_terminal_are_nothing() {
    let mut jail = crate::support::Jail::start();
    for message in [ToHarness::Credit(Credit { bytes: u64::MAX }), ToHarness::Resize(super::size(1, 1))] {
        jail.send(&message);
        jail.send(&ToHarness::Exec(sh("cat; test -t 0 || echo a pipe")));
        jail.send(&message);
        jail.send(&ToHarness::Stdin(b"x\n".to_vec()));
        jail.send(&message);
        jail.send(&ToHarness::StdinEnd);
        assert_eq!(jail.finish().text(), "x\na pipe\n");
    }
    jail.is_as_new();
}
