//! Starting a process of the jail.

use std::{
    ffi::CString,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use iteratione_harness::protocol::{COMPILER_UID, ExecLimits, ExecRequest, PROGRAM_UID, REPORT_FD, Role};
use rustix::{
    fs::Mode,
    pipe::{PipeFlags, pipe_with},
    process::{Resource, Rlimit, chdir, getrlimit, ioctl_tiocsctty, setrlimit, setsid, umask},
};

use crate::{identity::become_user, streams::Ends, sys};

/// Where programs are looked for when the request has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// `RLIMIT_CPU` is this many seconds above the hard limit: a net below the harness' own watch.
const CPU_NET: u64 = 2;
/// How far programs stand back behind the harness.
const NICE: i32 = 10;
/// The victim of choice when the cgroup is full. Raising the score needs no right, lowering it would.
const OOM_SCORE: &str = "1000";

/// What a process gets as its standard streams.
#[derive(Clone, Copy)]
pub enum Stdio<'a> {
    /// Its ends of pipes.
    Pipes(&'a Ends),
    /// All three of them; it is also the terminal of the process' session, and the process is in its foreground.
    Terminal(BorrowedFd<'a>),
}

/// A process that was forked.
#[derive(Debug)]
pub struct Spawned {
    /// Its id.
    pub pid: i32,
    /// Says why it did not become the program; see [`failure`].
    pub report: OwnedFd,
}

/// Uid (and gid) of a role.
pub fn uid_of(role: Role) -> u32 {
    match role {
        Role::Compiler => COMPILER_UID,
        Role::Program => PROGRAM_UID,
    }
}

/// Everything that is made ready before the fork.
struct Plan {
    /// Where the program may be, in order.
    paths: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
    cwd: CString,
    uid: u32,
    limits: ExecLimits,
}

/// Where the child got to.
#[derive(Clone, Copy)]
enum Step {
    Prepare = 1,
    Identity = 2,
    Folder = 3,
    Exec = 4,
}

/// Starts it. Errors are for people: the request or the jail's limits are in the way.
/// `channel` is its end of the report, if it has one.
pub fn spawn(request: &ExecRequest, stdio: Stdio<'_>, channel: Option<&OwnedFd>) -> Result<Spawned, String> {
    let plan = plan(request)?;
    let (report, report_theirs) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| format!("cannot make a pipe: {e}"))?;
    rustix::io::ioctl_fionbio(&report, true).map_err(|e| format!("cannot set up pipes: {e}"))?;
    match sys::fork().map_err(|e| format!("cannot start a process: {e}"))? {
        sys::Forked::Parent(pid) => Ok(Spawned { pid, report }),
        sys::Forked::Child => {
            let (step, error) = child(&plan, stdio, channel);
            let [a, b, c, d] = error.raw_os_error().unwrap_or(libc::EINVAL).to_le_bytes();
            // A pipe takes five bytes at once; if the parent is gone, so is everything.
            let _ = rustix::io::write(&report_theirs, &[step as u8, a, b, c, d]);
            sys::exit_now(127)
        }
    }
}

/// Why the process did not become the program, if that is how it ended.
pub fn failure(report: impl AsFd, request: &ExecRequest) -> Option<String> {
    let mut bytes = [0; 5];
    let Ok(5) = rustix::io::read(report, &mut bytes) else { return None };
    let [step, errno @ ..] = bytes;
    let error = io::Error::from_raw_os_error(i32::from_le_bytes(errno));
    let what = match step {
        s if s == Step::Exec as u8 => format!("cannot run {}", request.argv.first().map_or("", |a| a)),
        s if s == Step::Folder as u8 => format!("cannot enter the folder {}", request.cwd),
        s if s == Step::Identity as u8 => format!("cannot become uid {}", uid_of(request.role)),
        _ => "cannot prepare the process".to_owned(),
    };
    Some(format!("{what}: {error}"))
}

fn plan(request: &ExecRequest) -> Result<Plan, String> {
    let text = |t: &str| CString::new(t).map_err(|_| format!("{t:?} contains a NUL"));
    let Some(program) = request.argv.first().filter(|p| !p.is_empty()) else { return Err("no program given".into()) };
    let path = request.env.get("PATH").map_or(DEFAULT_PATH, |p| p);
    let paths = if program.contains('/') {
        vec![text(program)?]
    } else {
        path.split(':')
            .filter(|p| p.starts_with('/'))
            .map(|p| text(&format!("{p}/{program}")))
            .collect::<Result<_, _>>()?
    };
    if let Some(name) = request.env.keys().find(|k| k.is_empty() || k.contains('=')) {
        return Err(format!("{name:?} cannot be the name of an environment variable"));
    }
    Ok(Plan {
        paths,
        argv: request.argv.iter().map(|a| text(a)).collect::<Result<_, _>>()?,
        env: request.env.iter().map(|(k, v)| text(&format!("{k}={v}"))).collect::<Result<_, _>>()?,
        cwd: text(&request.cwd)?,
        uid: uid_of(request.role),
        limits: request.limits,
    })
}

/// In the new process: becomes the program, or says where that failed.
fn child(plan: &Plan, stdio: Stdio<'_>, channel: Option<&OwnedFd>) -> (Step, io::Error) {
    if let Err(error) = prepare(plan, stdio, channel) {
        return (Step::Prepare, error);
    }
    if let Err(error) = become_user(plan.uid) {
        return (Step::Identity, error);
    }
    if let Err(error) = chdir(plan.cwd.as_c_str()) {
        return (Step::Folder, error.into());
    }
    let (argv, env) = (sys::Texts::new(&plan.argv), sys::Texts::new(&plan.env));
    let mut error = io::Error::from_raw_os_error(libc::ENOENT);
    for path in &plan.paths {
        let why = sys::exec(path, &argv, &env);
        match why.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR) => {}
            // Somewhere else there may be one that may be executed; if not, this is the better reason.
            Some(libc::EACCES) => error = why,
            _ => return (Step::Exec, why),
        }
    }
    (Step::Exec, error)
}

fn prepare(plan: &Plan, streams: Stdio<'_>, channel: Option<&OwnedFd>) -> io::Result<()> {
    setsid()?;
    let [stdin, stdout, stderr] = match streams {
        Stdio::Pipes(ends) => [&ends.stdin, &ends.stdout, &ends.stderr].map(AsFd::as_fd),
        Stdio::Terminal(terminal) => {
            // Its foreground processes are now those of the caller's group.
            ioctl_tiocsctty(terminal)?;
            [terminal; 3]
        }
    };
    // Only matters within the jail: a harness that has to wait for sixty busy loops stops them late.
    let _ = rustix::process::nice(NICE);
    // Still root, whose file this is. Where it cannot be written the kernel judges by size alone.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    rustix::stdio::dup2_stdin(stdin)?;
    rustix::stdio::dup2_stdout(stdout)?;
    rustix::stdio::dup2_stderr(stderr)?;
    // A second lock: every descriptor of the harness closes at exec by itself. Linux before 5.11 does not know this one.
    let _ = sys::close_from(3, true);
    if let Some(channel) = channel {
        // The number is the harness' own signals' until now: the first that it has opened.
        sys::duplicate_as(channel, REPORT_FD)?;
    }
    umask(Mode::WGRP | Mode::WOTH);
    limit(Resource::Core, Some(0))?;
    limit(Resource::Fsize, Some(plan.limits.file_bytes))?;
    limit(Resource::Nofile, Some(plan.limits.open_files))?;
    let hard = crate::job::hard(Duration::from_millis(plan.limits.cpu_ms));
    limit(Resource::Cpu, Some(hard.as_secs().saturating_add(CPU_NET)))?;
    if let Some(bytes) = plan.limits.stack_bytes {
        limit(Resource::Stack, Some(bytes))?;
    }
    // Last: a signal must not find the parent's mask gone while the parent's memory is still here.
    sys::default_signals();
    Ok(())
}

/// Soft and hard, never above the hard limit that there is: that needs a right that the harness does not have.
fn limit(resource: Resource, value: Option<u64>) -> io::Result<()> {
    let hard = getrlimit(resource).maximum;
    let value = match (value, hard) {
        (Some(v), Some(h)) => Some(v.min(h)),
        (v, h) => v.or(h),
    };
    Ok(setrlimit(resource, Rlimit { current: value, maximum: value })?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn request(argv: &[&str], env: &[(&str, &str)]) -> ExecRequest {
        ExecRequest {
            role: Role::Program,
            argv: argv.iter().map(|&a| a.to_owned()).collect(),
            env: env.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect::<BTreeMap<_, _>>(),
            cwd: "/".to_owned(),
            limits: ExecLimits {
                cpu_ms: 1000,
                wall_ms: 1000,
                output_bytes: 0,
                file_bytes: 0,
                open_files: 16,
                stack_bytes: None,
            },
            terminal: None,
            report: None,
            joined: None,
        }
    }

    fn paths(argv: &[&str], env: &[(&str, &str)]) -> Vec<String> {
        let plan = plan(&request(argv, env)).expect("can be run");
        plan.paths.iter().map(|p| p.to_str().expect("UTF-8").to_owned()).collect()
    }

    #[test]
    fn a_name_is_looked_up_in_the_path_of_the_request() {
        assert_eq!(paths(&["javac"], &[("PATH", "/opt/java/bin:/bin")]), ["/opt/java/bin/javac", "/bin/javac"]);
        assert_eq!(paths(&["sh"], &[]).last().map(String::as_str), Some("/bin/sh"));
        assert_eq!(paths(&["./a"], &[("PATH", "/bin")]), ["./a"]);
    }

    #[test]
    fn relative_and_empty_parts_of_the_path_are_not_searched() {
        assert_eq!(paths(&["x"], &[("PATH", ":.:bin:/bin:")]), ["/bin/x"]);
    }

    #[test]
    fn what_cannot_be_passed_to_exec_is_refused_with_a_reason() {
        for (argv, env) in [
            (&[][..], &[][..]),
            (&[""], &[]),
            (&["a", "b\0c"], &[]),
            (&["a"], &[("X", "\0")]),
            (&["a"], &[("X=Y", "z")]),
            (&["a"], &[("", "z")]),
        ] {
            assert!(plan(&request(argv, env)).is_err_and(|why| !why.is_empty()), "{argv:?} {env:?}");
        }
    }
}
