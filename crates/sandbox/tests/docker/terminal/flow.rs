//! Who reads slowly, who reads not at all, and who changes his mind.

use std::time::Duration;

use futures_util::poll;
use iteratione_sandbox::{TERMINAL_INPUT_MOST, TerminalEvent, protocol::Stop};

use super::{Screen, WINDOW, gone, on_terminal, python, site};
use crate::support::{DEADLINE, Site, program, take};

/// Futures that are dropped before they are ready.
const DROPPED: u32 = 2_000;
const FLOOD: &str = "while True: print('x' * 70)";

impl Screen {
    /// Takes what comes until the window is used up, and gives no credit.
    async fn stares(&mut self) {
        let before = self.seen.len();
        while self.seen.len() - before < usize::try_from(WINDOW).expect("small") {
            let event = tokio::time::timeout(DEADLINE, self.terminal.event()).await.expect("the flood flows");
            match event.expect("the jail works") {
                TerminalEvent::Output(bytes) => self.seen.extend_from_slice(&bytes),
                TerminalEvent::Exit(end) => panic!("it does not end by itself: {end:?}"),
            }
        }
    }

    /// Whether nothing comes for a while.
    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(400), self.terminal.event()).await.is_err()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_stands_still_when_the_window_is_full_and_comes_whole_when_it_is_read() {
    let site = site();
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("python")).await;
    let mut screen = Screen::open(jail, python("for n in range(100000): print(f'line {n:06}')"));
    screen.stares().await;
    assert!(screen.is_quiet().await && screen.is_quiet().await, "nothing comes without credit");
    assert_eq!(screen.seen.len() as u64, WINDOW);
    screen.terminal.credit(1);
    while screen.seen.len() as u64 == WINDOW {
        if let TerminalEvent::Output(bytes) = screen.terminal.event().await.expect("the jail works") {
            screen.seen.extend_from_slice(&bytes);
        }
    }
    assert_eq!(screen.seen.len() as u64, WINDOW + 1, "as much as it was given");
    screen.terminal.credit(WINDOW + 1);
    let end = screen.end().await;
    assert_eq!((end.exit_code, end.stop), (Some(0), None));
    let expected: Vec<u8> = (0..100_000).flat_map(|n| format!("line {n:06}\r\n").into_bytes()).collect();
    assert!(screen.seen == expected, "{} bytes of {}", screen.seen.len(), expected.len());
    assert_eq!(end.stdout_bytes, expected.len() as u64);
    drop(screen);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_a_flood_that_is_read_and_one_that_nobody_reads() {
    let site = site();
    let sandbox = site.start().await;
    for reads in [true, false] {
        let jail = take(&sandbox, site.language("python")).await;
        let mut screen = Screen::open(jail, python(FLOOD));
        if reads {
            screen.until("xxxx\r\nxxxx").await;
        } else {
            screen.stares().await;
        }
        screen.type_in("\x03");
        if !reads {
            // It has to be said, though nothing can be heard yet.
            assert!(screen.is_quiet().await);
            screen.terminal.credit(WINDOW);
        }
        let end = screen.end().await;
        assert_eq!((end.signal, end.exit_code, end.stop), (Some(2), None, None), "as Python does it");
        assert!(String::from_utf8_lossy(&screen.seen).contains("KeyboardInterrupt"));
    }
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_a_flood_ends_it_though_nobody_reads_and_so_does_dropping_the_terminal() {
    let site = site();
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("python")).await;
    let mut screen = Screen::open(jail, python(FLOOD));
    screen.stares().await;
    screen.terminal.kill();
    assert!(screen.is_quiet().await, "what is left of the output waits for credit");
    screen.terminal.credit(WINDOW);
    let end = screen.end().await;
    assert_eq!(end.stop, Some(Stop::Killed));
    assert_eq!(screen.terminal.type_in(b"too late"), 0);
    assert!(screen.terminal.event().await.is_err(), "the end was the last");
    drop(screen);

    let jail = take(&sandbox, site.language("python")).await;
    let mut screen = Screen::open(jail, python(FLOOD));
    screen.stares().await;
    let container = screen.terminal.container_id().to_owned();
    drop(screen);
    gone(&site, &container).await;
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_reads_nothing_bounds_what_can_be_typed_and_an_interrupt_overtakes_it() {
    let site = site();
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("python")).await;
    let code = "import time\nprint('ready', flush=True)\ntime.sleep(1000)";
    let mut screen = Screen::opened(jail, python(code), "ready\r\n").await;
    let most = usize::try_from(TERMINAL_INPUT_MOST).expect("small");
    let accepted = screen.terminal.type_in(&vec![b'\r'; most + 100]);
    assert!(accepted < most && accepted > most / 2, "{accepted} are under way");
    // It has room of its own.
    assert_eq!(screen.terminal.type_in(b"and \x03 in vain"), 1);
    let end = screen.end().await;
    assert_eq!((end.signal, end.stop), (Some(2), None), "it did not wait behind what nobody reads");
    drop(screen);
    site.end(sandbox).await;
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn futures_that_are_dropped_at_any_point_lose_and_repeat_nothing() {
    let site = Site::base();
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("base")).await;
    // Every byte comes back as it is.
    let mut request = on_terminal(program(&["sh", "-c", "stty raw -echo; echo ready; exec cat"]));
    // How much comes until enough futures were dropped is nobody's business.
    request.limits.output_bytes = u64::MAX;
    let mut screen = Screen::opened(jail, request, "ready\n").await;
    let mut dice = Dice(7);
    // The byte at a place, so that one that is lost or comes twice shows.
    let byte = |at: usize| u8::try_from((at.wrapping_mul(2_654_435_761) >> 11) % 256).expect("a byte");
    let (mut typed, mut came, mut owed, mut dropped) = (0, 0, 0, 0_u32);
    let all = async {
        while dropped < DROPPED || came < typed {
            if dropped < DROPPED {
                let some: Vec<u8> = (typed..typed + dice.below(3_000)).map(byte).collect();
                typed += screen.terminal.type_in(&some);
            }
            if dice.below(3) == 0 {
                screen.terminal.credit(std::mem::take(&mut owed));
            }
            let rounds = dice.below(5);
            let mut event = Box::pin(screen.terminal.event());
            let mut done = None;
            for round in 0..=rounds {
                if let std::task::Poll::Ready(event) = poll!(&mut event) {
                    done = Some(event);
                    break;
                }
                if round < rounds {
                    match dice.below(2) {
                        0 => tokio::task::yield_now().await,
                        _ => tokio::time::sleep(Duration::from_micros(50)).await,
                    }
                }
            }
            drop(event);
            match done {
                None => dropped += 1,
                Some(event) => match event.expect("the jail works") {
                    TerminalEvent::Output(bytes) => {
                        owed += bytes.len() as u64;
                        let right = bytes.iter().enumerate().all(|(n, b)| *b == byte(came + n));
                        assert!(right, "every byte in its place, after {came}");
                        came += bytes.len();
                    }
                    TerminalEvent::Exit(end) => panic!("it does not end by itself: {end:?}"),
                },
            }
        }
    };
    tokio::time::timeout(2 * DEADLINE, all).await.expect("in time");
    assert_eq!(came, typed);
    screen.terminal.kill();
    screen.terminal.credit(WINDOW);
    assert_eq!(screen.end().await.stop, Some(Stop::Killed));
    drop(screen);
    site.end(sandbox).await;
}
