//! Starting a process: another uid, limits, pipes; and knowing why when it does not start.

use std::{
    collections::BTreeMap,
    ffi::CString,
    io::{self, Read as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    os::unix::ffi::OsStrExt as _,
};

use iteratione_harness::protocol::{COMPILER_UID, ExecLimits, ExecRequest, PROGRAM_UID, Role};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::sys;

/// Where programs are looked for when the request's environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The harness's ends of a started process.
pub struct Started {
    /// The first process.
    pub pid: i32,
    /// Its standard input, not blocking.
    pub stdin: OwnedFd,
    /// Its standard output, not blocking.
    pub stdout: OwnedFd,
    /// Its standard error, not blocking.
    pub stderr: OwnedFd,
}

/// The uid that a role stands for.
pub fn uid(role: Role) -> u32 {
    match role {
        Role::Compiler => COMPILER_UID,
        Role::Program => PROGRAM_UID,
    }
}

/// Starts a process; the error is for people.
pub fn start(request: &ExecRequest) -> Result<Started, String> {
    let plan = Plan::new(request)?;
    let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|e| format!("no pipe: {e}"));
    let ((stdin_read, stdin), (stdout, stdout_write), (stderr, stderr_write)) = (pipe()?, pipe()?, pipe()?);
    let (failure, failure_write) = pipe()?;
    for fd in [&stdin, &stdout, &stderr] {
        rustix::io::ioctl_fionbio(fd, true).map_err(|e| format!("no pipe: {e}"))?;
    }
    let pid = match sys::fork().map_err(|e| format!("no process can be started: {e}"))? {
        sys::Fork::Parent(pid) => pid,
        sys::Fork::Child => {
            let streams = [stdin_read.as_fd(), stdout_write.as_fd(), stderr_write.as_fd()];
            let why = match plan.become_it(streams) {
                Ok(error) => error,
                Err((step, error)) => format!("{step}: {error}"),
            };
            std::fs::File::from(failure_write).write_all(why.as_bytes()).ok(/* the harness is gone: nobody to tell */);
            sys::exit_now(127)
        }
    };
    drop((stdin_read, stdout_write, stderr_write, failure_write));
    // Ends at exec, which closes the other side, or with the reason for which there was none.
    let mut why = String::new();
    std::fs::File::from(failure).read_to_string(&mut why).map_err(|e| format!("the process is lost: {e}"))?;
    if why.is_empty() { Ok(Started { pid, stdin, stdout, stderr }) } else { Err(why) }
}

/// All that the child needs, made before the fork.
struct Plan {
    uid: u32,
    paths: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    cwd: CString,
    limits: ExecLimits,
    program: String,
}

impl Plan {
    fn new(request: &ExecRequest) -> Result<Self, String> {
        let text = |s: String| {
            CString::new(s).map_err(|e| format!("{:?} has a NUL byte", String::from_utf8_lossy(&e.into_vec())))
        };
        let program = request.argv.first().ok_or("the command line is empty")?.clone();
        Ok(Self {
            uid: uid(request.role),
            paths: candidates(&program, &request.env).into_iter().map(text).collect::<Result<_, _>>()?,
            argv: request.argv.iter().cloned().map(text).collect::<Result<_, _>>()?,
            env: request.env.iter().map(|(k, v)| text(format!("{k}={v}"))).collect::<Result<_, _>>()?,
            cwd: text(request.cwd.clone())?,
            limits: request.limits,
            program,
        })
    }

    /// In the child. Gives why the program did not start, or which step before it failed.
    fn become_it(&self, streams: [std::os::fd::BorrowedFd<'_>; 3]) -> Result<String, (&'static str, io::Error)> {
        sys::fresh_process().map_err(|e| ("session", e))?;
        sys::set_standard_streams(streams).map_err(|e| ("standard streams", e))?;
        let limits = &self.limits;
        // A backstop by the kernel, per process; the limit of the whole tree is the watchdog's.
        let cpu_seconds = limits.cpu_ms.div_ceil(1000).saturating_add(2);
        let pairs = [
            (libc::RLIMIT_CORE, Some(0)),
            (libc::RLIMIT_CPU, Some(cpu_seconds)),
            (libc::RLIMIT_FSIZE, Some(limits.file_bytes)),
            (libc::RLIMIT_NOFILE, Some(limits.open_files)),
            (libc::RLIMIT_STACK, limits.stack_bytes),
        ];
        for (resource, value) in pairs {
            if let Some(value) = value {
                sys::limit(resource, value).map_err(|e| ("resource limits", e))?;
            }
        }
        sys::become_user(self.uid).map_err(|e| ("user id", e))?;
        std::env::set_current_dir(std::ffi::OsStr::from_bytes(self.cwd.as_bytes()))
            .map_err(|e| ("working folder", e))?;
        let mut denied = None;
        for path in &self.paths {
            let error = sys::exec(path, &self.argv, &self.env);
            match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {}
                io::ErrorKind::PermissionDenied => denied = Some(error),
                _ => return Ok(format!("cannot run {}: {error}", self.program)),
            }
        }
        Ok(match denied {
            Some(error) => format!("cannot run {}: {error}", self.program),
            None => format!("cannot run {}: there is no such program in the image", self.program),
        })
    }
}

/// The files that a program's name may mean, in the order of `PATH`.
fn candidates(program: &str, env: &BTreeMap<String, String>) -> Vec<String> {
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    let path = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    path.split(':').filter(|folder| folder.starts_with('/')).map(|folder| format!("{folder}/{program}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_looked_up_in_the_requests_own_path() {
        let env = BTreeMap::from([("PATH".to_owned(), "/opt/java/bin:/usr/bin::relative".to_owned())]);
        assert_eq!(candidates("javac", &env), ["/opt/java/bin/javac", "/usr/bin/javac"]);
        assert_eq!(candidates("/build/main", &env), ["/build/main"]);
        assert_eq!(candidates("sh", &BTreeMap::new()).last().map(String::as_str), Some("/bin/sh"));
    }
}
