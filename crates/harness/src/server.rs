//! The loop: the host's frames, the running process, one `poll` that waits for either.

use std::{
    io::{self, Write as _},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use iteratione_harness::protocol::{
    Fault, FileHeader, FromHarness, Hello, PROTOCOL_VERSION, Stop, ToHarness, WRITABLE_DIRS,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::Mode,
    io::Errno,
    thread::set_thread_groups,
};

use crate::{
    cgroup::Cgroup,
    clean::clean,
    fetch::Fetch,
    identity::hide,
    job::{Job, not_started},
    put::{Place, Put},
    resident::{Resident, Step},
    sys::{self, Reap},
    wire::{Input, Output},
};

const CGROUP: &str = "/sys/fs/cgroup";
/// Zombies that are taken at once, so that a fork storm cannot keep the loop from everything else.
const REAPED_AT_ONCE: u32 = 256;
/// How long a fault waits for the host to read it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until the host is gone (status 0) or something breaks (status 1, after a `Fault`).
pub fn main() -> ExitCode {
    let mut out = Output::default();
    let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| serve(&mut out)));
    let message = match served {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(message)) => message,
        // Never on purpose. Aborting would be ignored in the first process, and take the message with it.
        Err(_) => "the harness panicked".to_owned(),
    };
    // Not `eprintln!`, which panics if nobody listens.
    let _ = writeln!(io::stderr(), "iteratione-harness: {message}");
    let _ = out.send(&FromHarness::Fault(Fault { message }));
    let until = Instant::now() + LAST_WORDS;
    while !out.is_empty() && out.flush().is_ok() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    ExitCode::FAILURE
}

fn serve(out: &mut Output) -> Result<(), String> {
    if !sys::is_init() {
        return Err("it must be the first process of a container: it kills every other one".to_owned());
    }
    hide().map_err(|e| format!("cannot hide itself: {e}"))?;
    sys::close_from(3, false).map_err(|e| format!("cannot close what it inherited: {e}"))?;
    set_thread_groups(&[]).map_err(|e| format!("cannot drop its groups: {e}"))?;
    // The machine has a number of terminals, over all its jails. The harness opens one for who is to have it; programs,
    // that could take them all, cannot. Where this is not possible they can, as before.
    let _ = rustix::fs::chmod("/dev/pts/ptmx", Mode::from_raw_mode(0o660));
    for folder in WRITABLE_DIRS {
        // runc before 1.1.8 takes the mode of a folder of the image instead of the one asked for.
        let _ = rustix::fs::chmod(folder, Mode::from_raw_mode(0o1777));
    }
    for end in [io::stdin().as_fd(), io::stdout().as_fd()] {
        rustix::io::ioctl_fionbio(end, true).map_err(|e| format!("cannot set up its streams: {e}"))?;
    }
    let children = sys::child_signals().map_err(|e| format!("cannot watch its children: {e}"))?;
    let cgroup = Cgroup::open(Path::new(CGROUP));
    let hello = Hello { version: PROTOCOL_VERSION, cgroup: cgroup.as_ref().map_or(0, Cgroup::version) };
    out.send(&FromHarness::Hello(hello)).map_err(|e| e.to_string())?;
    let cpus = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count());
    let input = Input::default();
    Server {
        out,
        input,
        children,
        cgroup,
        cpus,
        state: State::Idle,
        stdin_due: false,
        used: false,
        bad_put: None,
        bad_build: None,
    }
    .run()
}

/// What the harness is doing.
enum State {
    Idle,
    Running(Box<Job>),
    Putting(Put),
    Fetching(Fetch),
    Serving(Box<Resident>),
    /// There was a resident. Nothing else may be done here any more.
    Over,
}

struct Server<'a> {
    out: &'a mut Output,
    input: Input,
    children: OwnedFd,
    cgroup: Option<Cgroup>,
    cpus: u32,
    state: State,
    /// An `Exec` whose `StdinEnd` has not come yet; its process may long be gone.
    stdin_due: bool,
    /// The scratch folder lacks a file that the host wanted there.
    bad_put: Option<String>,
    /// The build folder lacks a file that the host wanted there. Nothing mends that.
    bad_build: Option<String>,
    /// Something else than a resident was here already.
    used: bool,
}

/// What a descriptor in the poll set is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Host,
    ToHost,
    Children,
    ProgramInput,
    ProgramOutput(usize),
}

impl Server<'_> {
    fn run(mut self) -> Result<(), String> {
        loop {
            let held_back = self.obey()?;
            self.advance()?;
            if let Err(error) = self.out.flush() {
                return gone(error);
            }
            // No descriptor tells of what has become possible just now.
            if (held_back && self.ready()) || (self.has_more_to_say() && self.out.has_room()) {
                continue;
            }
            for (source, flags) in self.wait()? {
                match source {
                    // Nobody will answer any more, and everything in here ends with this process.
                    Source::Host if !flags.contains(PollFlags::IN) => return Ok(()),
                    Source::Host => match self.input.fill() {
                        Ok(true) => {}
                        Ok(false) => return Ok(()),
                        Err(error) => return gone(error),
                    },
                    Source::ToHost => {}
                    Source::Children => {
                        sys::clear_signals(&self.children);
                        self.reap()?;
                    }
                    Source::ProgramInput => match &mut self.state {
                        State::Running(job) => job.feed(),
                        State::Serving(resident) => resident.feed(),
                        _ => {}
                    },
                    Source::ProgramOutput(which) => {
                        self.with_job(|job, out| job.pass_on(which, out).map(drop))?;
                        self.with_resident(|resident, out, cgroup| resident.take(which, out, cgroup))?;
                    }
                }
            }
        }
    }

    fn with_job(&mut self, act: impl FnOnce(&mut Job, &mut Output) -> Result<(), String>) -> Result<(), String> {
        if let State::Running(job) = &mut self.state { act(job, self.out) } else { Ok(()) }
    }

    /// Lets the resident, if there is one, do something, and tells the host what has come of it.
    fn with_resident(
        &mut self,
        act: impl FnOnce(&mut Resident, &mut Output, Option<&Cgroup>) -> Result<Step, String>,
    ) -> Result<(), String> {
        let State::Serving(resident) = &mut self.state else { return Ok(()) };
        match act(resident, self.out, self.cgroup.as_ref())? {
            Step::On => Ok(()),
            Step::Said(message) => self.send(&message),
            Step::Over(message) => {
                self.state = State::Over;
                self.send(&message)
            }
        }
    }

    /// Whether the host's next frame may be taken now.
    fn ready(&self) -> bool {
        let state = match &self.state {
            State::Running(job) => job.has_input_room(),
            State::Serving(resident) => resident.has_room(),
            State::Fetching(_) => false,
            State::Idle | State::Putting(_) | State::Over => true,
        };
        state && self.out.has_room_for_answers()
    }

    /// Whether something was left unsaid only for want of room.
    fn has_more_to_say(&self) -> bool {
        match &self.state {
            State::Running(job) => job.can_drain(),
            State::Fetching(_) => true,
            State::Idle | State::Putting(_) | State::Serving(_) | State::Over => false,
        }
    }

    /// Waits until something can be done, or must be.
    fn wait(&self) -> Result<Vec<(Source, PollFlags)>, String> {
        let mut sources = Vec::with_capacity(6);
        let mut fds = Vec::with_capacity(6);
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let mut add = |source, fd, flags| {
            sources.push(source);
            fds.push(PollFd::from_borrowed_fd(fd, flags));
        };
        // With no flags too: that the host has hung up is always told.
        add(Source::Host, stdin.as_fd(), if self.ready() { PollFlags::IN } else { PollFlags::empty() });
        add(Source::Children, self.children.as_fd(), PollFlags::IN);
        if !self.out.is_empty() {
            add(Source::ToHost, stdout.as_fd(), PollFlags::OUT);
        }
        let mut wake = None;
        if let State::Running(job) = &self.state {
            wake = job.wake();
            if let Some(fd) = job.hungry() {
                add(Source::ProgramInput, fd, PollFlags::OUT);
            }
            if self.out.has_room() {
                for (which, fd) in job.sources() {
                    add(Source::ProgramOutput(which), fd, PollFlags::IN);
                }
            }
        }
        if let State::Serving(resident) = &self.state {
            wake = resident.wake();
            if let Some(pipe) = resident.hungry() {
                add(Source::ProgramInput, pipe.as_fd(), PollFlags::OUT);
            }
            if self.out.has_room() {
                for (which, pipe) in resident.sources() {
                    add(Source::ProgramOutput(which), pipe.as_fd(), PollFlags::IN);
                }
            }
        }
        let timeout = wake.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => Ok(Vec::new()),
            Ok(_) => {
                let flags = fds.iter().map(PollFd::revents);
                Ok(sources.into_iter().zip(flags).filter(|(_, flags)| !flags.is_empty()).collect())
            }
            Err(error) => Err(format!("cannot wait: {error}")),
        }
    }

    /// Takes the children that have ended.
    fn reap(&mut self) -> Result<(), String> {
        for _ in 0..REAPED_AT_ONCE {
            match sys::reap() {
                Reap::Process(process) => {
                    if let State::Running(job) = &mut self.state {
                        job.reaped(&process, self.cgroup.as_ref())?;
                    }
                    self.with_resident(|resident, out, cgroup| resident.reaped(&process, out, cgroup))?;
                }
                Reap::NotYet => break,
                Reap::Nobody => {
                    if let State::Running(job) = &mut self.state {
                        job.nobody_left();
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    /// Goes on with what is under way.
    fn advance(&mut self) -> Result<(), String> {
        match &mut self.state {
            State::Running(job) => {
                if job.wake().is_some_and(|at| Instant::now() >= at) {
                    job.watch(self.cgroup.as_ref())?;
                    self.reap()?;
                }
            }
            State::Fetching(fetch) => {
                if fetch.advance(self.out)? {
                    self.state = State::Idle;
                }
            }
            State::Serving(resident) => {
                if resident.wake().is_some_and(|at| Instant::now() >= at) {
                    self.with_resident(|resident, _, cgroup| resident.watch(cgroup))?;
                }
            }
            State::Idle | State::Putting(_) | State::Over => {}
        }
        let State::Running(job) = &mut self.state else { return Ok(()) };
        job.tell_taken(self.out)?;
        if job.drained(self.out)?
            && let State::Running(job) = std::mem::replace(&mut self.state, State::Idle)
        {
            let exit = job.finish(self.cgroup.as_ref())?;
            self.send(&exit)?;
        }
        Ok(())
    }

    fn send(&mut self, message: &FromHarness) -> Result<(), String> {
        self.out.send(message).map_err(|e| e.to_string())
    }

    /// Does what the host has said. `true`: there may be more, which has to wait.
    fn obey(&mut self) -> Result<bool, String> {
        while self.ready() {
            let Some(message) = self.input.next().map_err(|e| e.to_string())? else { return Ok(false) };
            match message {
                ToHarness::Ping => self.send(&FromHarness::Pong)?,
                ToHarness::Kill => {
                    self.with_job(|job, _| {
                        job.stop(Stop::Killed);
                        Ok(())
                    })?;
                    self.with_resident(|resident, _, cgroup| resident.stop(Stop::Killed, cgroup))?;
                }
                ToHarness::Stdin(_) | ToHarness::StdinEnd if !self.stdin_due => {
                    return Err("standard input without an Exec".to_owned());
                }
                ToHarness::Stdin(bytes) => self.with_job(|job, _| job.take_input(&bytes))?,
                ToHarness::Resize(size) => self.with_job(|job, _| {
                    job.resize(size);
                    Ok(())
                })?,
                ToHarness::Credit(credit) => self.with_job(|job, _| {
                    job.give_credit(credit);
                    Ok(())
                })?,
                ToHarness::StdinEnd => {
                    self.stdin_due = false;
                    self.with_job(|job, _| {
                        job.end_input();
                        Ok(())
                    })?;
                }
                ToHarness::PutData(bytes) => {
                    let State::Putting(put) = &mut self.state else {
                        return Err("contents without a Put".to_owned());
                    };
                    put.take(&bytes)?;
                    self.put_arrived();
                }
                // The rest of a request that nobody will read.
                ToHarness::AskData(_) if matches!(self.state, State::Over) => {}
                ToHarness::Ask(_) | ToHarness::AskData(_) => {
                    let State::Serving(resident) = &mut self.state else {
                        return Err("a request without a resident".to_owned());
                    };
                    match message {
                        ToHarness::Ask(request) => resident.ask(request, self.cgroup.as_ref())?,
                        ToHarness::AskData(bytes) => resident.data(&bytes)?,
                        _ => {}
                    }
                }
                _ if self.stdin_due => return Err("a command before StdinEnd".to_owned()),
                _ if !matches!(self.state, State::Idle) => {
                    return Err("a command while another goes on".to_owned());
                }
                ToHarness::Serve(_) if self.used => {
                    return Err("a resident in a jail that something else was in".to_owned());
                }
                ToHarness::Serve(request) => match Resident::start(request, self.cgroup.as_ref(), self.cpus)? {
                    Ok(resident) => self.state = State::Serving(Box::new(resident)),
                    Err(message) => {
                        self.state = State::Over;
                        self.send(&message)?;
                    }
                },
                ToHarness::Exec(request) => {
                    (self.stdin_due, self.used) = (true, true);
                    if let Some(why) = self.bad_build.as_ref().or(self.bad_put.as_ref()) {
                        let exit = not_started(why.clone());
                        self.send(&exit)?;
                        continue;
                    }
                    let joined = request.joined.is_some();
                    match Job::start(request, self.cgroup.as_ref(), self.cpus)? {
                        Ok(job) => {
                            self.state = State::Running(Box::new(job));
                            if joined {
                                self.send(&FromHarness::Started)?;
                            }
                        }
                        Err(why) => self.send(&not_started(why))?,
                    }
                }
                ToHarness::Put(header) => self.put(Place::Scratch, header)?,
                ToHarness::PutBuild(header) => self.put(Place::Build, header)?,
                ToHarness::Fetch(request) => {
                    self.used = true;
                    self.state = State::Fetching(Fetch::begin(&request)?);
                }
                ToHarness::Clean => {
                    self.used = true;
                    self.bad_put = None;
                    let cleaned = clean()?;
                    self.send(&FromHarness::Cleaned(cleaned))?;
                }
            }
        }
        Ok(true)
    }

    fn put(&mut self, place: Place, header: FileHeader) -> Result<(), String> {
        self.used = true;
        self.state = State::Putting(Put::begin(place, header)?);
        self.put_arrived();
        Ok(())
    }

    /// Ends a `Put` whose bytes have all come.
    fn put_arrived(&mut self) {
        if let State::Putting(put) = &self.state
            && let Some(arrived) = put.arrived()
        {
            let bad = match put.place {
                Place::Scratch => &mut self.bad_put,
                Place::Build => &mut self.bad_build,
            };
            *bad = arrived.err().or(bad.take());
            self.state = State::Idle;
        }
    }
}

/// A host that has gone away is the normal end.
fn gone(error: Errno) -> Result<(), String> {
    if error == Errno::PIPE { Ok(()) } else { Err(format!("the host's stream broke: {error}")) }
}
