//! Programs that print faster than anybody reads.

use std::time::Duration;

use iteratione_common::terminal::{ClientMessage, Exit, Reason};
use testkit::{
    Client,
    console::{Console, program},
    leftovers,
    stack::{Setup, Stack, with_stack},
    wait::until_true,
};

/// Bytes that may be under way before the client acknowledges any.
const WINDOW: usize = 192 << 10;
/// What the jail's terminal and the pipes on the way hold beyond it.
const ON_THE_WAY: usize = 512 << 10;
/// A client acknowledges so often.
const STEP: usize = 32 << 10;
const PATIENCE: Duration = Duration::from_secs(90);

/// Counts until it is interrupted, then says how far it came. What it has written stays when it is interrupted.
const COUNTS: &str = r#"
import os, signal, termios

mode = termios.tcgetattr(0)
mode[3] = (mode[3] | termios.NOFLSH) & ~termios.ECHO
termios.tcsetattr(0, termios.TCSANOW, mode)
stop = []
signal.signal(signal.SIGINT, lambda *_: stop.append(True))

def say(text):
    data = text.encode()
    while data:
        data = data[os.write(1, data):]

i = 0
while not stop:
    say(f"line {i}\n")
    i += 1
say(f"{i} lines\n")
"#;

const FOREVER: &str = "public class Flood {
    public static void main(String[] args) {
        long i = 0;
        while (true) System.out.println(i++);
    }
}
";

fn on_a_runner(test: impl AsyncFnOnce(&Stack, &Client)) {
    let limits = [
        "ITERATIONE_RUNNER__WALL_SECONDS",
        "ITERATIONE_RUNNER__CPU_SECONDS",
        "ITERATIONE_RUNNER__IDLE_SECONDS",
        "ITERATIONE_RUNNER__GRACE_SECONDS",
    ];
    let settings = limits.map(|name| (name, "600".to_owned())).to_vec();
    with_stack(
        Setup { graders: 0, runners: 1, settings, ..Setup::default() },
        Duration::from_secs(300),
        async |stack| {
            let class = stack.classroom("flood", 1).await;
            test(stack, class.student()).await;
        },
    );
}

/// A flood in the language, of which nothing is acknowledged: what comes is the window, and no more.
async fn held_back(stack: &Stack, student: &Client, language: &str, files: &[(&str, &str)]) -> Console {
    let mut run = program(language, files);
    run.acks = true;
    let mut console = Console::run(stack, student, run).await;
    while console.output.len() < WINDOW {
        assert!(console.take().await, "it was closed");
    }
    assert_eq!(console.output.len(), WINDOW, "more came than the window");
    console
}

/// Reads and acknowledges, until the end or until so many bytes have come to this socket, whose first one is `first`.
/// Returns up to where it acknowledged.
async fn read(console: &mut Console, first: usize, mut acknowledged: usize, until: usize) -> usize {
    while !console.is_over() && console.output.len() < until {
        let shown = first + console.output.len();
        if shown - acknowledged >= STEP {
            acknowledged = shown;
            console.send(&ClientMessage::Ack { seq: shown as u64 }).await;
        }
        assert!(console.take().await, "it was closed");
    }
    acknowledged
}

#[test]
fn a_flood_waits_for_its_reader_and_nothing_of_it_is_lost() {
    on_a_runner(async |stack, student| {
        let mut console = held_back(stack, student, "python", &[("main.py", COUNTS)]).await;
        let session = console.running().await;
        let memory = stack.runners[0].memory().expect("it runs").now_mb;
        assert!(memory < 200.0, "the runner has {memory} MiB");
        let acknowledged = read(&mut console, 0, 0, 4 * WINDOW).await;

        // A tab that knows nothing any more gets what is kept, and is told what is not.
        let before = std::mem::take(&mut console.output);
        drop(console);
        let mut console = Console::open(stack, student).await;
        console.resume_with(&session, 0, true).await;
        let (first, missed) = console.resumed().await;
        assert_eq!(first, missed);
        let first = usize::try_from(first).expect("small");
        assert!(first > 0 && first <= acknowledged, "{first} of {acknowledged} that were acknowledged");
        while first + console.output.len() < before.len() {
            assert!(console.take().await, "it was closed");
        }
        assert_eq!(console.output[..before.len() - first], before[first..], "it is the same again");

        // It is interrupted while it cannot write; what it wrote is there, up to its last word.
        console.type_in("\u{3}").await;
        read(&mut console, first, acknowledged, usize::MAX).await;
        let exit = console.exit().await;
        assert_eq!((exit.code, exit.reason), (Some(0), Reason::Exited), "{exit:?}");
        let text = String::from_utf8([&before[..first], &console.output].concat()).expect("text");
        let mut lines: Vec<&str> = text.strip_suffix("\r\n").expect("the last line is whole").split("\r\n").collect();
        let last = lines.pop().expect("the last word");
        assert_eq!(last, format!("{} lines", lines.len()));
        for (number, line) in lines.into_iter().enumerate() {
            assert_eq!(line, format!("line {number}"));
        }
    });
}

#[test]
fn a_flood_that_nobody_reads_is_interrupted_at_once() {
    on_a_runner(async |stack, student| {
        let mut console = held_back(stack, student, "java", &[("Flood.java", FOREVER)]).await;
        let floods = || leftovers::processes(&stack.instance).into_iter().any(|command| command.ends_with(" Flood"));
        assert!(floods(), "it runs: {:?}", leftovers::processes(&stack.instance));
        console.type_in("\u{3}").await;
        // The client still reads nothing more.
        until_true("the program is gone", PATIENCE, async || !floods()).await;
        assert_eq!(console.output.len(), WINDOW);
        read(&mut console, 0, 0, usize::MAX).await;
        let Exit { code, reason, .. } = console.exit().await;
        assert_eq!((code, reason), (Some(130), Reason::Exited));
        assert!(console.output.len() <= WINDOW + ON_THE_WAY, "{} bytes were on the way", console.output.len());
    });
}
