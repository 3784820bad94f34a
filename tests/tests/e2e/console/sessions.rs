//! Sessions: slow readers, broken sockets, strangers, lines, and the end of a runner.

use std::time::Duration;

use iteratione_common::terminal::{ClientMessage, Phase, Reason, ServerMessage, close};
use testkit::{
    classroom::grade,
    console::{Console, address, program},
    labs,
    programs::Program,
    stack::{Setup, Stack, with_stack},
    wait::until,
};

const GRACE: Duration = Duration::from_secs(90);
/// Counts, until a line is typed; then it says so and goes on.
const COUNTS: &str = "import sys, threading, time\n\
    threading.Thread(target=lambda: [print('heard', line.strip(), flush=True) for line in sys.stdin], daemon=True).start()\n\
    for i in range(1_000_000):\n    print('line', i, flush=True)\n    time.sleep(0.002)\n";
const WAITS: &str = "print('ready')\nprint('got', input())\n";

fn setup(settings: &[(&'static str, &str)]) -> Setup {
    let settings = settings.iter().map(|&(name, value)| (name, value.to_owned())).collect();
    Setup { graders: 0, runners: 1, warm: 2, settings, ..Setup::default() }
}

fn python(source: &str) -> iteratione_common::terminal::Run {
    program("python", &[("main.py", source)])
}

/// Lines `line N` without anything missing or double, in whatever else was printed.
fn assert_counts(output: &[u8]) -> usize {
    let text = String::from_utf8(output.to_vec()).expect("text");
    let numbers =
        text.split("\r\n").filter_map(|line| line.strip_prefix("line ")).filter_map(|n| n.parse::<usize>().ok());
    let mut next = 0;
    for number in numbers {
        // The last one may be cut.
        assert!(number == next || next > number, "{number} came instead of {next}");
        next = number + 1;
    }
    next
}

async fn no_containers(stack: &Stack, jails: usize) {
    until("the container is gone", GRACE, async || (stack.used_jails().len() <= jails).then_some(())).await;
}

#[test]
fn a_flood_waits_for_a_slow_reader_and_ends_at_once_when_it_is_interrupted() {
    with_stack(setup(&[]), Duration::from_secs(300), async |stack| {
        let class = stack.classroom("flood", 1).await;
        let source = "import os\ni = 0\nwhile True:\n    print('line', i)\n    i += 1\n";
        let mut run = python(source);
        run.acks = true;
        let mut console = Console::run(stack, class.student(), run).await;
        console.expect("line 10\r\n").await;
        // Nothing is acknowledged: what comes is the window, and no more.
        let most = 192 << 10;
        while console.output.len() < most {
            assert!(console.take().await, "it was closed");
        }
        assert_eq!(console.output.len(), most, "more came than the window");
        let before = stack.runners[0].memory().expect("it runs").now_mb;
        console.type_in("\u{3}").await;
        // The end is there, behind the output that is still to be shown.
        console.send(&ClientMessage::Ack { seq: most as u64 }).await;
        let mut shown = most as u64;
        let exit = loop {
            if let Some(exit) = console.messages.iter().find_map(|m| match m {
                ServerMessage::Exit(exit) => Some(exit.clone()),
                _ => None,
            }) {
                break exit;
            }
            assert!(console.take().await, "it was closed");
            if console.output.len() as u64 - shown > 32 << 10 {
                shown = console.output.len() as u64;
                console.send(&ClientMessage::Ack { seq: shown }).await;
            }
        };
        assert_eq!((exit.signal, exit.reason), (Some(2), Reason::Exited), "{exit:?}");
        assert!(console.text().contains("KeyboardInterrupt"));
        assert!(before < 200.0, "the runner has {before} MiB");
        // It wrote no more than a window and what a pty holds beyond what was shown.
        assert!(console.output.len() < most + (512 << 10), "{} bytes", console.output.len());
    });
}

#[test]
fn a_broken_socket_is_mended_and_nothing_is_missing_or_double() {
    with_stack(setup(&[("ITERATIONE_RUNNER__GRACE_SECONDS", "60")]), Duration::from_secs(300), async |stack| {
        let class = stack.classroom("broken", 2).await;
        let (owner, stranger) = (&class.students[0].client, &class.students[1].client);
        let mut console = Console::run(stack, owner, python(COUNTS)).await;
        let session = console.running().await;
        console.expect("line 20\r\n").await;

        // While the first socket lives, a second tab is turned away; a stranger never learns that there is a run.
        let mut second = Console::open(stack, owner).await;
        second.resume(&session, 0).await;
        let (code, closed) = tokio::join!(second.refused(), async {
            console.expect("line 200\r\n").await;
        });
        let () = closed;
        assert_eq!((code.as_str(), second.closed().await), ("in_use", Some(close::CONFLICT)));
        for known in [session.as_str(), "", "00000000000000000000000000000000"] {
            let mut other = Console::open(stack, stranger).await;
            other.resume(known, 0).await;
            assert_eq!(other.refused().await, "no_session", "{known:?}");
            assert_eq!(other.closed().await, Some(close::NO_SESSION));
        }

        let mut output = console.output.clone();
        for round in 0..5 {
            drop(console);
            let mut next = Console::open(stack, owner).await;
            next.resume(&session, output.len()).await;
            assert_eq!(next.resumed().await, (output.len() as u64, 0), "round {round}");
            next.type_in(&format!("round {round}\n")).await;
            next.expect(&format!("heard round {round}\r\n")).await;
            output.extend_from_slice(&next.output);
            // What was taken is counted once.
            next.output.clear();
            console = next;
        }
        assert!(assert_counts(&output) > 200, "{} bytes", output.len());
        console.send(&ClientMessage::Kill).await;
        assert_eq!(
            console
                .message("the end", |m| match m {
                    ServerMessage::Exit(exit) => Some(exit.reason),
                    _ => None,
                })
                .await,
            Reason::Killed
        );
        no_containers(stack, 0).await;
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
        assert_eq!(stack.used_jails().len(), 1);
        drop(console);
        no_containers(stack, 0).await;
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
    let settings = vec![("ITERATIONE_RUNNER__DRAIN_SECONDS", "3".to_owned())];
    let setup = Setup { graders: 1, runners: 1, warm: 1, settings, ..Setup::default() };
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

        stack.runners[0].spawn();
        stack.runners[0].ready().await;
        let mut console = Console::run(stack, class.student(), python(WAITS)).await;
        console.expect("ready").await;
        console.type_in("again\n").await;
        console.expect("got again\r\n").await;
    });
}
