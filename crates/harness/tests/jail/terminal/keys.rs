//! What the keys do: they are those of a local terminal.
//!
//! A signal that comes just before a system call of Perl's is handled after it. So who handles signals here never waits
//! for long in one.

use iteratione_harness::protocol::{Role, ToHarness};

use super::{CTRL_BACKSLASH, CTRL_C, CTRL_D, CTRL_Z, Screen, size};
use crate::support::{perl, program, sh};

#[test]
fn all_three_streams_are_the_terminal_with_its_size_from_the_first_instruction() {
    for role in [Role::Program, Role::Compiler] {
        let mut request =
            sh("for fd in 0 1 2; do test -t $fd || echo not $fd; done; stty size; tty; stat -c %u $(tty);
             echo error >&2; echo to the terminal >/dev/tty; stty -a");
        request.role = role;
        let mut screen = Screen::open(request);
        let result = screen.end();
        assert_eq!((result.exit_code, result.spawn_error), (Some(0), None));
        let (text, uid) = (screen.text(), if role == Role::Program { 10001 } else { 10002 });
        assert!(text.starts_with("24 80\r\n/dev/pts/"), "{text:?}");
        assert!(text.contains(&format!("\r\n{uid}\r\nerror\r\nto the terminal\r\n")), "{text:?}");
        let modes: Vec<_> = text.split(char::is_whitespace).collect();
        for mode in ["isig", "icanon", "echo", "iutf8", "icrnl", "opost", "onlcr", "-noflsh"] {
            assert!(modes.contains(&mode), "{mode} in {text}");
        }
    }
}

#[test]
fn a_prompt_without_a_newline_comes_at_once_and_lines_are_edited_and_echoed() {
    let mut screen = Screen::open(perl("$| = 1; print 'name? '; $_ = <STDIN>; chomp; print unpack('H*', $_), '.'"));
    screen.until("name? ");
    // Each takes a whole character back, however many bytes it has.
    screen.type_in("aé\x7f漢\x7fb\n");
    screen.until("6162.");
    assert!(screen.text().starts_with("name? aé\x08 \x08漢"), "{:?}", screen.text());
    screen.until_taken();
    assert_eq!(screen.end_clean().exit_code, Some(0));
}

#[test]
fn ctrl_c_ends_a_program_that_does_not_care_and_is_caught_by_one_that_does() {
    let mut screen = Screen::open(perl("$| = 1; print 'up'; 1 while 1"));
    screen.until("up");
    screen.type_in(CTRL_C);
    let result = screen.end();
    assert_eq!((result.signal, result.stop), (Some(libc::SIGINT), None));
    assert_eq!(screen.text(), "up^C");

    let mut screen = Screen::open(perl(
        "$| = 1; $SIG{INT} = sub { print 'caught' }; $SIG{QUIT} = sub { print 'quit'; exit 3 };
         print 'up'; select undef, undef, undef, 0.05 while 1",
    ));
    screen.until("up");
    screen.type_in(CTRL_C);
    screen.until("caught");
    screen.type_in(CTRL_C);
    screen.until("caught");
    screen.type_in(CTRL_BACKSLASH);
    screen.until("quit");
    assert_eq!(screen.end_clean().exit_code, Some(3));
}

#[test]
fn ctrl_c_reaches_the_foreground_processes_and_not_a_child_in_a_session_of_its_own() {
    let mut screen = Screen::open(perl(
        "use POSIX; $| = 1; $SIG{INT} = 'IGNORE'; pipe R, W;
         sub nap { select undef, undef, undef, 0.05 while 1 }
         if (!($one = fork)) { $SIG{INT} = sub { syswrite W, 'f'; POSIX::_exit(0) }; print 'one '; nap() }
         if (!fork) { POSIX::setsid(); $SIG{INT} = sub { syswrite W, 'x' }; print 'two '; nap() }
         sysread R, $x, 1; waitpid $one, 0; print \"heard $x\"; exit 4",
    ));
    screen.wait("both children", |s| s.find("one ").is_some() && s.find("two ").is_some());
    screen.type_in(CTRL_C);
    screen.until("heard f");
    let result = screen.end_clean();
    assert_eq!((result.exit_code, result.survivors), (Some(4), 1), "{result:?}");
}

#[test]
fn ctrl_d_is_the_end_of_the_input_and_the_end_of_the_host_s_input_is_not() {
    let mut screen = Screen::open(program(&["wc", "-c"]));
    screen.type_in("12345\n");
    screen.jail.send(&ToHarness::StdinEnd);
    screen.until_taken();
    screen.sync();
    assert_eq!(screen.end, None);
    screen.jail.send(&ToHarness::Kill);
    assert_eq!(screen.end().exit_code, None);

    let mut screen = Screen::open(program(&["wc", "-c"]));
    screen.type_in("12345\n");
    screen.type_in(CTRL_D);
    screen.until("\r\n6\r\n");
    assert_eq!(screen.end_clean().exit_code, Some(0));
}

#[test]
fn ctrl_z_is_a_signal_for_who_handles_it_and_stops_nobody_whom_no_shell_could_start_again() {
    let mut screen = Screen::open(perl("$| = 1; print 'up'; while (<STDIN>) { print \"got $_\" }"));
    screen.until("up");
    screen.type_in(CTRL_Z);
    screen.type_in("on\n");
    screen.until("got on");
    screen.type_in(CTRL_D);
    assert_eq!(screen.end().exit_code, Some(0));

    let mut screen = Screen::open(perl(
        "$| = 1; $SIG{TSTP} = sub { print 'handled'; exit 5 }; print 'up'; select undef, undef, undef, 0.05 while 1",
    ));
    screen.until("up");
    screen.type_in(CTRL_Z);
    screen.until("handled");
    assert_eq!(screen.end_clean().exit_code, Some(5));
}

#[test]
fn in_raw_mode_every_key_is_a_byte() {
    let mut screen = Screen::open(sh(
        "stty raw -echo; printf ready; head -c 7 | od -An -tx1 | tr -d '\\n'; stty sane; echo; echo bye",
    ));
    screen.until("ready");
    screen.type_in("\x03\x04\x1a\x1c\r\x13\x11");
    screen.until("03 04 1a 1c 0d 13 11");
    screen.until("bye\r\n");
    assert_eq!(screen.end_clean().exit_code, Some(0));
}

#[test]
fn a_password_is_read_from_the_terminal_by_name_and_not_shown() {
    let mut screen = Screen::open(sh(
        "exec 3<>/dev/tty; stty -echo <&3; printf 'password: ' >&3; read -r word <&3; stty echo <&3; echo; echo \"$word\" | tr a-z b-za",
    ));
    screen.until("password: ");
    screen.type_in("secret\n");
    screen.until("tfdsfu\r\n");
    assert!(!screen.text().contains("secret"), "{:?}", screen.text());
    assert_eq!(screen.end_clean().exit_code, Some(0));
}

#[test]
fn another_size_is_told_by_a_signal_and_the_same_one_is_not() {
    let mut screen = Screen::open(perl(
        "$| = 1; $n = 0; $SIG{WINCH} = sub { $n++; print \"$n: \", `stty size` }; print 'up';
         until ($done) { vec($r = '', 0, 1) = 1; $done = 1 if select($r, undef, undef, 0.05) > 0 } exit $n",
    ));
    screen.until("up");
    screen.jail.send(&ToHarness::Resize(size(80, 24)));
    screen.jail.send(&ToHarness::Resize(size(132, 50)));
    screen.until("1: 50 132\r\n");
    screen.jail.send(&ToHarness::Resize(size(40, 10)));
    screen.until("2: 10 40\r\n");
    screen.type_in("\n");
    assert_eq!(screen.end_clean().exit_code, Some(2));
}

#[test]
fn ctrl_s_holds_the_output_until_ctrl_q_and_a_kill_works_meanwhile() {
    let script = "$| = 1; $SIG{HUP} = 'IGNORE'; print 'up'; <STDIN>; print 'shown'; sleep 1000";
    let mut screen = Screen::open(perl(script));
    screen.until("up");
    screen.type_in("\x13\n");
    screen.until_taken();
    screen.sync();
    assert!(!screen.text().contains("shown"));
    screen.type_in("\x11");
    screen.until("shown");
    screen.type_in("\x13");
    screen.until_taken();
    screen.jail.send(&ToHarness::Kill);
    assert_eq!(screen.end_clean().signal, Some(libc::SIGKILL));
}
