//! From the start of a terminal to its end.

use iteratione_harness::protocol::{Stop, TerminalRequest, ToHarness};

use super::{CTRL_D, Screen, WIDE, size};
use crate::support::{Jail, perl, program, sh};

#[test]
fn a_child_that_holds_the_terminal_is_killed_with_its_parent_and_what_was_printed_is_complete() {
    let mut screen = Screen::open(sh(
        "trap '' HUP; (i=0; while :; do sleep 0.01; echo child; done) & head -c 100000 /dev/zero | tr '\\0' x; echo done; exit 6",
    ));
    let result = screen.end();
    assert_eq!(result.exit_code, Some(6));
    assert!(result.survivors >= 1, "{result:?}");
    let text = screen.text();
    assert_eq!(text.matches('x').count(), 100_000);
    assert!(text.contains("done\r\n"), "{}", &text[text.len() - 50..]);
    screen.jail.send(&ToHarness::StdinEnd);
    screen.jail.is_as_new();
}

#[test]
fn a_program_may_close_its_terminal_and_open_it_again() {
    let mut screen = Screen::open(perl(
        "close STDIN; close STDOUT; close STDERR; select undef, undef, undef, 0.3;
         open T, '+<', '/dev/tty' or exit 1; syswrite T, 'again '; sysread T, $x, 100; syswrite T, \"read $x\"; close T;
         select undef, undef, undef, 0.3; exit 7",
    ));
    screen.until("again ");
    screen.type_in("x\n");
    screen.until("read x");
    assert_eq!(screen.end_clean().exit_code, Some(7));
}

#[test]
fn one_terminal_after_another_in_the_same_jail_and_pipes_between() {
    let mut jail = Jail::start();
    for round in 0..3 {
        let mut screen = Screen::within(jail, program(&["cat"]), WIDE);
        screen.type_in(format!("round {round}\n"));
        screen.until("\r\nround ");
        screen.type_in(CTRL_D);
        assert_eq!(screen.end().exit_code, Some(0));
        // What comes too late is for nobody, and nobody tells of it.
        screen.jail.send(&ToHarness::Stdin(b"late\n".to_vec()));
        screen.jail.send(&ToHarness::StdinEnd);
        screen.jail.is_as_new();
        assert_eq!(screen.jail.run(sh("ls /dev/pts; test -t 0 || echo no terminal")).text(), "ptmx\nno terminal\n");
        screen.jail.is_as_new();
        jail = screen.jail;
    }
}

#[test]
fn a_program_that_cannot_be_started_on_a_terminal_is_told_in_words() {
    let mut jail = Jail::start();
    let mut request = program(&["no-such-program"]);
    request.terminal = Some(TerminalRequest { size: size(80, 24), window: 0 });
    let result = jail.run(request).result;
    assert!(result.spawn_error.is_some_and(|e| e.contains("cannot run no-such-program")));
    jail.is_as_new();
}

#[test]
fn programs_cannot_take_the_machine_s_terminals_away() {
    let mut jail = Jail::start();
    let open = "open(F, '+<', '/dev/ptmx') ? print 'opened' : print \"$!\"";
    assert_eq!(jail.run(perl(open)).text(), "Permission denied");
    let mut screen = Screen::within(jail, perl(open), WIDE);
    screen.until("Permission denied");
    assert_eq!(screen.end_clean().exit_code, Some(0));
}

#[test]
fn the_limits_of_time_are_those_of_every_program() {
    let burn = "$| = 1; print 'up'; 1 while 1";
    let mut jail = Jail::start();
    for (script, cpu_ms, wall_ms, stop) in
        [(burn, 500, 60_000, Stop::Cpu), ("$| = 1; print 'up'; sleep 1000", 60_000, 700, Stop::Wall)]
    {
        let mut request = perl(script);
        (request.limits.cpu_ms, request.limits.wall_ms) = (cpu_ms, wall_ms);
        request.terminal = Some(TerminalRequest { size: size(80, 24), window: WIDE });
        let run = jail.run(request);
        assert_eq!(run.result.stop, Some(stop));
        assert!("up".starts_with(&run.text()), "{:?}", run.text());
        jail.is_as_new();
    }
}

#[test]
fn a_terminal_that_idles_costs_nothing() {
    // The harness looks at its own CPU time through the eyes of a program.
    let script = "sub own { open F, '<', '/proc/1/schedstat' or die; ((split ' ', <F>)[2], time) }
         $| = 1; select undef, undef, undef, 25; ($a, $s) = own(); select undef, undef, undef, 6; ($b, $t) = own();
         print $b - $a, q( slices in ), $t - $s, q( s.)";
    let mut screen = Screen::open(perl(script));
    screen.until(" s.");
    let text = screen.text();
    let numbers: Vec<u32> = text.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [slices, seconds] = numbers[..] else { panic!("{text}") };
    // Once a second; each may be cut in pieces when the machine is busy. It would be fifty without the longer pause.
    assert!(slices > 0 && slices < 10 * seconds, "{text}");
    assert_eq!(screen.end_clean().exit_code, Some(0));
}
