//! The floor: fork and exec on the host, in the image's file system by chroot, under the jail's uid, and nothing else.
//!
//! The forking process is a small one of its own ([`serve`]), since the cost of a fork grows with the forker. It has a
//! mount namespace for its `/proc` and its folders in memory, so that nothing is left when it is gone; its children
//! share all of that, and cost what any process costs.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use iteratione_sandbox::protocol::{COMPILER_UID, PROGRAM_UID};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _};

use crate::docker::Ended;

/// For one program.
const DEADLINE: Duration = Duration::from_secs(120);

/// What is asked of the forking process, one JSON document a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Request {
    /// Makes a file of text, and its folder.
    Put { path: String, content: String },
    /// Runs a program.
    Run { argv: Vec<String>, env: BTreeMap<String, String>, compiler: bool, stdin: String },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answer {
    /// From before the fork until its end is known and its output read.
    nanos: u64,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// What went wrong.
    error: Option<String>,
}

/// A forking process, ended when dropped.
#[derive(Debug)]
pub struct Bare {
    _child: tokio::process::Child,
    stdin: tokio::process::ChildStdin,
    stdout: tokio::io::Lines<tokio::io::BufReader<tokio::process::ChildStdout>>,
}

impl Bare {
    /// In a file system, with the files of a folder in its `/build`.
    pub fn start(root: &Path, files: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("who am I")?;
        let mut child = tokio::process::Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--"])
            .arg(program)
            .arg("bare")
            .args([root, files])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("unshare (of util-linux) cannot be started")?;
        let stdin = child.stdin.take().context("no pipe")?;
        let stdout = child.stdout.take().context("no pipe")?;
        let stdout = tokio::io::BufReader::new(stdout).lines();
        Ok(Self { _child: child, stdin, stdout })
    }

    /// Makes a file of text.
    pub async fn put(&mut self, path: &str, content: &str) -> anyhow::Result<()> {
        self.ask(&Request::Put { path: path.to_owned(), content: content.to_owned() }).await.map(drop)
    }

    /// Runs a program to its end: how long that took, and what it did.
    pub async fn run(
        &mut self,
        argv: &[String],
        env: &BTreeMap<String, String>,
        compiler: bool,
        stdin: &str,
    ) -> anyhow::Result<(Duration, Ended)> {
        let request = Request::Run { argv: argv.to_vec(), env: env.clone(), compiler, stdin: stdin.to_owned() };
        let answer = self.ask(&request).await?;
        let ended = Ended { code: answer.code, stdout: answer.stdout, stderr: answer.stderr };
        Ok((Duration::from_nanos(answer.nanos), ended))
    }

    async fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let line = serde_json::to_string(request)? + "\n";
        let exchange = async {
            self.stdin.write_all(line.as_bytes()).await?;
            self.stdout.next_line().await
        };
        let line = tokio::time::timeout(DEADLINE, exchange).await.context("a bare process did not end in time")??;
        let line = line.context("the process that forks has ended, see above")?;
        let answer: Answer = serde_json::from_str(&line)?;
        match answer.error {
            Some(error) => bail!("bare: {error}"),
            None => Ok(answer),
        }
    }
}

/// The forking process itself: `iteratione-bench bare ROOT FILES`, in a mount namespace of its own.
pub fn serve(root: &Path, files: &Path) -> anyhow::Result<()> {
    enter(root, files).with_context(|| format!("cannot run programs in {}", root.display()))?;
    let mut out = std::io::stdout().lock();
    for line in BufReader::new(std::io::stdin().lock()).lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let answer = obey(&request).unwrap_or_else(|error| Answer {
            nanos: 0,
            code: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            error: Some(format!("{error:#}")),
        });
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        out.flush()?;
    }
    Ok(())
}

/// The folders of a jail, and the same modes.
fn enter(root: &Path, files: &Path) -> anyhow::Result<()> {
    let inside = |name: &str| -> anyhow::Result<PathBuf> {
        let path = root.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    };
    mount(&["-t", "proc", "proc"], &inside("proc")?)?;
    mount(&["--rbind", "/dev"], &inside("dev")?)?;
    let compiler = format!("nosuid,nodev,mode=0755,size=64m,uid={COMPILER_UID},gid={COMPILER_UID}");
    for (name, options) in [
        ("src", "nosuid,nodev,mode=0755,size=64m"),
        ("build", &compiler),
        ("scratch", "nosuid,nodev,mode=1777,size=64m"),
        ("tmp", "nosuid,nodev,mode=1777,size=64m"),
    ] {
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], &inside(name)?)?;
    }
    for entry in std::fs::read_dir(files)? {
        let entry = entry?;
        let copy = root.join("build").join(entry.file_name());
        std::fs::copy(entry.path(), &copy)?;
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755))?;
    }
    rustix::process::chroot(root)?;
    std::env::set_current_dir("/")?;
    Ok(())
}

fn mount(arguments: &[&str], at: &Path) -> anyhow::Result<()> {
    let status = std::process::Command::new("mount").args(arguments).arg(at).status().context("mount")?;
    ensure!(status.success(), "cannot mount {} at {}", arguments.join(" "), at.display());
    Ok(())
}

fn obey(request: &Request) -> anyhow::Result<Answer> {
    match request {
        Request::Put { path, content } => {
            std::fs::write(path, content)?;
            Ok(Answer { nanos: 0, code: None, stdout: Vec::new(), stderr: Vec::new(), error: None })
        }
        Request::Run { argv, env, compiler, stdin } => {
            let (program, arguments) = argv.split_first().context("no program")?;
            let uid = if *compiler { COMPILER_UID } else { PROGRAM_UID };
            let mut command = std::process::Command::new(program);
            command.args(arguments).env_clear().envs(env).uid(uid).gid(uid);
            command.current_dir(if *compiler { "/src" } else { "/scratch" });
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let began = Instant::now();
            let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
            if let Some(mut pipe) = child.stdin.take() {
                // Small: it fits into the pipe. One that does not read its input may have ended.
                let _ = pipe.write_all(stdin.as_bytes());
            }
            let output = child.wait_with_output()?;
            let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let code = output.status.code();
            Ok(Answer { nanos, code, stdout: output.stdout, stderr: output.stderr, error: None })
        }
    }
}
