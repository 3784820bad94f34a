//! The system calls that have no safe form: fork, exec, a change of uid, waiting with resource usage.
//!
//! The harness has one thread, so what is only async-signal-safe in general is safe after its forks.

#![allow(unsafe_code, reason = "the one module that may")]

use std::{
    ffi::CString,
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
    ptr,
};

/// Which side of a fork this is.
pub enum Fork {
    /// The new process.
    Child,
    /// The harness; the child's pid.
    Parent(i32),
}

/// A process that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Reaped {
    /// Its pid.
    pub pid: i32,
    /// Exit code, if it exited.
    pub exit_code: Option<i32>,
    /// Signal, if one ended it.
    pub signal: Option<i32>,
    /// Largest resident set of it or of a child that it waited for, in bytes.
    pub max_rss_bytes: u64,
}

/// What waiting found.
pub enum Wait {
    /// One that has ended.
    Ended(Reaped),
    /// There are children, all alive.
    Alive,
    /// There is no child at all.
    Nobody,
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Makes `/proc/1` unreadable for other uids, and closes what was inherited.
pub fn seclude() -> io::Result<()> {
    // SAFETY: prctl and close_range take integers only; no Rust object owns a descriptor above 2 yet.
    unsafe {
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
        if libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) < 0 {
            for fd in 3..1024 {
                libc::close(fd);
            }
        }
    }
    Ok(())
}

/// A descriptor that becomes readable when a child ends; SIGCHLD is blocked from now on.
pub fn child_signals() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before use; the new descriptor is owned by nobody else.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()))?;
        let fd = check(libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Forks.
pub fn fork() -> io::Result<Fork> {
    // SAFETY: the process has one thread, so the child may go on as ordinary code.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Ends this process at once, without destructors or buffers: for the child side of a fork.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit does not return and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Gives up every right but those of a uid (and the gid of the same number), for good.
pub fn become_user(id: u32) -> io::Result<()> {
    // SAFETY: integers only; an empty group list needs no memory.
    unsafe {
        check(libc::setgroups(0, ptr::null()))?;
        check(libc::setresgid(id, id, id))?;
        check(libc::setresuid(id, id, id))?;
    }
    Ok(())
}

/// In a child: a session of its own, default signals, nothing blocked, files for all to read.
pub fn fresh_process() -> io::Result<()> {
    // SAFETY: the set is initialised by sigemptyset; all else takes integers only.
    unsafe {
        check(libc::setsid())?;
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const set, ptr::null_mut()))?;
        libc::umask(0o022);
    }
    Ok(())
}

/// In a child: the three standard streams.
pub fn set_standard_streams(streams: [BorrowedFd<'_>; 3]) -> io::Result<()> {
    for (target, fd) in (0..).zip(streams) {
        // SAFETY: both descriptors are open; dup2 clears CLOEXEC on the copy.
        check(unsafe { libc::dup2(fd.as_raw_fd(), target) })?;
    }
    Ok(())
}

/// A resource limit, soft and hard alike, but never above the hard limit in force.
pub fn limit(resource: u32, value: u64) -> io::Result<()> {
    // SAFETY: both structures live on this stack frame.
    unsafe {
        let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        check(libc::getrlimit(resource, &raw mut now))?;
        let value = value.min(now.rlim_max);
        let new = libc::rlimit { rlim_cur: value, rlim_max: value };
        check(libc::setrlimit(resource, &raw const new))?;
    }
    Ok(())
}

/// Turns this process into another program; returns only if that fails.
pub fn exec(path: &CString, argv: &[CString], env: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| {
        strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect::<Vec<*const libc::c_char>>()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both lists end with a null pointer, and the strings they point to outlive the call.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// Asks for a child that has ended, without waiting.
pub fn reap() -> io::Result<Wait> {
    let mut status = 0;
    // SAFETY: rusage is plain data, and both pointers are to this stack frame.
    let (pid, usage) = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        (libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage), usage)
    };
    if pid == 0 {
        return Ok(Wait::Alive);
    }
    if pid < 0 {
        let error = io::Error::last_os_error();
        return if error.raw_os_error() == Some(libc::ECHILD) { Ok(Wait::Nobody) } else { Err(error) };
    }
    Ok(Wait::Ended(Reaped {
        pid,
        exit_code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        max_rss_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
    }))
}

/// SIGKILL to every process of the pid namespace but this one, which must be its first.
pub fn kill_everything() {
    // SAFETY: integers only. An error means that there is nobody to kill.
    unsafe {
        libc::kill(-1, libc::SIGKILL);
    }
}

/// This process' id.
pub fn pid() -> i32 {
    // SAFETY: takes and touches nothing.
    unsafe { libc::getpid() }
}

/// Reads without waiting; `None` when there is nothing yet, `Some(0)` at the end.
pub fn read(fd: RawFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    // SAFETY: the buffer is valid for its length; a closed descriptor is an error, not undefined.
    transfer(unsafe { libc::read(fd, buffer.as_mut_ptr().cast(), buffer.len()) })
}

/// Writes without waiting; `None` when there is no room.
pub fn write(fd: RawFd, bytes: &[u8]) -> io::Result<Option<usize>> {
    // SAFETY: the buffer is valid for its length; a closed descriptor is an error, not undefined.
    transfer(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })
}

fn transfer(result: isize) -> io::Result<Option<usize>> {
    if let Ok(n) = usize::try_from(result) {
        return Ok(Some(n));
    }
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
        _ => Err(error),
    }
}

/// Removes the System V objects of this uid that `/proc/sysvipc` lists.
pub fn remove_ipc(kind: &str, id: i32) {
    // SAFETY: IPC_RMID takes no memory. A failure shows when the list is read again.
    unsafe {
        match kind {
            "shm" => libc::shmctl(id, libc::IPC_RMID, ptr::null_mut()),
            "sem" => libc::semctl(id, 0, libc::IPC_RMID),
            _ => libc::msgctl(id, libc::IPC_RMID, ptr::null_mut()),
        };
    }
}
