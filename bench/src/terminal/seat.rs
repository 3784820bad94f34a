//! Somebody at a terminal, whatever lies between him and the program: he types a character and waits until he sees it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use iteratione_client as client;
use iteratione_common::terminal::{ClientMessage, ServerMessage};
use iteratione_sandbox::{Terminal, TerminalEvent};

use super::{
    local::Local,
    programs::{Language, Program, READY, answer},
};

/// Nobody waits longer for what he typed: it is missing then.
pub const MISSING: Duration = Duration::from_secs(30);
/// From asking for a program until it is ready, when very many ask at once.
pub const STARTED: Duration = Duration::from_secs(600);
/// Bytes that are kept of what was not waited for.
const KEPT: usize = 64 << 10;

/// What lies between.
pub enum Way {
    /// A pty of this machine, and nothing else.
    Local(Local),
    /// A jail, driven from this process.
    Direct(Box<Terminal>),
    /// A WebSocket, to the runner or through the API.
    Wire(Box<client::Terminal>),
}

/// Somebody at a terminal.
pub struct Seat {
    way: Way,
    seen: Vec<u8>,
}

/// Times of one character and of one line.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// From the key to its echo.
    pub echo: Duration,
    /// From the end of the line to the end of the program's answer.
    pub answer: Duration,
}

/// Times of a start.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// From asking to run until the program's first byte.
    pub first_byte: Duration,
}

impl Seat {
    /// A program whose first words were not read yet.
    pub fn new(way: Way) -> Self {
        Self { way, seen: Vec::new() }
    }

    /// Connects and asks to run something; returns at the first byte of its output.
    pub async fn start(url: &str, language: Language, program: Program) -> anyhow::Result<(Self, Start)> {
        let terminal = client::Terminal::connect(url).await.context("cannot connect")?;
        let mut seat = Self::new(Way::Wire(Box::new(terminal)));
        let began = Instant::now();
        seat.say_message(&language.run(program)).await?;
        let first = tokio::time::timeout(STARTED, seat.hear()).await.context("nothing comes")??;
        seat.keep(&first);
        Ok((seat, Start { first_byte: began.elapsed() }))
    }

    /// Waits for the first words of [`Program::Answers`].
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        self.until(format!("{READY}\r\n").as_bytes(), STARTED).await
    }

    /// Waits for words of the program.
    pub async fn sees(&mut self, words: &str) -> anyhow::Result<()> {
        self.until(words.as_bytes(), MISSING).await
    }

    /// Types one character and the end of the line.
    pub async fn round(&mut self, character: char) -> anyhow::Result<Round> {
        let began = Instant::now();
        let echo = self.key(character, began).await?;
        let began = Instant::now();
        let answer = self.enter(&character.to_string(), began).await?;
        Ok(Round { echo, answer })
    }

    /// Types one character that was due at `due`, and waits until it is seen.
    pub async fn key(&mut self, character: char, due: Instant) -> anyhow::Result<Duration> {
        self.seen.clear();
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).as_bytes();
        self.say(bytes).await?;
        self.until(bytes, MISSING).await.context("no echo")?;
        Ok(due.elapsed())
    }

    /// Ends a line that was due to be ended at `due`, and waits until the program's answer is seen.
    pub async fn enter(&mut self, line: &str, due: Instant) -> anyhow::Result<Duration> {
        self.seen.clear();
        self.say(b"\r").await?;
        self.until(format!("\r\n{}\r\n", answer(line)).as_bytes(), MISSING).await.context("no answer")?;
        Ok(due.elapsed())
    }

    /// Waits until so many bytes have come, and forgets them.
    pub async fn reads(&mut self, bytes: usize) -> anyhow::Result<()> {
        let mut left = bytes.saturating_sub(self.seen.len());
        self.seen.clear();
        while left > 0 {
            let more = tokio::time::timeout(MISSING, self.hear()).await.context("the flood has stopped")??;
            left = left.saturating_sub(more.len());
        }
        Ok(())
    }

    /// Presses Ctrl-C and reads on; how long it takes until the runner says that the program has ended.
    pub async fn interrupts(mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        self.say(b"\x03").await?;
        let Way::Wire(terminal) = &mut self.way else { bail!("only over a WebSocket") };
        let ending = async {
            loop {
                match terminal.next().await? {
                    client::Event::Message(ServerMessage::Exit(_)) => return Ok(began.elapsed()),
                    client::Event::Closed { code, reason } => bail!("the socket was closed: {code:?} {reason}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(MISSING, ending).await.context("the program does not end")?
    }

    /// Reads whatever comes and forgets it; returns only when nothing more can come. Cancel-safe.
    pub async fn idles(&mut self) -> anyhow::Error {
        loop {
            match self.hear().await {
                Ok(bytes) => self.keep(&bytes),
                Err(error) => return error,
            }
        }
    }

    /// Hangs up, and waits until the container is gone where that is known.
    pub async fn leave(self) {
        match self.way {
            Way::Local(local) => drop(local),
            Way::Direct(terminal) => terminal.destroy().await,
            Way::Wire(mut terminal) => {
                // Killed, not abandoned: nothing of it then waits for somebody to come back.
                let _ = terminal.send(&ClientMessage::Kill).await;
                terminal.close(Duration::from_secs(5)).await;
            }
        }
    }

    async fn until(&mut self, what: &[u8], within: Duration) -> anyhow::Result<()> {
        let waiting = async {
            while !self.seen.windows(what.len()).any(|seen| seen == what) {
                let more = self.hear().await?;
                self.keep(&more);
            }
            Ok(())
        };
        match tokio::time::timeout(within, waiting).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("not seen within {} s", within.as_secs()),
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.seen.extend_from_slice(bytes);
        if self.seen.len() > KEPT {
            self.seen.drain(..self.seen.len() - KEPT / 2);
        }
    }

    async fn say(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        match &mut self.way {
            Way::Local(local) => local.write(keys)?,
            Way::Direct(terminal) => ensure!(terminal.type_in(keys) == keys.len(), "there is no room"),
            Way::Wire(terminal) => terminal.type_in(keys).await?,
        }
        Ok(())
    }

    async fn say_message(&mut self, message: &ClientMessage) -> anyhow::Result<()> {
        match &mut self.way {
            Way::Wire(terminal) => Ok(terminal.send(message).await?),
            Way::Local(_) | Way::Direct(_) => bail!("only over a WebSocket"),
        }
    }

    /// What the program prints next. Its end is an error: nothing here ends by itself. Cancel-safe.
    async fn hear(&mut self) -> anyhow::Result<Bytes> {
        match &mut self.way {
            Way::Local(local) => local.read().await,
            Way::Direct(terminal) => match terminal.event().await? {
                TerminalEvent::Output(bytes) => {
                    terminal.credit(u64::try_from(bytes.len())?);
                    Ok(bytes)
                }
                TerminalEvent::Exit(result) => bail!("the program has ended: {result:?}"),
            },
            Way::Wire(terminal) => loop {
                match terminal.next().await? {
                    client::Event::Output(bytes) => return Ok(bytes),
                    client::Event::Message(ServerMessage::Status { .. } | ServerMessage::Notice { .. }) => {}
                    client::Event::Message(other) => bail!("the runner says {other:?}"),
                    client::Event::Closed { code, reason } => bail!("the socket was closed: {code:?} {reason}"),
                }
            },
        }
    }
}
