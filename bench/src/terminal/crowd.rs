//! Many people at terminals at once.
//!
//! Tasks: one for each of them, in a [`JoinSet`] of the crowd. He reads what comes, so that no ping goes unanswered, and
//! types when he is told to; when the crowd goes, he leaves.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::stats::Samples;

use super::{
    programs::{Language, Program},
    report::Row,
    seat::{MISSING, Seat},
};

/// Characters of a line.
const LINE: usize = 5;
/// Different things people were told that are kept.
const COMPLAINTS: usize = 6;

/// Where a terminal is, with a ticket that nobody has used.
pub type Door = Arc<dyn Fn() -> String + Send + Sync>;

/// What somebody is to do.
#[derive(Debug, Clone, Copy)]
enum What {
    /// A line of one character, now.
    Line,
    /// Lines at his own pace: so many, a key each `pause`, the first at `begin`. What comes late is late from the moment
    /// at which the key was due.
    Lines { begin: Instant, pause: Duration, lines: usize },
    /// A line of one character, at a certain moment.
    At(Instant),
}

struct Order {
    what: What,
    reply: oneshot::Sender<Typed>,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    echoes: Vec<Duration>,
    answers: Vec<Duration>,
    missing_echoes: usize,
    missing_answers: usize,
    /// Why it ended early.
    lost: Option<String>,
}

/// All of them.
pub struct Crowd {
    door: Door,
    people: Vec<mpsc::Sender<Order>>,
    tasks: JoinSet<()>,
    asked: usize,
    complaints: BTreeSet<String>,
}

/// How a crowd came in.
#[derive(Debug, Default)]
pub struct Arrival {
    /// Until the last one was ready.
    pub took: Duration,
    /// From asking to the first byte.
    pub java: Samples,
    /// From asking to the first byte.
    pub python: Samples,
}

impl Crowd {
    /// Nobody yet.
    pub fn new(door: Door) -> Self {
        Self { door, people: Vec::new(), tasks: JoinSet::new(), asked: 0, complaints: BTreeSet::new() }
    }

    /// Those whose program is ready.
    pub fn live(&self) -> usize {
        self.people.len()
    }

    /// What people were told who got no terminal or lost theirs.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.iter().take(COMPLAINTS).cloned().collect()
    }

    /// All who are missing from `wanted` come at the same moment, half for Java, half for Python.
    pub async fn grow(&mut self, wanted: usize) -> Arrival {
        let mut coming = JoinSet::new();
        let began = Instant::now();
        for n in self.asked..wanted {
            let language = if n % 2 == 0 { Language::Java } else { Language::Python };
            let door = Arc::clone(&self.door);
            coming.spawn(async move {
                let (mut seat, start) = Seat::start(&door(), language, Program::Answers).await?;
                seat.ready().await?;
                anyhow::Ok((language, seat, start))
            });
        }
        self.asked = self.asked.max(wanted);
        let mut arrival = Arrival::default();
        while let Some(come) = coming.join_next().await {
            match come {
                Ok(Ok((language, seat, start))) => {
                    match language {
                        Language::Java => arrival.java.add(start.first_byte),
                        Language::Python => arrival.python.add(start.first_byte),
                    }
                    // One order at a time: each is answered before the next.
                    let (sender, orders) = mpsc::channel(1);
                    self.tasks.spawn(sits(seat, orders));
                    self.people.push(sender);
                }
                Ok(Err(error)) => drop(self.complaints.insert(format!("{error:#}"))),
                Err(error) => drop(self.complaints.insert(error.to_string())),
            }
        }
        arrival.took = began.elapsed();
        arrival
    }

    /// One after the other types a line, so many rounds.
    pub async fn in_turn(&mut self, rounds: usize) -> Vec<Row> {
        let mut all = Vec::new();
        for _ in 0..rounds {
            for person in &self.people {
                all.push(told(person, What::Line).await);
            }
        }
        self.rows("in turn", all)
    }

    /// All type at their own pace, spread evenly over it.
    pub async fn at_their_pace(&mut self, pause: Duration, lines: usize) -> Vec<Row> {
        let begin = Instant::now() + pause;
        let count = u32::try_from(self.people.len().max(1)).unwrap_or(u32::MAX);
        let all = self.people.iter().zip(0_u32..).map(|(person, n)| {
            let begin = begin + pause * n / count;
            told(person, What::Lines { begin, pause, lines })
        });
        let all = futures_util::future::join_all(all).await;
        self.rows(&format!("all, {:.0} keys a second each", 1.0 / pause.as_secs_f64()), all)
    }

    /// All press the same key at the same moment, so many times.
    pub async fn at_once(&mut self, times: usize) -> Vec<Row> {
        let mut all = Vec::new();
        for _ in 0..times {
            let at = Instant::now() + Duration::from_millis(500);
            all.extend(futures_util::future::join_all(self.people.iter().map(|p| told(p, What::At(at)))).await);
        }
        self.rows("all in the same moment", all)
    }

    /// Everybody leaves.
    pub async fn disperse(mut self) {
        self.people.clear();
        while self.tasks.join_next().await.is_some() {}
    }

    fn rows(&mut self, way: &str, all: Vec<Typed>) -> Vec<Row> {
        let (mut echoes, mut answers, mut missing) = (Samples::default(), Samples::default(), (0, 0));
        for typed in all {
            typed.echoes.into_iter().for_each(|time| echoes.add(time));
            typed.answers.into_iter().for_each(|time| answers.add(time));
            missing.0 += typed.missing_echoes;
            missing.1 += typed.missing_answers;
            self.complaints.extend(typed.lost);
        }
        vec![Row::new("echo", way, &echoes, missing.0), Row::new("line to answer", way, &answers, missing.1)]
    }
}

async fn told(person: &mpsc::Sender<Order>, what: What) -> Typed {
    let gone = || Typed { missing_echoes: 1, lost: Some("somebody has gone".to_owned()), ..Typed::default() };
    let (reply, answer) = oneshot::channel();
    if person.send(Order { what, reply }).await.is_err() {
        return gone();
    }
    answer.await.unwrap_or_else(|_| gone())
}

async fn sits(mut seat: Seat, mut orders: mpsc::Receiver<Order>) {
    let mut lost: Option<String> = None;
    loop {
        let order = tokio::select! {
            order = orders.recv() => order,
            error = seat.idles(), if lost.is_none() => {
                lost = Some(format!("{error:#}"));
                continue;
            }
        };
        let Some(Order { what, reply }) = order else { break };
        let typed = match &lost {
            // Whoever has no terminal any more misses what he would have typed.
            Some(_) => Typed { missing_echoes: 1, lost: lost.clone(), ..Typed::default() },
            None => types(&mut seat, what).await,
        };
        lost.clone_from(&typed.lost);
        // The crowd may have gone meanwhile.
        let _ = reply.send(typed);
    }
    seat.leave().await;
}

async fn types(seat: &mut Seat, what: What) -> Typed {
    let mut typed = Typed::default();
    match what {
        What::Line => drop(line(seat, &mut typed, Instant::now(), Duration::ZERO, 1).await),
        What::At(at) => drop(line(seat, &mut typed, at, Duration::ZERO, 1).await),
        What::Lines { begin, pause, lines } => {
            let mut due = begin;
            for _ in 0..lines {
                match line(seat, &mut typed, due, pause, LINE).await {
                    Some(next) => due = next,
                    None => break,
                }
            }
        }
    }
    typed
}

/// One line; when the next is due. `None`: something did not come.
async fn line(seat: &mut Seat, typed: &mut Typed, first: Instant, pause: Duration, keys: usize) -> Option<Instant> {
    let mut due = first;
    let text: String = ('a'..='z').cycle().skip(typed.echoes.len() % 26).take(keys).collect();
    for key in text.chars() {
        let outcome = match until(seat, due).await {
            // Without a pause the next key is due when the one before it is seen.
            Ok(()) => seat.key(key, if pause.is_zero() { due.max(Instant::now()) } else { due }).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(time) => typed.echoes.push(time),
            Err(error) => {
                typed.missing_echoes += 1;
                typed.lost = Some(format!("{error:#}"));
                return None;
            }
        }
        due += pause;
    }
    let outcome = match until(seat, due).await {
        Ok(()) => seat.enter(&text, if pause.is_zero() { Instant::now() } else { due }).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(time) => typed.answers.push(time),
        Err(error) => {
            typed.missing_answers += 1;
            typed.lost = Some(format!("{error:#}"));
            return None;
        }
    }
    Some(due + pause)
}

/// Waits for a moment, and reads meanwhile.
async fn until(seat: &mut Seat, moment: Instant) -> anyhow::Result<()> {
    tokio::select! {
        () = tokio::time::sleep_until(moment.min(Instant::now() + MISSING).into()) => Ok(()),
        error = seat.idles() => Err(error),
    }
}
