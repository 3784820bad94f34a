//! Sessions: slow readers, broken sockets, strangers, lines, and the end of a runner.

use std::time::Duration;

use iteratione_common::terminal::{ClientMessage, Phase, Reason, ServerMessage, close};
use testkit::{
    classroom::grade,
    console::{Console, address, program},
    labs,
    programs::Program,
    proxy::Proxy,
    stack::{Setup, Stack, with_stack},
    wait::until_true,
};
use tokio::net::TcpStream;

const GRACE: Duration = Duration::from_secs(90);
/// Counts, and says what it hears. Each line is written at once, so that none comes in the middle of another.
const COUNTS: &str = "import os, sys, termios, threading, time\n\
    mode = termios.tcgetattr(0)\nmode[3] &= ~termios.ECHO\ntermios.tcsetattr(0, termios.TCSANOW, mode)\n\
    def say(text):\n    os.write(1, (text + '\\n').encode())\n\
    threading.Thread(target=lambda: [say('heard ' + line.strip()) for line in sys.stdin], daemon=True).start()\n\
    for i in range(1_000_000):\n    say(f'line {i}')\n    time.sleep(0.002)\n";
const WAITS: &str = "print('ready')\nprint('got', input())\n";

fn setup(settings: &[(&'static str, &str)]) -> Setup {
    let always = [
        // A run's own limits are not met here, however slow the machine is.
        ("ITERATIONE_RUNNER__WALL_SECONDS", "600"),
        ("ITERATIONE_RUNNER__IDLE_SECONDS", "600"),
        // Every container is a run's.
        ("ITERATIONE_SANDBOX__COMPILERS", "0"),
    ];
    let settings = always.iter().chain(settings).map(|&(name, value)| (name, value.to_owned())).collect();
    Setup { graders: 0, runners: 1, settings, ..Setup::default() }
}

fn python(source: &str) -> iteratione_common::terminal::Run {
    program("python", &[("main.py", source)])
}

/// Lines `line N` without anything missing or double, between lines of what was heard. How many there are.
fn counted(output: &[u8]) -> usize {
    let text = String::from_utf8(output.to_vec()).expect("text");
    // The last one may be cut.
    let (whole, _) = text.rsplit_once("\r\n").expect("lines");
    let mut next = 0;
    for line in whole.split("\r\n").filter(|line| !line.starts_with("heard ")) {
        assert_eq!(line, format!("line {next}"));
        next += 1;
    }
    next
}

/// Nor are there jails that wait for a program.
async fn no_containers(stack: &Stack) {
    until_true("the container is gone", GRACE, async || stack.containers().await.is_empty()).await;
}

#[test]
fn a_broken_socket_is_mended_and_nothing_is_missing_or_double() {
    let settings = setup(&[("ITERATIONE_RUNNER__GRACE_SECONDS", "120")]);
    with_stack(settings, Duration::from_secs(400), async |stack| {
        let class = stack.classroom("broken", 2).await;
        let (owner, stranger) = (&class.students[0].client, &class.students[1].client);
        let mut console = Console::run(stack, owner, python(COUNTS)).await;
        let session = console.running().await;
        console.expect("line 20\r\n").await;
        let mut output = Vec::new();

        // While the first socket lives, a second tab is turned away; a stranger never learns that there is a run.
        let mut tries = 0;
        loop {
            let mut second = Console::open(stack, owner).await;
            second.resume(&session, output.len() + console.output.len()).await;
            let refused = second.message("an answer", |m| match m {
                ServerMessage::Error { code, .. } => Some(Some(code.clone())),
                ServerMessage::Resumed { .. } => Some(None),
                _ => None,
            });
            if let Some(code) = refused.await {
                assert_eq!((code.as_str(), second.closed().await), ("in_use", Some(close::CONFLICT)));
                break;
            }
            // The first one was given two seconds to show that it lives, and this machine stood still for longer.
            assert_eq!(console.closed().await, Some(close::IDLE), "the first socket counted as dead");
            tries += 1;
            assert!(tries < 5, "the socket that lives never kept its run");
            let known = usize::try_from(second.resumed().await.0).expect("small") - output.len();
            output.extend_from_slice(&console.output[..known]);
            console = second;
        }
        console.expect("line ").await;
        for known in [session.as_str(), "", "00000000000000000000000000000000"] {
            let mut other = Console::open(stack, stranger).await;
            other.resume(known, 0).await;
            assert_eq!(other.refused().await, "no_session", "{known:?}");
            assert_eq!(other.closed().await, Some(close::NO_SESSION));
        }

        // Tabs are closed, and ways cut in their middle; the runner can be reached without the API, too.
        let proxy = Proxy::start(stack.url.trim_start_matches("http://").to_owned());
        let proxied = format!("http://{}", proxy.address);
        let mut door = &stack.url;
        for (round, next_door) in
            [&stack.url, &proxied, &proxied, &stack.runner_urls[0], &proxied, &stack.url].into_iter().enumerate()
        {
            if *door == proxied {
                proxy.cut();
                assert_eq!(console.closed().await, None, "the way was cut");
                proxy.mend();
            }
            output.extend_from_slice(&console.output);
            drop(console);
            door = next_door;
            until_true("the door is open", GRACE, async || {
                TcpStream::connect(door.trim_start_matches("http://")).await.is_ok()
            })
            .await;
            console = Console::at(&address(owner, door).await).await;
            console.resume(&session, output.len()).await;
            assert_eq!(console.resumed().await, (output.len() as u64, 0), "round {round}");
            console.type_in(&format!("round {round}\n")).await;
            console.expect(&format!("heard round {round}\r\n")).await;
        }
        console.send(&ClientMessage::Kill).await;
        assert_eq!(console.exit().await.reason, Reason::Killed);
        output.extend_from_slice(&console.output);
        assert!(counted(&output) > 20);
        let text = String::from_utf8(output).expect("text");
        for round in 0..6 {
            assert_eq!(text.matches(&format!("heard round {round}\r\n")).count(), 1, "what was typed is heard once");
        }
        no_containers(stack).await;
    });
}

#[test]
fn a_tab_that_stays_closed_ends_its_program_and_one_ticket_opens_one_socket() {
    with_stack(setup(&[("ITERATIONE_RUNNER__GRACE_SECONDS", "1")]), Duration::from_secs(300), async |stack| {
        let class = stack.classroom("closed", 1).await;
        let student = class.student();
        let mut console = Console::run(stack, student, python(WAITS)).await;
        let session = console.running().await;
        console.expect("ready").await;
        assert_eq!(stack.containers().await.len(), 1);
        drop(console);
        no_containers(stack).await;
        let mut late = Console::open(stack, student).await;
        late.resume(&session, 0).await;
        assert_eq!(late.refused().await, "no_session");

        let address = address(student, &stack.url).await;
        let (first, again) = tokio::join!(
            async {
                let mut console = Console::at(&address).await;
                console.start(python(WAITS)).await;
                console
            },
            async {
                let mut console = Console::at(&address).await;
                console.start(python(WAITS)).await;
                console
            }
        );
        let mut outcomes = Vec::new();
        for mut console in [first, again] {
            outcomes.push(loop {
                if console.closed.is_some() {
                    break console.closed.flatten();
                }
                if console.text().contains("ready") {
                    break None;
                }
                console.take().await;
            });
        }
        outcomes.sort();
        assert_eq!(outcomes, [None, Some(close::UNAUTHENTICATED)], "exactly one of them is let in");
        for bad in ["", "?ticket=", "?ticket=abc", &format!("?ticket={}", "A".repeat(96))] {
            let mut console = Console::at(&format!("{}/ws/run{bad}", stack.url.replacen("http", "ws", 1))).await;
            assert_eq!(
                (console.refused().await.as_str(), console.closed().await),
                ("unauthenticated", Some(close::UNAUTHENTICATED)),
                "{bad}"
            );
        }
    });
}

#[test]
fn those_who_wait_are_told_their_place_and_come_in_in_order() {
    let settings = setup(&[
        ("ITERATIONE_RUNNER__SESSIONS", "2"),
        ("ITERATIONE_RUNNER__SESSIONS_PER_ACCOUNT", "1"),
        // Who waits keeps the place for as long as one who runs.
        ("ITERATIONE_RUNNER__GRACE_SECONDS", "1"),
    ]);
    with_stack(settings, Duration::from_secs(300), async |stack| {
        let class = stack.classroom("line", 5).await;
        let mut consoles = Vec::new();
        for (number, student) in class.students.iter().enumerate() {
            let mut console = Console::run(stack, &student.client, python(WAITS)).await;
            if number < 2 {
                console.expect("ready").await;
            } else {
                at_place(&mut console, u32::try_from(number - 1).expect("small")).await;
            }
            consoles.push(console);
        }
        // Who has one may not have another.
        let mut second = Console::run(stack, class.student(), python(WAITS)).await;
        assert_eq!(second.refused().await, "too_many_sessions");
        // One of those who wait gives up: the others move up.
        drop(consoles.remove(3));
        at_place(&mut consoles[3], 2).await;
        consoles[0].type_in("x\n").await;
        consoles[0].exit().await;
        consoles[2].expect("ready").await;
        at_place(&mut consoles[3], 1).await;
        consoles[1].send(&ClientMessage::Kill).await;
        consoles[3].expect("ready").await;
    });
}

/// Waits until somebody has been told this place, last of all.
async fn at_place(console: &mut Console, place: u32) {
    let told = |console: &Console| {
        console.messages.iter().rev().find_map(|m| match m {
            ServerMessage::Status { phase: Phase::Queued, position, .. } => Some(*position),
            _ => None,
        })
    };
    while told(console) != Some(Some(place)) {
        assert!(console.take().await, "the socket was closed");
    }
}

#[test]
fn a_runner_that_stops_says_so_and_programs_are_graded_beside_terminals() {
    let setup = Setup { graders: 1, ..setup(&[("ITERATIONE_RUNNER__DRAIN_SECONDS", "3")]) };
    with_stack(setup, Duration::from_secs(300), async |stack| {
        let class = stack.classroom("drain", 1).await;
        let lab = class.publish("sum", &labs::sum(&["python"])).await;
        let mut console = Console::run(stack, class.student(), python(WAITS)).await;
        console.expect("ready").await;
        let result = grade(class.student(), &lab, &Program::read("python/accepted")).await;
        assert_eq!(result["verdict"], "AC", "{result}");

        stack.runners[0].terminate();
        let notice = console.message("a notice", |m| match m {
            ServerMessage::Notice { code, .. } => Some(code.clone()),
            _ => None,
        });
        assert_eq!(notice.await, "restarting");
        assert_eq!(console.exit().await.reason, Reason::Killed);
        assert_eq!(console.closed().await, Some(close::RESTARTING));
        let status = stack.runners[0].ended(Duration::from_secs(60)).await;
        assert!(status.success(), "{status}");
        // The grader's jails wait for nothing.
        until_true("no jail of the runner is left", GRACE, async || stack.used_jails().is_empty()).await;

        stack.runners[0].spawn();
        stack.runners[0].ready().await;
        let mut console = Console::run(stack, class.student(), python(WAITS)).await;
        console.expect("ready").await;
        console.type_in("again\n").await;
        console.expect("got again\r\n").await;
    });
}
