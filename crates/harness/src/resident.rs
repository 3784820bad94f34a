//! A process that stays and answers requests, one at a time. What it reads and writes is not looked into.
//!
//! ```text
//! Starting ──ready──▶ Idle ──Ask──▶ Asked ──one answer──▶ Idle
//!     └───────────────┴─────────────┴──death, limit, a word too many──▶ over: the jail is thrown away
//! ```

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use iteratione_harness::protocol::{
    ASK_MOST, Answered, AskRequest, ExecLimits, ExecRequest, FromHarness, Role, ServeRequest, Served, Stop,
};
use rustix::io::Errno;

use crate::{
    cgroup::Cgroup,
    meter::{Meter, Usage},
    spawn::{Stdio, failure, spawn, uid_of},
    streams::pipes,
    sys::{self, End, Reaped},
    wire::{Output, PIECE, Queue},
};

/// Bytes waiting for the resident, above which the host's frames are left where they are.
const ROOM: usize = 1024 * 1024;
/// The CPU time is looked at when it could first be used up, but neither more often nor more seldom than this.
const CHECK_LEAST: Duration = Duration::from_millis(2);
const CHECK_MOST: Duration = Duration::from_millis(20);
/// Kept of what it says on standard error.
const TAIL: usize = 2048;
/// No limit, in seconds that the kernel can count in nanoseconds: each request has its own.
const CPU_UNLIMITED_MS: u64 = 1_000_000_000_000;

/// What has come of something.
pub enum Step {
    /// It goes on.
    On,
    /// The host is to be told, and the resident is ready for the next request.
    Said(FromHarness),
    /// The host is to be told, and that was all that this jail was good for.
    Over(FromHarness),
}

/// A message that is expected from the resident, and until when.
struct Exchange {
    meter: Meter,
    started: Instant,
    cpu: Duration,
    wall_end: Option<Instant>,
    next_check: Instant,
    /// Bytes of the request that the host has not sent yet.
    due: u64,
    /// The longest answer.
    most: u64,
    head: Vec<u8>,
    /// Bytes of the answer that are still to come, once its length is known.
    left: Option<u64>,
    passed: u64,
}

enum Phase {
    Starting(Box<Exchange>),
    Idle,
    Asked(Box<Exchange>),
}

/// A running resident.
pub struct Resident {
    request: ExecRequest,
    pid: i32,
    stdin: Option<OwnedFd>,
    queue: Queue,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    report: OwnedFd,
    tail: Vec<u8>,
    phase: Phase,
    cpus: u32,
    piece: Vec<u8>,
}

impl Exchange {
    fn begin(request: AskRequest, cgroup: Option<&Cgroup>, cpus: u32) -> Result<Box<Self>, String> {
        let meter = Meter::start(cgroup).map_err(|e| format!("cannot read the cgroup: {e}"))?;
        let (started, cpu) = (Instant::now(), Duration::from_millis(request.cpu_ms));
        Ok(Box::new(Self {
            meter,
            started,
            cpu,
            wall_end: started.checked_add(Duration::from_millis(request.wall_ms)),
            next_check: started + pause(cpu, cpus),
            due: request.len,
            most: request.answer_bytes,
            head: Vec::with_capacity(4),
            left: None,
            passed: 0,
        }))
    }

    fn finish(self, cgroup: Option<&Cgroup>) -> Result<(Usage, u64, u64), String> {
        let wall_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut meter = self.meter;
        let told = |e: std::io::Error| format!("cannot read the cgroup: {e}");
        meter.sample(cgroup).map_err(told)?;
        Ok((meter.finish(cgroup).map_err(told)?, wall_us, self.passed))
    }
}

impl Resident {
    /// Starts one. The outer error is the harness' trouble, the inner one the request's.
    pub fn start(
        request: ServeRequest,
        cgroup: Option<&Cgroup>,
        cpus: u32,
    ) -> Result<Result<Self, FromHarness>, String> {
        let ServeRequest { argv, env, cwd, file_bytes, open_files, ready_ms } = request;
        let limits = ExecLimits {
            cpu_ms: CPU_UNLIMITED_MS,
            wall_ms: ready_ms,
            output_bytes: 0,
            file_bytes,
            open_files,
            stack_bytes: None,
        };
        let request =
            ExecRequest { role: Role::Compiler, argv, env, cwd, limits, terminal: None, report: None, joined: None };
        let ready = AskRequest { len: 0, cpu_ms: CPU_UNLIMITED_MS, wall_ms: ready_ms, answer_bytes: 0 };
        let phase = Phase::Starting(Exchange::begin(ready, cgroup, cpus)?);
        let started = pipes(uid_of(request.role))
            .and_then(|(ours, theirs)| Ok((spawn(&request, Stdio::Pipes(&theirs), None)?, ours)));
        let (spawned, pipes) = match started {
            Ok(started) => started,
            Err(why) => return Ok(Err(not_served(why))),
        };
        Ok(Ok(Self {
            request,
            pid: spawned.pid,
            stdin: Some(pipes.stdin),
            queue: Queue::default(),
            stdout: Some(pipes.stdout),
            stderr: Some(pipes.stderr),
            report: spawned.report,
            tail: Vec::new(),
            phase,
            cpus,
            piece: vec![0; PIECE],
        }))
    }

    // --- the request

    /// Hands over a request whose bytes are still to come.
    pub fn ask(&mut self, request: AskRequest, cgroup: Option<&Cgroup>) -> Result<(), String> {
        if !matches!(self.phase, Phase::Idle) {
            return Err("an Ask while the resident is not idle".to_owned());
        }
        let len = u32::try_from(request.len).ok().filter(|_| request.len <= ASK_MOST);
        let len = len.ok_or_else(|| format!("a request of {} bytes", request.len))?;
        self.phase = Phase::Asked(Exchange::begin(request, cgroup, self.cpus)?);
        self.queue.push(&len.to_be_bytes());
        self.feed();
        Ok(())
    }

    /// Bytes of the request. More than were announced is the host's mistake.
    pub fn data(&mut self, bytes: &[u8]) -> Result<(), String> {
        let due = match &mut self.phase {
            Phase::Asked(exchange) => &mut exchange.due,
            Phase::Starting(_) | Phase::Idle => return Err("contents without an Ask".to_owned()),
        };
        *due = due.checked_sub(bytes.len() as u64).ok_or("more bytes of a request than announced")?;
        self.queue.push(bytes);
        self.feed();
        Ok(())
    }

    /// Whether more of the request may be taken from the host.
    pub fn has_room(&self) -> bool {
        self.queue.len() < ROOM
    }

    /// The pipe to wait for, while there is something to write into it.
    pub fn hungry(&self) -> Option<&OwnedFd> {
        self.stdin.as_ref().filter(|_| self.queue.len() > 0)
    }

    /// Writes what it takes now.
    pub fn feed(&mut self) {
        if let Some(stdin) = &self.stdin
            && self.queue.write_to(stdin).is_err()
        {
            // It has closed its end; its own end will follow, or the time will be over.
            self.stdin = None;
        }
        if self.stdin.is_none() {
            self.queue = Queue::default();
        }
    }

    // --- the answer

    /// The pipes that may have something to read: standard output is 0, standard error 1.
    pub fn sources(&self) -> impl Iterator<Item = (usize, &OwnedFd)> {
        [&self.stdout, &self.stderr].into_iter().enumerate().filter_map(|(which, pipe)| Some((which, pipe.as_ref()?)))
    }

    /// Takes one piece of a pipe.
    pub fn take(&mut self, which: usize, out: &mut Output, cgroup: Option<&Cgroup>) -> Result<Step, String> {
        if which != 0 {
            self.take_tail();
            return Ok(Step::On);
        }
        let most = match &self.phase {
            // One byte is enough to know that it says what it should not.
            Phase::Idle => 1,
            Phase::Starting(e) | Phase::Asked(e) => match e.left {
                None => 4 - e.head.len(),
                Some(left) => usize::try_from(left).unwrap_or(PIECE).min(PIECE),
            },
        };
        let read = {
            let (Some(pipe), Some(piece)) = (&self.stdout, self.piece.get_mut(..most)) else { return Ok(Step::On) };
            match rustix::io::read(pipe, piece) {
                Ok(n) => n,
                Err(Errno::INTR | Errno::AGAIN) => return Ok(Step::On),
                Err(error) => return Err(format!("cannot read the resident's answer: {error}")),
            }
        };
        if read == 0 {
            // Its end follows.
            self.stdout = None;
            return Ok(Step::On);
        }
        let bytes = self.piece.get(..read).unwrap_or_default();
        let exchange = match &mut self.phase {
            Phase::Idle => return Err("the resident speaks without being asked".to_owned()),
            Phase::Starting(e) | Phase::Asked(e) => e,
        };
        if let Some(left) = &mut exchange.left {
            *left = left.saturating_sub(read as u64);
            exchange.passed += read as u64;
            out.send(&FromHarness::Answer(bytes.to_vec())).map_err(|e| e.to_string())?;
        } else {
            exchange.head.extend_from_slice(bytes);
            if let Some(&[a, b, c, d]) = exchange.head.first_chunk::<4>() {
                let length = u64::from(u32::from_be_bytes([a, b, c, d]));
                if length > exchange.most {
                    return self.broken(&format!("it announced an answer of {length} bytes"), cgroup);
                }
                exchange.left = Some(length);
            }
        }
        if exchange.left == Some(0) { self.complete(cgroup) } else { Ok(Step::On) }
    }

    /// The whole answer has come: it must be the only one.
    fn complete(&mut self, cgroup: Option<&Cgroup>) -> Result<Step, String> {
        let due = match &self.phase {
            Phase::Starting(e) | Phase::Asked(e) => e.due > 0 || self.queue.len() > 0,
            Phase::Idle => false,
        };
        if due {
            return self.broken("it answered before it had the whole request", cgroup);
        }
        let mut one = [0; 1];
        if let Some(pipe) = &self.stdout
            && matches!(rustix::io::read(pipe, &mut one), Ok(1..))
        {
            return self.broken("it said more than one answer", cgroup);
        }
        Ok(match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => Step::On,
            Phase::Starting(exchange) => {
                let (usage, wall_us, _) = exchange.finish(cgroup)?;
                Step::Said(FromHarness::Served(Served { error: None, cpu_us: usage.cpu_us, wall_us }))
            }
            Phase::Asked(exchange) => Step::Said(answered(*exchange, None, None, cgroup)?),
        })
    }

    fn take_tail(&mut self) {
        let Some(pipe) = &self.stderr else { return };
        match rustix::io::read(pipe, &mut self.piece) {
            Ok(0) => self.stderr = None,
            Ok(n) => {
                self.tail.extend_from_slice(self.piece.get(..n).unwrap_or_default());
                self.tail.drain(..self.tail.len().saturating_sub(TAIL));
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => self.stderr = None,
        }
    }

    // --- limits and the end

    /// When [`Resident::watch`] must be called again at the latest.
    pub fn wake(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Starting(e) | Phase::Asked(e) => Some(e.wall_end.map_or(e.next_check, |w| w.min(e.next_check))),
        }
    }

    /// Looks at the limits of what is under way.
    pub fn watch(&mut self, cgroup: Option<&Cgroup>) -> Result<Step, String> {
        let told = |e: std::io::Error| format!("cannot read the cgroup: {e}");
        let now = Instant::now();
        let stop = match &mut self.phase {
            Phase::Idle => None,
            Phase::Starting(e) | Phase::Asked(e) => {
                e.meter.sample(cgroup).map_err(told)?;
                let used = e.meter.cpu(cgroup).map_err(told)?;
                e.next_check = now + pause(e.cpu.saturating_sub(used), self.cpus);
                if used > e.cpu {
                    Some(Stop::Cpu)
                } else {
                    e.wall_end.is_some_and(|end| now >= end).then_some(Stop::Wall)
                }
            }
        };
        stop.map_or(Ok(Step::On), |why| self.stop(why, cgroup))
    }

    /// Ends it for a reason. Nothing happens while it is idle.
    pub fn stop(&mut self, why: Stop, cgroup: Option<&Cgroup>) -> Result<Step, String> {
        if matches!(self.phase, Phase::Idle) {
            return Ok(Step::On);
        }
        let _ = sys::kill_everything();
        Ok(Step::Over(match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Asked(exchange) => answered(*exchange, Some(why), None, cgroup)?,
            _ => not_served(self.with_tail("it was not ready in time")),
        }))
    }

    /// A process has ended. If it is the resident, unasked, that is a fault; its last answer may still be in the pipe.
    pub fn reaped(&mut self, process: &Reaped, out: &mut Output, cgroup: Option<&Cgroup>) -> Result<Step, String> {
        if process.pid != self.pid {
            return Ok(Step::On);
        }
        for which in [0, 1] {
            // A pipe's content at most. Nobody is left who could write more.
            while matches!(self.phase, Phase::Starting(_) | Phase::Asked(_)) && self.has_more(which) {
                match self.take(which, out, cgroup)? {
                    Step::On => {}
                    Step::Said(message) | Step::Over(message) => return Ok(Step::Over(message)),
                }
            }
        }
        let how = match process.end {
            End::Exited(code) => format!("it ended with status {code}"),
            End::Signaled(signal) => format!("it ended by signal {signal}"),
        };
        match &self.phase {
            Phase::Idle => Err(format!("the resident is gone: {}", self.with_tail(&how))),
            Phase::Starting(_) | Phase::Asked(_) => self.broken(&how, cgroup),
        }
    }

    /// Whether a pipe holds something that was not read yet.
    fn has_more(&self, which: usize) -> bool {
        let pipe = if which == 0 { &self.stdout } else { &self.stderr };
        pipe.as_ref().is_some_and(|pipe| rustix::io::ioctl_fionread(pipe).is_ok_and(|n| n > 0))
    }

    fn broken(&mut self, how: &str, cgroup: Option<&Cgroup>) -> Result<Step, String> {
        let _ = sys::kill_everything();
        let how = failure(&self.report, &self.request).unwrap_or_else(|| self.with_tail(how));
        Ok(Step::Over(match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Asked(exchange) => answered(*exchange, None, Some(how), cgroup)?,
            _ => not_served(how),
        }))
    }

    fn with_tail(&self, how: &str) -> String {
        let tail = String::from_utf8_lossy(&self.tail);
        let tail = tail.trim();
        if tail.is_empty() { how.to_owned() } else { format!("{how}; it said: {tail}") }
    }
}

fn not_served(why: String) -> FromHarness {
    FromHarness::Served(Served { error: Some(why), cpu_us: 0, wall_us: 0 })
}

fn answered(
    exchange: Exchange,
    stop: Option<Stop>,
    broken: Option<String>,
    cgroup: Option<&Cgroup>,
) -> Result<FromHarness, String> {
    let (usage, wall_us, answer_bytes) = exchange.finish(cgroup)?;
    Ok(FromHarness::Answered(Answered {
        stop,
        broken,
        cpu_us: usage.cpu_us,
        wall_us,
        memory_bytes: usage.memory_bytes,
        oom_kills: usage.oom_kills,
        answer_bytes,
    }))
}

/// How long a jail cannot have used up what it has left.
fn pause(left: Duration, cpus: u32) -> Duration {
    (left / cpus.max(1)).clamp(CHECK_LEAST, CHECK_MOST)
}
