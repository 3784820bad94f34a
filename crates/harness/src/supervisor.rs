//! The loop: one thread, one `poll`. Frames come in, frames go out, one process runs at a time under a watchdog.
//!
//! Nothing here waits for the host while a process runs: when the host does not read, the process' pipes are not
//! read either (it blocks, honestly), and its limits go on being enforced.

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    time::{Duration, Instant},
};

use iteratione_harness::{
    frame::{Decoder, encode},
    protocol::{
        ExecRequest, ExecResult, Fault, FileHeader, FromHarness, Hello, MAX_PAYLOAD, PROTOCOL_VERSION, Stop, ToHarness,
    },
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{
    cgroup::{Cgroup, Counters},
    files, process, sys, tidy,
};

/// Bytes for the host that may wait before the process' output is left in its pipes.
const OUT_HIGH: usize = 1024 * 1024;
/// Bytes for the process' standard input that may wait before the host is not read.
const STDIN_HIGH: usize = 1024 * 1024;
/// Read at once from a pipe, sent as one frame.
const CHUNK: usize = 64 * 1024;
const HOST_IN: i32 = 0;
const HOST_OUT: i32 = 1;

/// Why the loop ended.
#[derive(Debug)]
pub enum End {
    /// The host closed the stream: the jail has no owner any more.
    HostGone,
    /// Nothing can be trusted any more; a `Fault` frame was tried.
    Fault(String),
}

/// A process and what it used so far.
struct Running {
    request: ExecRequest,
    pid: i32,
    stdin: Option<OwnedFd>,
    stdin_waiting: VecDeque<u8>,
    stdin_ended: bool,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    stdout_bytes: u64,
    stderr_bytes: u64,
    started: Instant,
    before: Counters,
    sampled_peak: u64,
    next_tick: Instant,
    ended: Option<Ended>,
    max_rss: u64,
    over_output: bool,
}

impl Running {
    fn saw(&mut self, reaped: &sys::Reaped) {
        self.max_rss = self.max_rss.max(reaped.max_rss_bytes);
        if reaped.pid == self.pid {
            let wall = self.started.elapsed();
            self.ended = Some(Ended { exit_code: reaped.exit_code, signal: reaped.signal, wall });
        }
    }

    /// Bytes of output that may still be passed on.
    fn output_room(&self) -> u64 {
        self.request.limits.output_bytes.saturating_sub(self.stdout_bytes + self.stderr_bytes)
    }

    /// What it came to. A limit that was passed without the watchdog seeing it counts all the same.
    fn result(self, stop: Option<Stop>, first_was_alive: bool, others: u32, after: Counters) -> ExecResult {
        let ended =
            self.ended.unwrap_or(Ended { exit_code: None, signal: Some(libc::SIGKILL), wall: self.started.elapsed() });
        let limits = &self.request.limits;
        let cpu_us = after.cpu_us.saturating_sub(self.before.cpu_us);
        let stop = stop
            .or_else(|| self.over_output.then_some(Stop::Output))
            .or_else(|| (cpu_us > limits.cpu_ms.saturating_mul(1000)).then_some(Stop::Cpu))
            .or_else(|| (ended.wall > Duration::from_millis(limits.wall_ms)).then_some(Stop::Wall));
        let memory_bytes = if after.peak_bytes > self.before.peak_bytes {
            after.peak_bytes
        } else {
            self.sampled_peak.max(self.max_rss)
        };
        ExecResult {
            exit_code: ended.exit_code,
            signal: ended.signal,
            stop,
            cpu_us,
            wall_us: u64::try_from(ended.wall.as_micros()).unwrap_or(u64::MAX),
            memory_bytes,
            oom_kills: after.oom_kills.saturating_sub(self.before.oom_kills),
            stdout_bytes: self.stdout_bytes,
            stderr_bytes: self.stderr_bytes,
            survivors: if first_was_alive { 0 } else { others },
            spawn_error: None,
        }
    }
}

/// How the first process ended.
#[derive(Clone, Copy)]
struct Ended {
    exit_code: Option<i32>,
    signal: Option<i32>,
    wall: Duration,
}

/// A file on its way in.
struct Incoming {
    header: FileHeader,
    content: Vec<u8>,
}

/// The state of the harness.
pub struct Supervisor {
    cgroup: Cgroup,
    signals: OwnedFd,
    host: Decoder<ToHarness>,
    out: VecDeque<u8>,
    running: Option<Running>,
    incoming: Option<Incoming>,
    /// The first `Put` that failed since the last `Exec`, which then reports it.
    put_error: Option<String>,
    /// What pipes are read into.
    buffer: Vec<u8>,
}

impl Supervisor {
    /// Greets the host.
    pub fn new(cgroup: Cgroup, signals: OwnedFd) -> Self {
        let mut this = Self {
            cgroup,
            signals,
            host: Decoder::new(),
            out: VecDeque::new(),
            running: None,
            incoming: None,
            put_error: None,
            buffer: vec![0; CHUNK],
        };
        let hello = Hello { version: PROTOCOL_VERSION, cgroup: this.cgroup.version() };
        this.say(&FromHarness::Hello(hello));
        this
    }

    /// Runs until the host is gone or nothing can be trusted.
    pub fn run(mut self) -> End {
        let end = loop {
            match self.turn() {
                Ok(true) => {}
                Ok(false) => break End::HostGone,
                Err(message) => break End::Fault(message),
            }
        };
        tidy::kill_all(|_| ());
        if let End::Fault(message) = &end {
            self.say(&FromHarness::Fault(Fault { message: message.clone() }));
            let deadline = Instant::now() + Duration::from_secs(1);
            while !self.out.is_empty() && Instant::now() < deadline && self.flush().is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        end
    }

    /// One round of the loop; false when the host is gone.
    fn turn(&mut self) -> Result<bool, String> {
        self.wait()?;
        if self.flush().is_err() {
            return Ok(false);
        }
        self.reap();
        if self.hears_host() && !self.read_host()? {
            return Ok(false);
        }
        self.feed_stdin();
        self.pump_output();
        self.watch()?;
        Ok(true)
    }

    fn hears_host(&self) -> bool {
        self.out.len() < OUT_HIGH && self.running.as_ref().is_none_or(|r| r.stdin_waiting.len() < STDIN_HIGH)
    }

    /// Sleeps until there is something to do.
    fn wait(&self) -> Result<(), String> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        if self.hears_host() {
            fds.push(PollFd::new(&stdin, PollFlags::IN));
        }
        if !self.out.is_empty() {
            fds.push(PollFd::new(&stdout, PollFlags::OUT));
        }
        let mut timeout = None;
        if let Some(running) = &self.running {
            if self.out.len() < OUT_HIGH {
                fds.extend(
                    [&running.stdout, &running.stderr].into_iter().flatten().map(|fd| PollFd::new(fd, PollFlags::IN)),
                );
            }
            if let Some(fd) = running.stdin.as_ref().filter(|_| !running.stdin_waiting.is_empty()) {
                fds.push(PollFd::new(fd, PollFlags::OUT));
            }
            let left = running.next_tick.saturating_duration_since(Instant::now());
            timeout = Some(Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() });
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(e) => Err(format!("poll: {e}")),
        }
    }

    fn say(&mut self, message: &FromHarness) {
        let mut bytes = Vec::new();
        if encode(message, &mut bytes).is_ok() {
            self.out.extend(bytes);
        }
    }

    /// Writes what the pipe to the host takes.
    fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            let (front, _) = self.out.as_slices();
            match sys::write(HOST_OUT, front)? {
                Some(n) => drop(self.out.drain(..n)),
                None => break,
            }
        }
        Ok(())
    }

    /// Collects every process that has ended.
    fn reap(&mut self) {
        let mut drained = [0; 128];
        while matches!(sys::read(self.signals.as_raw_fd(), &mut drained), Ok(Some(n)) if n > 0) {}
        while let Ok(sys::Wait::Ended(reaped)) = sys::reap() {
            if let Some(running) = &mut self.running {
                running.saw(&reaped);
            }
        }
    }

    /// Reads frames; false when the host has closed the stream.
    fn read_host(&mut self) -> Result<bool, String> {
        match sys::read(HOST_IN, &mut self.buffer) {
            Ok(None) => return Ok(true),
            Ok(Some(0)) | Err(_) => return Ok(false),
            Ok(Some(n)) => self.host.push(&self.buffer[..n]),
        }
        while let Some(message) = self.host.next().map_err(|e| e.to_string())? {
            self.obey(message)?;
        }
        Ok(true)
    }

    fn obey(&mut self, message: ToHarness) -> Result<(), String> {
        match message {
            ToHarness::Stdin(bytes) => {
                if let Some(running) = self.running.as_mut().filter(|r| r.stdin.is_some()) {
                    running.stdin_waiting.extend(bytes);
                }
            }
            ToHarness::StdinEnd => {
                if let Some(running) = &mut self.running {
                    running.stdin_ended = true;
                }
            }
            ToHarness::Kill => {
                if self.running.is_some() {
                    self.finish(Some(Stop::Killed))?;
                }
            }
            ToHarness::Ping => self.say(&FromHarness::Pong),
            _ if self.running.is_some() => return Err("a command came while a process runs".to_owned()),
            ToHarness::Exec(request) => self.start(request),
            ToHarness::Put(header) => self.begin_put(header)?,
            ToHarness::PutData(bytes) => self.more_put(&bytes)?,
            ToHarness::Fetch(request) => {
                let out = &mut self.out;
                let end = files::fetch(&request, |header, content| send_file(out, header, &content))
                    .map_err(|e| format!("the host does not take what it asked for: {e}"))?;
                self.say(&FromHarness::FetchEnd(end));
            }
            ToHarness::Clean => {
                let cleaned = tidy::clean();
                self.say(&FromHarness::Cleaned(cleaned));
            }
        }
        Ok(())
    }

    fn begin_put(&mut self, header: FileHeader) -> Result<(), String> {
        if self.incoming.is_some() {
            return Err("a file began before the last one was complete".to_owned());
        }
        if header.len > files::MAX_PUT {
            return Err(format!("{} has {} bytes; at most {} can be put", header.path, header.len, files::MAX_PUT));
        }
        self.incoming = Some(Incoming { header, content: Vec::new() });
        self.more_put(&[])
    }

    fn more_put(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(mut incoming) = self.incoming.take() else { return Err("file content without a file".to_owned()) };
        incoming.content.extend_from_slice(bytes);
        match (incoming.content.len() as u64).cmp(&incoming.header.len) {
            std::cmp::Ordering::Less => self.incoming = Some(incoming),
            std::cmp::Ordering::Equal => {
                if let Err(why) = files::put(&incoming.header.path, &incoming.content) {
                    self.put_error.get_or_insert(why);
                }
            }
            std::cmp::Ordering::Greater => return Err(format!("{} is longer than announced", incoming.header.path)),
        }
        Ok(())
    }

    fn start(&mut self, request: ExecRequest) {
        let before = self.cgroup.read();
        let started = Instant::now();
        let result = match self.put_error.take() {
            Some(why) => Err(why),
            None => process::start(&request),
        };
        match result {
            Ok(process) => {
                self.running = Some(Running {
                    request,
                    pid: process.pid,
                    stdin: Some(process.stdin),
                    stdin_waiting: VecDeque::new(),
                    stdin_ended: false,
                    stdout: Some(process.stdout),
                    stderr: Some(process.stderr),
                    stdout_bytes: 0,
                    stderr_bytes: 0,
                    started,
                    before,
                    sampled_peak: 0,
                    next_tick: started,
                    ended: None,
                    max_rss: 0,
                    over_output: false,
                });
            }
            Err(why) => {
                tidy::kill_all(|_| ());
                self.say(&FromHarness::Exit(ExecResult {
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
                }));
            }
        }
    }

    fn feed_stdin(&mut self) {
        let Some(running) = &mut self.running else { return };
        let Some(fd) = &running.stdin else { return };
        let mut open = true;
        while open && !running.stdin_waiting.is_empty() {
            let (front, _) = running.stdin_waiting.as_slices();
            match sys::write(fd.as_raw_fd(), front) {
                Ok(Some(n)) => drop(running.stdin_waiting.drain(..n)),
                Ok(None) => break,
                // The process does not read any more: the rest is nobody's.
                Err(_) => open = false,
            }
        }
        if !open || (running.stdin_ended && running.stdin_waiting.is_empty()) {
            running.stdin = None;
            running.stdin_waiting = VecDeque::new();
        }
    }

    /// Passes on what the process printed, while the host takes it.
    fn pump_output(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for stream in [Stream::Out, Stream::Err] {
            while self.out.len() < OUT_HIGH && self.pump(stream, &mut buffer) {}
        }
        self.buffer = buffer;
    }

    /// One read from one stream; false when there is no more for now.
    fn pump(&mut self, stream: Stream, buffer: &mut [u8]) -> bool {
        let Some(running) = &mut self.running else { return false };
        let room = running.output_room();
        let slot = match stream {
            Stream::Out => &mut running.stdout,
            Stream::Err => &mut running.stderr,
        };
        let Some(fd) = slot else { return false };
        // One byte above the limit is read to know that there is one; it is not passed on.
        let want = buffer.len().min(usize::try_from(room.saturating_add(1)).unwrap_or(usize::MAX));
        match sys::read(fd.as_raw_fd(), &mut buffer[..want]) {
            Ok(None) => false,
            Ok(Some(0)) | Err(_) => {
                *slot = None;
                false
            }
            Ok(Some(n)) => {
                let passed = n.min(usize::try_from(room).unwrap_or(usize::MAX));
                let (count, message) = match stream {
                    Stream::Out => (&mut running.stdout_bytes, FromHarness::Stdout(buffer[..passed].to_vec())),
                    Stream::Err => (&mut running.stderr_bytes, FromHarness::Stderr(buffer[..passed].to_vec())),
                };
                *count += passed as u64;
                running.over_output |= passed < n;
                let go_on = !running.over_output;
                if passed > 0 {
                    self.say(&message);
                }
                go_on
            }
        }
    }

    /// Ends the process when it has ended or must.
    fn watch(&mut self) -> Result<(), String> {
        let Some(running) = &mut self.running else { return Ok(()) };
        if running.over_output {
            return self.finish(Some(Stop::Output));
        }
        if running.ended.is_some() {
            return self.finish(None);
        }
        let now = Instant::now();
        if now < running.next_tick {
            return Ok(());
        }
        let wall = now - running.started;
        let limits = running.request.limits;
        running.sampled_peak = running.sampled_peak.max(self.cgroup.usage_bytes());
        if self.cgroup.cpu_us().saturating_sub(running.before.cpu_us) > limits.cpu_ms.saturating_mul(1000) {
            return self.finish(Some(Stop::Cpu));
        }
        if wall >= Duration::from_millis(limits.wall_ms) {
            return self.finish(Some(Stop::Wall));
        }
        // Often at first, so that short programs' memory is seen; seldom later, so that watching costs nothing.
        let step = if wall < Duration::from_millis(100) { 5 } else { 20 };
        let left = Duration::from_millis(limits.wall_ms).saturating_sub(wall);
        running.next_tick = now + left.min(Duration::from_millis(step));
        Ok(())
    }

    /// Kills what is left of the tree, passes on the rest of its output, and reports.
    fn finish(&mut self, stop: Option<Stop>) -> Result<(), String> {
        let Some(running) = &mut self.running else { return Ok(()) };
        let mut others = 0;
        let first_alive = running.ended.is_none();
        let dead = tidy::kill_all(|reaped| {
            others += u32::from(reaped.pid != running.pid);
            running.saw(reaped);
        });
        if !dead {
            return Err("a process of the program could not be killed".to_owned());
        }
        // Nobody holds the other ends any more, so that both streams end.
        let mut buffer = std::mem::take(&mut self.buffer);
        for stream in [Stream::Out, Stream::Err] {
            while self.pump(stream, &mut buffer) {}
        }
        self.buffer = buffer;
        let Some(running) = self.running.take() else { return Ok(()) };
        let after = self.cgroup.read();
        let result = running.result(stop, first_alive, others, after);
        self.say(&FromHarness::Exit(result));
        Ok(())
    }
}

/// Sends a file as the host takes it. Nothing runs meanwhile, so waiting for the host is harmless.
fn send_file(out: &mut VecDeque<u8>, header: FileHeader, content: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::new();
    let failed = |e: iteratione_harness::frame::FrameError| io::Error::other(e.to_string());
    encode(&FromHarness::File(header), &mut bytes).map_err(failed)?;
    for piece in content.chunks(MAX_PAYLOAD) {
        encode(&FromHarness::FileData(piece.to_vec()), &mut bytes).map_err(failed)?;
    }
    out.extend(bytes);
    while out.len() > OUT_HIGH {
        let (front, _) = out.as_slices();
        if let Some(n) = sys::write(HOST_OUT, front)? {
            out.drain(..n);
        } else {
            let stdout = io::stdout();
            poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}
