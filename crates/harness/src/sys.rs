//! The system calls that have no safe form here: fork, exec, wait with resource usage, signals, System V IPC.
//!
//! The harness has one thread. A forked child may therefore do anything until it executes its program.
#![allow(unsafe_code, reason = "this is the one module in which it is allowed")]

use std::{
    ffi::{CStr, CString},
    io,
    os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd},
    ptr,
    sync::OnceLock,
    time::Duration,
};

/// Which side of [`fork`] this is.
pub enum Forked {
    /// The new process.
    Child,
    /// The old one, and the new one's id.
    Parent(i32),
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It exited.
    Exited(i32),
    /// A signal ended it.
    Signaled(i32),
}

/// A process that has ended and was waited for.
#[derive(Debug, Clone, Copy)]
pub struct Reaped {
    /// Its id.
    pub pid: i32,
    /// How it ended.
    pub end: End,
    /// User + system time, of itself and of those it had waited for.
    pub cpu: Duration,
    /// Highest resident set size in bytes, of itself or of one that it had waited for.
    pub max_rss: u64,
}

/// Answer of [`reap`].
pub enum Reap {
    /// One that has ended.
    Process(Reaped),
    /// There are children, none has ended.
    NotYet,
    /// There are no children.
    Nobody,
}

/// A kind of System V IPC object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ipc {
    /// Shared memory.
    Shm,
    /// Semaphores.
    Sem,
    /// Message queues.
    Msg,
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Whether this is the first process of a PID namespace. Only then does "kill everything" mean a jail.
pub fn is_init() -> bool {
    rustix::process::getpid().is_init()
}

/// A copy of this process.
pub fn fork() -> io::Result<Forked> {
    // Known before the first fork, and so to every child.
    ignored_signals();
    // SAFETY: this process has one thread, so the child's copy of every lock and of the heap is consistent.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid)),
    }
}

/// Ends this process without running anything of the parent's that the fork copied.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: always sound; destructors and buffers are left alone on purpose.
    unsafe { libc::_exit(code) }
}

/// Waits for any child without blocking.
pub fn reap() -> Reap {
    let mut status = 0;
    // SAFETY: `rusage` is plain numbers, for which zeroes are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both pointers are to live, exclusively borrowed locals of the right types.
        let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG | libc::__WALL, &raw mut usage) };
        return match pid {
            0 => Reap::NotYet,
            -1 if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => continue,
            -1 => Reap::Nobody,
            pid => {
                let end = if libc::WIFSIGNALED(status) {
                    End::Signaled(libc::WTERMSIG(status))
                } else {
                    End::Exited(libc::WEXITSTATUS(status))
                };
                let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
                let max_rss = u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024);
                Reap::Process(Reaped { pid, end, cpu, max_rss })
            }
        };
    }
}

fn duration(time: libc::timeval) -> Duration {
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0)) + Duration::from_micros(micros)
}

/// SIGKILL to every process of the PID namespace but this one. An error if there was nobody, which is no harm, or if
/// this process is not the namespace's first: then it would be the whole machine, and nothing is done.
pub fn kill_everything() -> io::Result<()> {
    if !is_init() {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    // SAFETY: sends a signal, touches no memory.
    check(unsafe { libc::kill(-1, libc::SIGKILL) }).map(drop)
}

/// Blocks SIGCHLD and turns it into a descriptor that is readable when a child has ended (not when it was stopped).
pub fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: `sigset_t` and `sigaction` are plain data that the calls below initialise; all pointers are to live
    // locals; the descriptor is new and owned by nobody else.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        action.sa_flags = libc::SA_NOCLDSTOP;
        check(libc::sigaction(libc::SIGCHLD, &raw const action, ptr::null_mut()))?;
        let mut set: libc::sigset_t = std::mem::zeroed();
        check(libc::sigemptyset(&raw mut set))?;
        check(libc::sigaddset(&raw mut set, libc::SIGCHLD))?;
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut()))?;
        let fd = check(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Takes what [`child_signals`] has to say.
pub fn clear_signals(signals: impl AsFd) {
    let mut buffer = [0u8; 8 * size_of::<libc::signalfd_siginfo>()];
    while matches!(rustix::io::read(&signals, &mut buffer), Ok(n) if n == buffer.len()) {}
}

/// Signals that this process ignores, now and always: what starts it, or Rust's runtime, has set them.
fn ignored_signals() -> &'static [libc::c_int] {
    static IGNORED: OnceLock<Vec<libc::c_int>> = OnceLock::new();
    IGNORED.get_or_init(|| {
        let ignored = |&signal: &libc::c_int| {
            // SAFETY: plain data, and a live pointer to it; nothing is set.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, ptr::null(), &raw mut action) == 0 && action.sa_sigaction == libc::SIG_IGN
            }
        };
        (1..=64).filter(ignored).collect()
    })
}

/// For the moment before exec: every signal does what it does by default, none is blocked. Exec itself takes handlers
/// away and leaves alone what is ignored.
pub fn default_signals() {
    // SAFETY: plain data, live pointers.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        for &signal in ignored_signals() {
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut());
    }
}

/// A signal from the keyboard to the foreground processes of a terminal, of which this is the master.
pub fn signal_foreground(master: impl AsFd, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: the argument is a number; no memory is touched.
    check(unsafe { libc::ioctl(master.as_fd().as_raw_fd(), libc::TIOCSIG, signal) }).map(drop)
}

/// Closes every descriptor from `first` on (`at_exec`: marks it to be closed by exec).
pub fn close_from(first: u32, at_exec: bool) -> io::Result<()> {
    let flags = if at_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: the callers own every descriptor from `first` on: at the start nothing else has opened one, and in a
    // forked child nothing uses them before exec.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, flags) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes `fd` known under another number too, across exec. What had that number is closed.
pub fn duplicate_as(fd: impl AsFd, number: i32) -> io::Result<()> {
    let fd = fd.as_fd().as_raw_fd();
    if fd == number {
        // It stays, but for the mark that would close it.
        // SAFETY: sets a flag of a descriptor that is borrowed; touches no memory.
        return check(unsafe { libc::fcntl(fd, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: only in a forked child, just before exec, where nothing uses the descriptor that is replaced.
    check(unsafe { libc::dup2(fd, number) }).map(drop)
}

/// Texts for exec: pointers that live as long as the strings.
pub struct Texts<'a> {
    pointers: Vec<*const libc::c_char>,
    texts: std::marker::PhantomData<&'a CString>,
}

impl<'a> Texts<'a> {
    /// Of these.
    pub fn new(texts: &'a [CString]) -> Self {
        let pointers = texts.iter().map(|t| t.as_ptr()).chain([ptr::null()]).collect();
        Self { pointers, texts: std::marker::PhantomData }
    }
}

/// Becomes another program; returns only why it could not.
pub fn exec(path: &CStr, argv: &Texts<'_>, env: &Texts<'_>) -> io::Error {
    // SAFETY: the arrays end with a null pointer, and what they point to is borrowed for their lifetime.
    unsafe { libc::execve(path.as_ptr(), argv.pointers.as_ptr(), env.pointers.as_ptr()) };
    io::Error::last_os_error()
}

/// Removes a System V IPC object.
pub fn remove_ipc(kind: Ipc, id: i32) -> io::Result<()> {
    // SAFETY: IPC_RMID uses no pointer.
    check(unsafe {
        match kind {
            Ipc::Shm => libc::shmctl(id, libc::IPC_RMID, ptr::null_mut()),
            Ipc::Sem => libc::semctl(id, 0, libc::IPC_RMID),
            Ipc::Msg => libc::msgctl(id, libc::IPC_RMID, ptr::null_mut()),
        }
    })
    .map(drop)
}
