//! Runs programs at a live terminal and types into them, as somebody at a keyboard does.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use iteratione_client::{ClientError, Session, Update};
use iteratione_common::terminal::{Encoding, Exit, Run, Size};
use serde::Serialize;
use tokio::time::timeout;

use crate::{course::Course, files};

/// From a key or the start to what must be shown then, on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// While the student has another program running, or the line is full: so often it is tried again.
const TRIES: usize = 30;
/// What the demo's programs may show; more is none of theirs.
const SCREEN: usize = 64 << 10;

/// For people, language id, and folder below `programs/`.
const TALKS: [(&str, &str, &str); 2] =
    [("Scanner asks twice", "java", "terminal/java"), ("input() asks twice", "python", "terminal/python")];
/// What is shown before a line is typed, and that line.
const DIALOGUE: [(&str, &str); 2] = [("Your name: ", "Ada Lovelace"), ("Your age: ", "36")];
/// The whole screen at the end.
const SHOWN: &str = "Your name: Ada Lovelace\r\nYour age: 36\r\nHello Ada Lovelace, next year you will be 37.\r\n";

/// How it went with one program.
#[derive(Debug, Serialize)]
pub struct Talk {
    /// For people.
    pub program: &'static str,
    /// Language id.
    pub language: &'static str,
    /// From asking for the run to the first byte on the screen: waiting, compiling and starting.
    pub first_output_ms: Option<f64>,
    /// From a key to its echo, the median of all keys.
    pub echo_ms: Option<f64>,
    /// From asking for the run to its end.
    pub seconds: f64,
    /// What is not as it should be; empty if nothing.
    pub wrong: Vec<String>,
}

impl Talk {
    /// Whether all was as it should be.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Talks to every program, one after the other: an account has one terminal at a time.
pub async fn all(course: &Course) -> anyhow::Result<Vec<Talk>> {
    let mut talks = Vec::new();
    for (program, language, folder) in TALKS {
        talks.push(one(course, program, language, folder).await.with_context(|| format!("{program} ({language})"))?);
    }
    Ok(talks)
}

async fn one(course: &Course, program: &'static str, language: &'static str, folder: &str) -> anyhow::Result<Talk> {
    let run = Run {
        language: language.to_owned(),
        files: serde_json::from_value(files::program(folder)?)?,
        main: None,
        args: Vec::new(),
        size: Size { cols: 80, rows: 24 },
        encoding: Encoding::Binary,
        acks: true,
    };
    for _ in 0..TRIES {
        match attempt(course, run.clone(), program, language).await {
            Ok(talk) => return Ok(talk),
            Err(error) => match error.downcast_ref::<ClientError>().and_then(ClientError::retry_after) {
                Some(pause) => tokio::time::sleep(pause.clamp(Duration::from_secs(1), Duration::from_secs(30))).await,
                None => return Err(error),
            },
        }
    }
    bail!("no terminal was free after {TRIES} tries")
}

async fn attempt(course: &Course, run: Run, program: &'static str, language: &'static str) -> anyhow::Result<Talk> {
    let connector = course.student.connector();
    let terminal = connector.connect().await?;
    let begin = Instant::now();
    let session = Session::on(terminal, connector, run)?;
    let mut desk = Desk { session, shown: Vec::new(), first: None, end: None };
    let mut echoes = Vec::new();
    for (prompt, line) in DIALOGUE {
        if !desk.until(|shown| shown.ends_with(prompt.as_bytes())).await? {
            break;
        }
        for key in line.bytes() {
            let (before, pressed) = (desk.shown.len(), Instant::now());
            desk.session.type_in(&[key]);
            desk.until(|shown| shown.len() > before).await?;
            echoes.push(pressed.elapsed());
        }
        // The Return key; the terminal makes a line feed of it.
        desk.session.type_in(b"\r");
    }
    desk.until(|_| false).await?;
    echoes.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(Talk {
        program,
        language,
        first_output_ms: desk.first.map(|at| ms(at - begin)),
        echo_ms: echoes.get(echoes.len() / 2).copied().map(ms),
        seconds: begin.elapsed().as_secs_f64(),
        wrong: wrong(&desk.shown, desk.end.as_ref()),
    })
}

fn wrong(shown: &[u8], end: Option<&Exit>) -> Vec<String> {
    let mut wrong = Vec::new();
    if shown != SHOWN.as_bytes() {
        wrong.push(format!("should show {SHOWN:?}, but showed {:?}", String::from_utf8_lossy(shown)));
    }
    if end.is_none_or(|exit| exit.code != Some(0)) {
        wrong.push(format!("should exit with 0, but: {end:?}"));
    }
    wrong
}

/// A program, and what it has shown.
struct Desk {
    session: Session,
    shown: Vec<u8>,
    first: Option<Instant>,
    end: Option<Exit>,
}

impl Desk {
    /// Waits until the screen is so; `false`: the program has ended before.
    async fn until(&mut self, is_so: impl Fn(&[u8]) -> bool) -> anyhow::Result<bool> {
        while !is_so(&self.shown) {
            if self.end.is_some() {
                return Ok(false);
            }
            let update = timeout(PATIENCE, self.session.next()).await;
            let update =
                update.with_context(|| format!("nothing more after {:?}", String::from_utf8_lossy(&self.shown)))?;
            match update? {
                Update::Output(bytes) => {
                    self.first.get_or_insert_with(Instant::now);
                    self.shown.extend_from_slice(&bytes);
                    if self.shown.len() > SCREEN {
                        bail!("it prints and prints");
                    }
                }
                Update::Exit(exit) => self.end = Some(exit),
                Update::Status { .. }
                | Update::Diagnostics(_)
                | Update::Notice { .. }
                | Update::Reconnecting
                | Update::Resumed { .. }
                | Update::CaughtUp
                | Update::Complaint { .. } => {}
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use iteratione_common::terminal::Reason;

    use super::*;

    #[test]
    fn a_talk_is_right_only_with_every_byte_and_a_good_end() {
        let exit = |code| Exit {
            code: Some(code),
            signal: None,
            reason: Reason::Exited,
            wall_ms: 1,
            cpu_ms: 1,
            memory_kb: 1,
            message: None,
        };
        assert_eq!(wrong(SHOWN.as_bytes(), Some(&exit(0))), Vec::<String>::new());
        assert_eq!(wrong(SHOWN.as_bytes(), Some(&exit(1))).len(), 1);
        assert_eq!(wrong(SHOWN.trim_end().as_bytes(), None).len(), 2);
    }

    #[test]
    fn every_dialogue_has_its_program() {
        for (_, _, folder) in TALKS {
            files::program(folder).expect(folder);
        }
        assert!(DIALOGUE.iter().all(|(prompt, line)| SHOWN.contains(&format!("{prompt}{line}\r\n"))));
    }
}
