//! One process tree of the jail, from its start until everybody in it is dead and all its output was passed on.
//!
//! ```text
//! Running ──first process ended, limit, Kill──▶ Dying ──nobody left──▶ Draining ──pipes empty──▶ Exit
//! ```

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use iteratione_harness::protocol::{ExecLimits, ExecRequest, ExecResult, FromHarness, Stop};
use rustix::io::Errno;

use crate::{
    cgroup::Cgroup,
    meter::{Meter, held_back},
    spawn::{failure, spawn},
    sys::{self, End, Reaped},
    wire::{Output, PIECE, Queue},
};

/// Standard input waiting for the program, above which the host's frames are left where they are.
const STDIN_ROOM: usize = 1024 * 1024;
/// The CPU time is looked at when it could first be used up, but not more often.
const CPU_LEAST: Duration = Duration::from_millis(2);
/// Memory is looked at often in the beginning, because short programs are the most ...
const MEMORY_LEAST: Duration = Duration::from_millis(1);
/// ... then each time that so many times as much time has passed ...
const MEMORY_SHARE: u32 = 20;
/// ... but never more seldom than this.
const MEMORY_MOST: Duration = Duration::from_millis(20);
/// CPU time beyond the limit that is still measured before a tree is killed: so much, or a twentieth of the limit.
const CPU_SLACK: Duration = Duration::from_millis(100);
/// Wall time that is given back at most to a program that was ready to run and was not let.
const GIVEN_BACK_MOST: Duration = Duration::from_secs(5);
/// Waiting for less than this share of the limit is what every process does.
const ORDINARY_WAIT: u32 = 10;
/// Killing again those who were not there the first time.
const KILL_AGAIN: Duration = Duration::from_millis(20);
/// A tree that is still not dead is not in our power. Dying needs CPU time, which a quota may hold back.
const DEATH_MOST: Duration = Duration::from_secs(10);

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
    stdin: Option<OwnedFd>,
    stdin_queue: Queue,
    stdin_ended: bool,
    /// Standard output and standard error.
    pipes: [Option<OwnedFd>; 2],
    /// Bytes of each that were passed on.
    passed: [u64; 2],
    report: OwnedFd,
    started: Instant,
    /// Wall time that it did not have, see [`given_back`].
    given_back: Duration,
    /// `None` if it is too far away for the clock.
    wall_end: Option<Instant>,
    next_check: Instant,
    cpus: u32,
    meter: Meter,
    stop: Option<Stop>,
    end: Option<(End, Duration)>,
    survivors: u32,
    piece: Vec<u8>,
}

/// A process that could not be started.
pub fn not_started(why: String) -> FromHarness {
    FromHarness::Exit(ExecResult {
        exit_code: None,
        signal: None,
        stop: None,
        cpu_us: 0,
        wall_us: 0,
        memory_bytes: 0,
        oom_kills: 0,
        stdout_bytes: 0,
        stderr_bytes: 0,
        survivors: 0,
        spawn_error: Some(why),
    })
}

impl Job {
    /// Starts one. The outer error is the harness' trouble, the inner one the request's.
    pub fn start(request: ExecRequest, cgroup: Option<&Cgroup>, cpus: u32) -> Result<Result<Self, String>, String> {
        let meter = Meter::start(cgroup).map_err(|e| format!("cannot read the cgroup: {e}"))?;
        let started = Instant::now();
        let spawned = match spawn(&request) {
            Ok(spawned) => spawned,
            Err(why) => return Ok(Err(why)),
        };
        let ExecLimits { cpu_ms, wall_ms, .. } = request.limits;
        let cpu_left = hard(Duration::from_millis(cpu_ms));
        Ok(Ok(Self {
            pid: spawned.pid,
            phase: Phase::Running,
            stdin: Some(spawned.stdin),
            stdin_queue: Queue::default(),
            stdin_ended: false,
            pipes: [Some(spawned.stdout), Some(spawned.stderr)],
            passed: [0; 2],
            report: spawned.report,
            started,
            given_back: Duration::ZERO,
            wall_end: started.checked_add(Duration::from_millis(wall_ms)),
            next_check: started + pause(Duration::ZERO, cpu_left, cpus),
            cpus,
            meter,
            stop: None,
            end: None,
            survivors: 0,
            piece: vec![0; PIECE],
            request,
        }))
    }

    // --- standard input

    /// Whether more standard input may be taken from the host.
    pub fn has_stdin_room(&self) -> bool {
        self.stdin_queue.len() < STDIN_ROOM
    }

    /// Standard input from the host. What the program cannot get any more is dropped.
    pub fn take_stdin(&mut self, bytes: &[u8]) {
        if self.stdin.is_some() {
            self.stdin_queue.push(bytes);
            self.feed();
        }
    }

    /// No more standard input will come.
    pub fn end_stdin(&mut self) {
        self.stdin_ended = true;
        self.feed();
    }

    /// The pipe to wait for, while there is something to write into it.
    pub fn hungry(&self) -> Option<&OwnedFd> {
        self.stdin.as_ref().filter(|_| self.stdin_queue.len() > 0)
    }

    /// Writes what the program takes now.
    pub fn feed(&mut self) {
        let Some(stdin) = &self.stdin else { return };
        let written = self.stdin_queue.write_to(stdin);
        if written.is_err() || (self.stdin_ended && self.stdin_queue.len() == 0) {
            // End-of-file for the program; or it has closed its end, and nobody will read the rest.
            self.stdin = None;
            self.stdin_queue = Queue::default();
        }
    }

    // --- standard output and standard error

    /// The pipes that may have something to read.
    pub fn sources(&self) -> impl Iterator<Item = (usize, &OwnedFd)> {
        self.pipes.iter().enumerate().filter_map(|(which, pipe)| Some((which, pipe.as_ref()?)))
    }

    /// Passes on one piece of a pipe. `false`: there is nothing now.
    pub fn pass_on(&mut self, which: usize, out: &mut Output) -> Result<bool, String> {
        let left = self.request.limits.output_bytes.saturating_sub(self.passed.iter().sum());
        // One byte more than may be passed on, to tell "as much as allowed" from "too much".
        let most = usize::try_from(left.saturating_add(1)).unwrap_or(PIECE).min(PIECE);
        let Some(slot) = self.pipes.get_mut(which) else { return Ok(false) };
        let (Some(pipe), Some(piece)) = (&*slot, self.piece.get_mut(..most)) else { return Ok(false) };
        let read = match rustix::io::read(pipe, piece) {
            Ok(0) => {
                *slot = None;
                return Ok(false);
            }
            Ok(n) => n,
            Err(Errno::INTR) => return Ok(true),
            Err(Errno::AGAIN) => return Ok(false),
            Err(error) => return Err(format!("cannot read the program's output: {error}")),
        };
        let allowed = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = self.piece.get(..allowed).unwrap_or_default().to_vec();
        if let Some(passed) = self.passed.get_mut(which) {
            *passed += allowed as u64;
        }
        if allowed > 0 {
            let message = if which == 0 { FromHarness::Stdout(bytes) } else { FromHarness::Stderr(bytes) };
            out.send(&message).map_err(|e| e.to_string())?;
        }
        if read > allowed {
            self.pipes = [None, None];
            self.stop(Stop::Output);
        }
        Ok(true)
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
            // "Nobody" is no error.
            let _ = sys::kill_everything();
        }
    }

    /// When [`Job::watch`] must be called again at the latest.
    pub fn wake(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running => Some(self.wall_end.map_or(self.next_check, |w| w.min(self.next_check))),
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
                    self.next_check = now + pause(elapsed, limit.saturating_sub(used), self.cpus);
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

    /// Whether only [`Job::drained`] is still to be done.
    pub fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Draining)
    }

    /// Passes on what is left in the pipes. `true`: that was all. Nobody lives who could write more, so an empty pipe
    /// is the end even if its other end is still held (by a message in a socket that the kernel has not swept yet).
    pub fn drained(&mut self, out: &mut Output) -> Result<bool, String> {
        if !self.is_draining() {
            return Ok(false);
        }
        for which in 0..self.pipes.len() {
            while out.has_room() && self.pass_on(which, out)? {}
            if out.has_room()
                && let Some(slot) = self.pipes.get_mut(which)
            {
                *slot = None;
            }
        }
        Ok(self.pipes.iter().all(Option::is_none))
    }

    /// The result of a job that was [`Job::drained`].
    pub fn finish(self, cgroup: Option<&Cgroup>) -> Result<FromHarness, String> {
        let Some((end, wall)) = self.end else { return Err("the process vanished without being reaped".to_owned()) };
        if let Some(why) = failure(&self.report, &self.request) {
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
            spawn_error: None,
        }))
    }
}

/// Where a tree is killed. What has used more than `limit` is stopped for it in either case, but a program that just
/// misses it ends by itself, and how much it misses it by is known.
pub fn hard(limit: Duration) -> Duration {
    limit.saturating_add(CPU_SLACK.max(limit / 20))
}

/// How much of the time for which it was `held_back` a program has on top of its wall limit. As much again at most, and
/// the host's patience is bounded.
fn given_back(limit: Duration, held_back: Duration) -> Duration {
    if held_back < limit / ORDINARY_WAIT { Duration::ZERO } else { held_back.min(limit).min(GIVEN_BACK_MOST) }
}

/// When to look next at a tree that began `elapsed` ago and may use `cpu_left` more.
fn pause(elapsed: Duration, cpu_left: Duration, cpus: u32) -> Duration {
    let memory = (elapsed / MEMORY_SHARE).clamp(MEMORY_LEAST, MEMORY_MOST);
    memory.min((cpu_left / cpus.max(1)).max(CPU_LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_cpu_time_is_looked_at_when_it_could_first_be_used_up() {
        let late = ms(10_000);
        assert_eq!(pause(late, ms(2000), 2), MEMORY_MOST);
        assert_eq!(pause(late, ms(30), 2), ms(15));
        assert_eq!(pause(late, ms(30), 64), CPU_LEAST);
        assert_eq!(pause(late, ms(0), 0), CPU_LEAST);
    }

    #[test]
    fn memory_is_looked_at_often_at_first_and_then_less_often() {
        let far = ms(60_000);
        assert_eq!([0, 20, 60, 200, 400, 9000].map(|t| pause(ms(t), far, 2)), [1, 1, 3, 10, 20, 20].map(ms));
        let (mut at, mut looks) = (Duration::ZERO, 0);
        while at < ms(1000) {
            at += pause(at, far, 2);
            looks += 1;
        }
        assert!(looks < 120, "{looks} looks in a second");
    }

    #[test]
    fn a_tree_is_killed_a_little_beyond_its_limit() {
        assert_eq!([0, 100, 1000, 2000, 10_000].map(|l| hard(ms(l))), [100, 200, 1100, 2100, 10_500].map(ms));
    }

    #[test]
    fn only_a_program_that_was_held_back_has_more_wall_time_and_not_without_end() {
        assert_eq!(given_back(ms(1000), ms(99)), ms(0));
        assert_eq!(given_back(ms(1000), ms(400)), ms(400));
        assert_eq!(given_back(ms(1000), ms(9000)), ms(1000));
        assert_eq!(given_back(ms(60_000), ms(50_000)), GIVEN_BACK_MOST);
    }
}
