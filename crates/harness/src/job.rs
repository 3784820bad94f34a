//! One process tree of the jail, from its start until everybody in it is dead and all its output was passed on.
//!
//! ```text
//! Running ──first process ended, limit, Kill──▶ Dying ──nobody left──▶ Draining ──nothing left──▶ Exit
//! ```
//!
//! What of its output the host has given credit for is passed on: all of it, if it comes through pipes.

use std::{
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use iteratione_harness::protocol::{Credit, ExecLimits, ExecRequest, ExecResult, FromHarness, Stop, Taken, WindowSize};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::{
    cgroup::Cgroup,
    meter::{Meter, held_back},
    spawn::{Spawned, Stdio, failure, spawn, uid_of},
    streams::{Joined, OUTPUTS, Pipes, Streams, Terminal, pipes},
    sys::{self, End, Reaped},
    wire::{Output, PIECE},
};

mod time;

pub use time::hard;
use time::{MEMORY_MOST, MEMORY_MOST_OF_TERMINALS, given_back, pause};

/// That keystrokes were taken is told together with their echo. If there is none, after so long ...
const TAKEN_LATEST: Duration = Duration::from_millis(100);
/// ... or when they are so many.
const TAKEN_MOST: u64 = 16 * 1024;
/// Killing again those who were not there the first time.
const KILL_AGAIN: Duration = Duration::from_millis(20);
/// A tree that is still not dead is not in our power. Dying needs CPU time, which a quota may hold back.
const DEATH_MOST: Duration = Duration::from_secs(10);

/// The report among the sources, after the outputs.
const REPORT: usize = OUTPUTS;

#[derive(Debug, Clone, Copy)]
enum Phase {
    Running,
    Dying { since: Instant, next_kill: Instant },
    Draining,
}

/// A process tree.
pub struct Job {
    request: ExecRequest,
    pid: i32,
    phase: Phase,
    streams: Box<dyn Streams>,
    /// Bytes of output that may be passed on before the host gives leave for more.
    credit: u64,
    /// When the host is to know at the latest what was taken.
    tell_by: Option<Instant>,
    /// Bytes of each output that were passed on.
    passed: [u64; OUTPUTS],
    /// Says why the process did not become the program.
    failure: OwnedFd,
    /// Our end of its report, while it may be read.
    report: Option<OwnedFd>,
    /// Bytes of the report that may still be passed on.
    report_left: u64,
    started: Instant,
    /// Wall time that it did not have, see [`given_back`].
    given_back: Duration,
    /// `None` if it is too far away for the clock.
    wall_end: Option<Instant>,
    next_check: Instant,
    pause_most: Duration,
    cpus: u32,
    meter: Meter,
    stop: Option<Stop>,
    end: Option<(End, Duration)>,
    survivors: u32,
    /// At the end of the first process nobody could write to its input any more.
    input_ended: bool,
    /// Microseconds of the monotonic clock.
    ended_us: u64,
    piece: Vec<u8>,
}

/// A process that was begun, its streams, and our end of its report.
type Begun = (Spawned, Box<dyn Streams>, Option<OwnedFd>);

/// Starts the process on what it asks for: pipes, FIFOs, or a terminal.
fn begin(request: &ExecRequest) -> Result<Begun, String> {
    let uid = uid_of(request.role);
    let (report, channel) = request.report.map(|_| report()).transpose()?.unzip();
    if let Some(terminal) = &request.terminal {
        let terminal = Terminal::open(uid, terminal.size)?;
        Ok((spawn(request, Stdio::Terminal(terminal.theirs()), channel.as_ref())?, Box::new(terminal), report))
    } else if let Some(joined) = &request.joined {
        let (ours, theirs) = Joined::open(uid, joined)?;
        Ok((spawn(request, Stdio::Pipes(&theirs), channel.as_ref())?, Box::new(ours), report))
    } else {
        let (ours, theirs) = pipes(uid)?;
        Ok((spawn(request, Stdio::Pipes(&theirs), channel.as_ref())?, Box::new(Pipes::new(ours)), report))
    }
}

/// Both ends of a report. Made as root, whose it stays: nobody else can open it by name, and ours does not block.
fn report() -> Result<(OwnedFd, OwnedFd), String> {
    let made = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
    let (ours, theirs) = made.map_err(|e| format!("cannot make a pipe: {e}"))?;
    rustix::io::ioctl_fionbio(&ours, true).map_err(|e| format!("cannot set up pipes: {e}"))?;
    Ok((ours, theirs))
}

/// The clock that every process of the machine shares.
fn monotonic_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec).unwrap_or(0), u64::try_from(now.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000).saturating_add(nanoseconds / 1000)
}

/// A process that could not be started.
pub fn not_started(why: String) -> FromHarness {
    FromHarness::Exit(ExecResult { spawn_error: Some(why), ..ExecResult::default() })
}

impl Job {
    /// Starts one. The outer error is the harness' trouble, the inner one the request's.
    pub fn start(request: ExecRequest, cgroup: Option<&Cgroup>, cpus: u32) -> Result<Result<Self, String>, String> {
        let meter = Meter::start(cgroup).map_err(|e| format!("cannot read the cgroup: {e}"))?;
        let started = Instant::now();
        let (spawned, streams, report) = match begin(&request) {
            Ok(begun) => begun,
            Err(why) => return Ok(Err(why)),
        };
        let ExecLimits { cpu_ms, wall_ms, .. } = request.limits;
        let cpu_left = hard(Duration::from_millis(cpu_ms));
        let (credit, pause_most) = match &request.terminal {
            None => (u64::MAX, MEMORY_MOST),
            Some(terminal) => (terminal.window, MEMORY_MOST_OF_TERMINALS),
        };
        Ok(Ok(Self {
            pid: spawned.pid,
            phase: Phase::Running,
            streams,
            credit,
            tell_by: None,
            passed: [0; OUTPUTS],
            failure: spawned.report,
            report,
            report_left: request.report.unwrap_or(0),
            started,
            given_back: Duration::ZERO,
            wall_end: started.checked_add(Duration::from_millis(wall_ms)),
            next_check: started + pause(Duration::ZERO, cpu_left, cpus, pause_most),
            pause_most,
            cpus,
            meter,
            stop: None,
            end: None,
            survivors: 0,
            input_ended: false,
            ended_us: 0,
            piece: vec![0; PIECE],
            request,
        }))
    }

    // --- input

    /// Whether more input may be taken from the host.
    pub fn has_input_room(&self) -> bool {
        self.streams.has_room()
    }

    /// Input from the host. What the program cannot get any more is dropped.
    pub fn take_input(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.streams.take(bytes)
    }

    /// No more input will come.
    pub fn end_input(&mut self) {
        self.streams.end_input();
    }

    /// Where to wait, while there is something to write.
    pub fn hungry(&self) -> Option<BorrowedFd<'_>> {
        self.streams.hungry()
    }

    /// Writes what the program takes now.
    pub fn feed(&mut self) {
        self.streams.feed();
    }

    /// Tells the host how much of the input is no longer under way, if it has to know.
    pub fn tell_taken(&mut self, out: &mut Output) -> Result<(), String> {
        let bytes = self.streams.settled();
        if bytes == 0 || !out.has_room() {
            // If it is for want of room, it goes as soon as there is some.
            self.tell_by = None;
            return Ok(());
        }
        // Each write to the host passes through several processes, so none is made for this alone.
        let alone = out.is_empty() && bytes < TAKEN_MOST && matches!(self.phase, Phase::Running);
        if alone {
            let now = Instant::now();
            if *self.tell_by.get_or_insert(now + TAKEN_LATEST) > now {
                return Ok(());
            }
        }
        self.tell_by = None;
        self.streams.told();
        out.send(&FromHarness::Taken(Taken { bytes })).map_err(|e| e.to_string())
    }

    /// Its terminal, if it has one, has another size.
    pub fn resize(&mut self, size: WindowSize) {
        self.streams.resize(size);
    }

    // --- output

    /// More of the output may be passed on.
    pub fn give_credit(&mut self, credit: Credit) {
        self.credit = self.credit.saturating_add(credit.bytes);
    }

    /// What may have something to read that may be read.
    pub fn sources(&self) -> impl Iterator<Item = (usize, BorrowedFd<'_>)> {
        let open = self.streams.outputs().into_iter().enumerate().filter_map(|(which, fd)| Some((which, fd?)));
        let report = self.report.as_ref().map(|fd| (REPORT, fd.as_fd()));
        open.filter(|_| self.may_read()).chain(report)
    }

    /// Bytes that may still be passed on at all.
    fn left(&self) -> u64 {
        self.request.limits.output_bytes.saturating_sub(self.passed.iter().sum())
    }

    /// The byte that is too much needs no credit: it is not passed on.
    fn may_read(&self) -> bool {
        self.credit > 0 || self.left() == 0
    }

    /// Passes on one piece. `false`: there is nothing now.
    pub fn pass_on(&mut self, which: usize, out: &mut Output) -> Result<bool, String> {
        if which == REPORT {
            return self.pass_on_report(out);
        }
        if !self.may_read() {
            return Ok(false);
        }
        let left = self.left();
        let most = if left == 0 { 1 } else { left.min(self.credit) };
        let most = usize::try_from(most).unwrap_or(PIECE).min(PIECE);
        let Some(piece) = self.piece.get_mut(..most) else { return Ok(false) };
        let read = match self.streams.read(which, piece) {
            Ok(0) => {
                self.streams.close(which);
                return Ok(false);
            }
            Ok(n) => n,
            Err(Errno::INTR) => return Ok(true),
            Err(Errno::AGAIN) => return Ok(false),
            Err(error) => return Err(format!("cannot read the program's output: {error}")),
        };
        if left == 0 {
            (0..OUTPUTS).for_each(|which| self.streams.close(which));
            self.stop(Stop::Output);
            return Ok(true);
        }
        self.credit = self.credit.saturating_sub(read as u64);
        if let Some(passed) = self.passed.get_mut(which) {
            *passed += read as u64;
        }
        let bytes = self.piece.get(..read).unwrap_or_default().to_vec();
        let message = if which == 0 { FromHarness::Stdout(bytes) } else { FromHarness::Stderr(bytes) };
        out.send(&message).map_err(|e| e.to_string())?;
        Ok(true)
    }

    /// The same for the report. What is too long has an end that nobody would read: the process is stopped.
    fn pass_on_report(&mut self, out: &mut Output) -> Result<bool, String> {
        let Some(report) = &self.report else { return Ok(false) };
        let read = match rustix::io::read(report, &mut self.piece[..]) {
            Ok(0) => 0,
            Ok(n) => n,
            Err(Errno::INTR) => return Ok(true),
            Err(Errno::AGAIN) => return Ok(false),
            Err(error) => return Err(format!("cannot read the program's report: {error}")),
        };
        let left = usize::try_from(self.report_left).unwrap_or(usize::MAX);
        let bytes = self.piece.get(..read.min(left)).unwrap_or_default().to_vec();
        self.report_left = self.report_left.saturating_sub(read as u64);
        if !bytes.is_empty() {
            out.send(&FromHarness::Report(bytes)).map_err(|e| e.to_string())?;
        }
        if read == 0 || read > left {
            self.report = None;
        }
        if read > left {
            self.stop(Stop::Output);
        }
        Ok(read > 0)
    }

    // --- limits and the end

    /// Kills the tree.
    pub fn stop(&mut self, why: Stop) {
        // The first reason is the one. A process that has just ended by itself was not stopped, unless it went too far.
        if self.end.is_none() || why == Stop::Output {
            self.stop.get_or_insert(why);
        }
        self.die();
    }

    fn die(&mut self) {
        if matches!(self.phase, Phase::Running) {
            let now = Instant::now();
            self.phase = Phase::Dying { since: now, next_kill: now + KILL_AGAIN };
            self.streams.drop_input();
            // "Nobody" is no error.
            let _ = sys::kill_everything();
        }
    }

    /// When [`Job::watch`] must be called again at the latest.
    pub fn wake(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running => [self.wall_end, self.tell_by, Some(self.next_check)].into_iter().flatten().min(),
            Phase::Dying { next_kill, .. } => Some(next_kill),
            Phase::Draining => None,
        }
    }

    /// Looks at the limits.
    pub fn watch(&mut self, cgroup: Option<&Cgroup>) -> Result<(), String> {
        let now = Instant::now();
        match self.phase {
            Phase::Running if self.wall_end.is_some_and(|end| now >= end) => self.wall_is_over(now),
            Phase::Running if now >= self.next_check => {
                let used = self.meter.sample(cgroup).and_then(|()| self.meter.cpu(cgroup));
                let used = used.map_err(|e| format!("cannot read the cgroup: {e}"))?;
                let limit = hard(Duration::from_millis(self.request.limits.cpu_ms));
                if used > limit {
                    self.stop(Stop::Cpu);
                } else {
                    let elapsed = now.saturating_duration_since(self.started);
                    self.next_check = now + pause(elapsed, limit.saturating_sub(used), self.cpus, self.pause_most);
                }
            }
            Phase::Dying { since, .. } if now >= since + DEATH_MOST => {
                return Err(format!("processes live on {} s after SIGKILL", DEATH_MOST.as_secs()));
            }
            Phase::Dying { since, next_kill } if now >= next_kill => {
                let _ = sys::kill_everything();
                self.phase = Phase::Dying { since, next_kill: now + KILL_AGAIN };
            }
            _ => {}
        }
        Ok(())
    }

    /// Stops it, or gives it the time back for which it was ready to run and was not let.
    fn wall_is_over(&mut self, now: Instant) {
        let limit = Duration::from_millis(self.request.limits.wall_ms);
        let due = given_back(limit, held_back());
        match self.started.checked_add(limit + due) {
            Some(end) if end > now => (self.given_back, self.wall_end) = (due, Some(end)),
            _ => self.stop(Stop::Wall),
        }
    }

    /// A process has ended.
    pub fn reaped(&mut self, process: &Reaped, cgroup: Option<&Cgroup>) -> Result<(), String> {
        self.meter.reaped(process);
        if process.pid == self.pid {
            self.end = Some((process.end, self.started.elapsed()));
            // At once: its own end is soon the other one's.
            self.input_ended = self.streams.input_ended();
            self.ended_us = monotonic_us();
            // What the others hold, before they are gone.
            self.meter.sample(cgroup).map_err(|e| format!("cannot read the cgroup: {e}"))?;
            self.die();
        } else if matches!(self.phase, Phase::Dying { .. }) && process.end == End::Signaled(libc::SIGKILL) {
            self.survivors = self.survivors.saturating_add(1);
        }
        Ok(())
    }

    /// No process is left.
    pub fn nobody_left(&mut self) {
        if matches!(self.phase, Phase::Dying { .. }) {
            self.phase = Phase::Draining;
        }
    }

    /// Whether only [`Job::drained`] is still to be done, and can be: it may have to wait for credit.
    pub fn can_drain(&self) -> bool {
        matches!(self.phase, Phase::Draining) && (self.may_read() || self.report.is_some())
    }

    /// Passes on what is left. `true`: that was all. Nobody lives who could write more, so an empty pipe is the end even
    /// if its other end is still held (by a message in a socket that the kernel has not swept yet).
    pub fn drained(&mut self, out: &mut Output) -> Result<bool, String> {
        if !matches!(self.phase, Phase::Draining) {
            return Ok(false);
        }
        while self.report.is_some() && out.has_room() {
            if !self.pass_on_report(out)? {
                self.report = None;
            }
        }
        for which in 0..OUTPUTS {
            while out.has_room() && self.is_open(which) {
                if self.may_read() {
                    if !self.pass_on(which, out)? {
                        self.streams.close(which);
                    }
                } else if self.has_more(which) {
                    return Ok(false);
                } else {
                    self.streams.close(which);
                }
            }
        }
        Ok(self.report.is_none() && (0..OUTPUTS).all(|which| !self.is_open(which)))
    }

    fn is_open(&self, which: usize) -> bool {
        self.streams.outputs().get(which).is_some_and(Option::is_some)
    }

    /// Whether there is something to read, whether or not it may be.
    fn has_more(&self, which: usize) -> bool {
        let Some(Some(fd)) = self.streams.outputs().get(which).copied() else { return false };
        let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        let asked = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        asked.is_err() || fds.iter().any(|fd| fd.revents().contains(PollFlags::IN))
    }

    /// The result of a job that was [`Job::drained`].
    pub fn finish(self, cgroup: Option<&Cgroup>) -> Result<FromHarness, String> {
        let Some((end, wall)) = self.end else { return Err("the process vanished without being reaped".to_owned()) };
        if let Some(why) = failure(&self.failure, &self.request) {
            return Ok(not_started(why));
        }
        let usage = self.meter.finish(cgroup).map_err(|e| format!("cannot read the cgroup: {e}"))?;
        let limits = self.request.limits;
        let wall_us = u64::try_from(wall.as_micros()).unwrap_or(u64::MAX);
        // It may have ended by itself, or by RLIMIT_CPU, between two looks.
        let too_long = || {
            let wall_most = Duration::from_millis(limits.wall_ms).saturating_add(self.given_back);
            if usage.cpu_us > limits.cpu_ms.saturating_mul(1000) {
                Some(Stop::Cpu)
            } else {
                (wall > wall_most).then_some(Stop::Wall)
            }
        };
        let (exit_code, signal) = match end {
            End::Exited(code) => (Some(code), None),
            End::Signaled(signal) => (None, Some(signal)),
        };
        let [stdout_bytes, stderr_bytes] = self.passed;
        Ok(FromHarness::Exit(ExecResult {
            exit_code,
            signal,
            // Who was just missing its CPU limit when the wall limit came has missed it.
            stop: self.stop.filter(|&stop| stop != Stop::Wall).or_else(too_long).or(self.stop),
            cpu_us: usage.cpu_us,
            wall_us,
            memory_bytes: usage.memory_bytes,
            oom_kills: usage.oom_kills,
            stdout_bytes,
            stderr_bytes,
            survivors: self.survivors,
            input_ended: self.input_ended,
            ended_us: self.ended_us,
            spawn_error: None,
        }))
    }
}
