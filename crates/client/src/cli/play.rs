//! One run at this terminal: keys to the program, its output to the screen, until it is over.

use std::{
    io::{IsTerminal as _, stdin},
    time::Duration,
};

use iteratione_common::terminal::Phase;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    keyboard, raw,
    screen::{Output, Screen},
    words,
};
use crate::{Session, Update};

/// How long whoever leaves waits for the word that the program has ended; it ends in any case.
const LEAVING: Duration = Duration::from_secs(5);
/// How often a file's end is typed again, and how many times: the runner's idle limit has to come to its turn.
const END_AGAIN: Duration = Duration::from_millis(500);
const ENDS: u32 = 40;
/// Ctrl-C.
const INTERRUPT: u8 = 0x03;
/// The runner's word for input that a program did not read and that nobody keeps any longer.
const INPUT_DROPPED: &str = "input_dropped";

/// Everything around one run.
struct Play<'a> {
    session: Session,
    screen: &'a mut Screen,
    output: Output,
    /// Keys come from a person, not from a file or pipe.
    typed: bool,
    /// The last byte of a file or pipe.
    last: Option<u8>,
    /// When to type the end of the input again, and how many more times.
    end_again: Option<(Instant, u32)>,
    running: bool,
    /// It is to end: until when to wait for that, and with which status.
    leaving: Option<(Instant, u8)>,
}

/// Plays the run; gives the exit status.
pub async fn play(mut session: Session, screen: &mut Screen) -> anyhow::Result<u8> {
    session.acknowledge_by_hand();
    let typed = stdin().is_terminal();
    let mut signals = Signals::new()?;
    if typed {
        screen.note("Ctrl-] ends the program");
    }
    let mode = typed.then(|| raw::Mode::raw(stdin())).transpose()?;
    let mut keys = Some(keyboard::listen());
    let output = Output::start();
    let mut play = Play { session, screen, output, typed, last: None, end_again: None, running: false, leaving: None };
    let code = loop {
        let listening = keys.is_some() && (typed || (play.running && !play.session.is_behind()));
        let end_again = play.end_again.map_or_else(Instant::now, |(at, _)| at);
        let leaving = play.leaving.map_or_else(Instant::now, |(until, _)| until);
        let done = tokio::select! {
            update = play.session.next() => play.happened(update?),
            chunk = next_keys(&mut keys), if listening => {
                if chunk.is_none() {
                    keys = None;
                }
                play.keys(chunk);
                None
            }
            shown = play.output.shown(), if play.output.is_open() => {
                match shown {
                    Some(bytes) => play.session.shown(bytes),
                    // As a program that writes into a closed pipe.
                    None => play.leave(128 + 13),
                }
                None
            }
            signal = signals.next() => {
                match signal {
                    None => play.session.resize(raw::window()),
                    Some(number) => play.leave(128 + number),
                }
                None
            }
            () = sleep_until(end_again), if play.end_again.is_some() => {
                play.session.type_in(keyboard::END_AGAIN);
                play.end_again = play.end_again.filter(|(_, left)| *left > 0).map(|(_, left)| (Instant::now() + END_AGAIN, left - 1));
                None
            }
            () = sleep_until(leaving), if play.leaving.is_some() => play.leaving.map(|(_, code)| Done { code, line: None }),
        };
        if let Some(done) = done {
            play.drain(&mut signals).await;
            drop(mode);
            if let Some(line) = done.line {
                play.screen.note(&line);
            }
            break done.code;
        }
    };
    Ok(code)
}

/// It is over.
struct Done {
    code: u8,
    line: Option<String>,
}

async fn next_keys(keys: &mut Option<mpsc::Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match keys {
        Some(keys) => keys.recv().await,
        None => None,
    }
}

impl Play<'_> {
    fn happened(&mut self, update: Update) -> Option<Done> {
        match update {
            Update::Output(bytes) => {
                self.screen.follows(&bytes);
                self.output.show(bytes);
            }
            Update::Status { phase, position } => {
                self.running = phase == Phase::Running;
                match words::progress(phase, position) {
                    Some(text) => self.screen.status(&text),
                    None => self.screen.erase(),
                }
            }
            Update::Diagnostics(items) => items.iter().for_each(|item| self.screen.say(&words::diagnostic(item))),
            Update::Notice { code, message } if code == INPUT_DROPPED && !self.typed => {
                self.screen.say(&message);
                self.leave(super::FAILED);
            }
            Update::Notice { message, .. } | Update::Complaint { message, .. } => self.screen.note(&message),
            Update::Reconnecting => self.screen.status("the connection broke; connecting again"),
            Update::Resumed { missed: 0 } => self.screen.erase(),
            Update::Resumed { missed } => self.screen.say(&format!("{missed} bytes of output are lost")),
            Update::CaughtUp => {}
            Update::Exit(exit) => {
                let code = self.leaving.map_or_else(|| words::status(&exit), |(_, code)| code);
                return Some(Done { code, line: Some(words::end(&exit)) });
            }
        }
        None
    }

    /// Keys were pressed; `None`: there will be no more.
    fn keys(&mut self, keys: Option<Vec<u8>>) {
        let Some(keys) = keys else {
            // A terminal that hangs up sends a signal besides.
            if !self.typed {
                self.session.type_in(keyboard::end_of_input(self.last));
                self.end_again = Some((Instant::now() + END_AGAIN, ENDS));
            }
            return;
        };
        self.last = keys.last().copied();
        if !self.typed {
            self.session.type_in(&keys);
            return;
        }
        let (keys, escape) = keyboard::before_escape(&keys);
        // Before there is a program Ctrl-C is for nobody but us.
        if escape || (!self.running && keys.contains(&INTERRUPT)) {
            self.leave(128 + 9);
        } else if self.session.type_in(keys) < keys.len() {
            self.screen.status("the connection is still broken: keys are lost");
        }
    }

    /// Ends the program; the first reason is the one that counts, and who insists does not wait.
    fn leave(&mut self, code: u8) {
        if let Some((until, _)) = &mut self.leaving {
            *until = Instant::now();
            return;
        }
        self.session.kill();
        self.leaving = Some((Instant::now() + LEAVING, code));
    }

    /// What was received is shown to its end, unless nobody wants to see it.
    async fn drain(&mut self, signals: &mut Signals) {
        while !self.output.is_done() {
            tokio::select! {
                shown = self.output.shown() => if shown.is_none() { return },
                signal = signals.next() => if signal.is_some() { return },
            }
        }
        self.output.finish();
    }
}

/// What other processes and the window tell us.
struct Signals {
    window: Signal,
    ends: [(Signal, u8); 4],
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let ended_by = |kind, number| signal(kind).map(|signal| (signal, number));
        let ends = [
            ended_by(SignalKind::hangup(), 1)?,
            ended_by(SignalKind::interrupt(), 2)?,
            ended_by(SignalKind::quit(), 3)?,
            ended_by(SignalKind::terminate(), 15)?,
        ];
        Ok(Self { window: signal(SignalKind::window_change())?, ends })
    }

    /// The next one; `None`: the window has another size.
    async fn next(&mut self) -> Option<u8> {
        let [(hangup, a), (interrupt, b), (quit, c), (terminate, d)] = &mut self.ends;
        tokio::select! {
            _ = self.window.recv() => None,
            _ = hangup.recv() => Some(*a),
            _ = interrupt.recv() => Some(*b),
            _ = quit.recv() => Some(*c),
            _ = terminate.recv() => Some(*d),
        }
    }
}
