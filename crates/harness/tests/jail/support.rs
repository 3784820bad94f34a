//! A container with the harness in it, and the host's end of its stream.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    time::Duration,
};

use iteratione_harness::{
    frame::{Decoder, encode},
    protocol::{Cleaned, ExecLimits, ExecRequest, ExecResult, FromHarness, Hello, Role, ToHarness},
};

/// Every wait ends after this.
pub const DEADLINE: Duration = Duration::from_mins(1);
pub const IMAGE: &str = "debian:trixie-slim";
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a test may change about the container.
pub struct Options {
    pub memory: &'static str,
    pub processes: u32,
    pub cpus: &'static str,
    pub image: &'static str,
    /// With the jail's own seccomp profile, or with Docker's.
    pub seccomp: bool,
    pub extra: Vec<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self { memory: "128m", processes: 64, cpus: "0.5", image: IMAGE, seccomp: true, extra: Vec::new() }
    }
}

/// The binary under test: the one that cargo built for this test, or a static one that somebody names.
pub fn harness() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a test's own setting")]
    std::env::var_os("ITERATIONE_TEST_HARNESS")
        .map_or_else(|| env!("CARGO_BIN_EXE_iteratione-harness").into(), PathBuf::from)
}

/// The profile of the real jail, as the engine wants it: without comments.
fn seccomp() -> tempfile::NamedTempFile {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../sandbox/seccomp.json");
    let text = std::fs::read_to_string(file).expect("the jail's seccomp profile");
    let mut profile: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for rule in profile["syscalls"].as_array_mut().expect("rules") {
        rule.as_object_mut().expect("an object").remove("comment");
    }
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    write!(file, "{profile}").expect("written");
    file
}

/// A running jail. Its container goes when this does.
pub struct Jail {
    pub hello: Hello,
    pub name: String,
    client: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<FromHarness>,
}

/// What a program did.
#[derive(Debug)]
pub struct Run {
    pub result: ExecResult,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Run {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

pub fn limits() -> ExecLimits {
    ExecLimits {
        cpu_ms: 10_000,
        wall_ms: 30_000,
        output_bytes: 1 << 20,
        file_bytes: 64 << 20,
        open_files: 128,
        stack_bytes: None,
    }
}

pub fn program(argv: &[&str]) -> ExecRequest {
    ExecRequest {
        role: Role::Program,
        argv: argv.iter().map(|&a| a.to_owned()).collect(),
        env: BTreeMap::from([("PATH".to_owned(), PATH.to_owned())]),
        cwd: "/scratch".to_owned(),
        limits: limits(),
        terminal: None,
        report: None,
        joined: None,
    }
}

pub fn sh(script: &str) -> ExecRequest {
    program(&["sh", "-c", script])
}

pub fn perl(script: &str) -> ExecRequest {
    program(&["perl", "-e", script])
}

impl Jail {
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("iteratione-harness-test-{}-{number}", std::process::id());
        let profile = seccomp();
        let mut docker = Command::new("docker");
        docker.args(["run", "-i", "--rm", "--name", &name, "--label", "iteratione.test=harness"]);
        docker.args(["--network", "none", "--cgroupns", "private", "--log-driver", "none", "--read-only"]);
        docker.args(["--user", "0:0", "--workdir", "/", "--pull", "never", "--ulimit", "core=0"]);
        docker.args(["--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID", "--cap-add", "KILL"]);
        docker.args(["--security-opt", "no-new-privileges"]);
        if options.seccomp {
            docker.arg("--security-opt").arg(format!("seccomp={}", profile.path().display()));
        }
        docker.args(["--memory", options.memory, "--memory-swap", options.memory, "--cpus", options.cpus]);
        docker.arg("--pids-limit").arg(options.processes.to_string());
        let own = "rw,nosuid,nodev";
        docker.args(["--ipc", "none"]);
        docker.arg("--tmpfs").arg(format!("/build:{own},exec,size=32m,nr_inodes=8192,uid=10002,gid=10002,mode=0755"));
        docker.arg("--tmpfs").arg(format!("/scratch:{own},noexec,size=64m,nr_inodes=12000,mode=1777"));
        docker.arg("--tmpfs").arg(format!("/tmp:{own},noexec,size=16m,nr_inodes=8192,mode=1777"));
        docker.arg("--tmpfs").arg(format!("/dev/shm:{own},noexec,size=16m,nr_inodes=1024,mode=1777"));
        docker.args(options.extra);
        docker.arg("-v").arg(format!("{}:/iteratione/harness:ro", harness().display()));
        docker.args(["--entrypoint", "/iteratione/harness", options.image]);
        let mut client =
            docker.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the docker command line client");
        let stdin = client.stdin.take();
        let mut stdout = client.stdout.take().expect("piped");
        // Deep enough that no test blocks the reader, bounded all the same.
        let (sender, messages) = sync_channel(10_000);
        std::thread::spawn(move || {
            let (mut decoder, mut piece) = (Decoder::<FromHarness>::new(), vec![0; 64 * 1024]);
            while let Ok(n) = stdout.read(&mut piece) {
                if n == 0 {
                    break;
                }
                decoder.push(&piece[..n]);
                while let Some(message) = decoder.next().expect("the harness speaks the protocol") {
                    if sender.send(message).is_err() {
                        return;
                    }
                }
            }
        });
        let mut jail = Self { hello: Hello { version: 0, cgroup: 0 }, name, client, stdin, messages };
        jail.hello = match jail.receive() {
            FromHarness::Hello(hello) => hello,
            other => panic!("{other:?} instead of Hello"),
        };
        // The profile's file must live until the client has read it: until now.
        drop(profile);
        jail
    }

    pub fn send(&mut self, message: &ToHarness) {
        let mut wire = Vec::new();
        encode(message, &mut wire).expect("fits");
        self.send_raw(&wire);
    }

    pub fn send_raw(&mut self, wire: &[u8]) {
        let stdin = self.stdin.as_mut().expect("not hung up");
        stdin.write_all(wire).and_then(|()| stdin.flush()).expect("the jail takes it");
    }

    pub fn receive(&mut self) -> FromHarness {
        self.receive_within(DEADLINE).expect("an answer in time")
    }

    pub fn receive_within(&mut self, time: Duration) -> Result<FromHarness, RecvTimeoutError> {
        self.messages.recv_timeout(time)
    }

    pub fn exec(&mut self, request: ExecRequest, stdin: &[u8]) -> Run {
        self.send(&ToHarness::Exec(request));
        for piece in stdin.chunks(200_000) {
            self.send(&ToHarness::Stdin(piece.to_vec()));
        }
        self.send(&ToHarness::StdinEnd);
        let run = self.finish();
        assert_eq!(run.result.stdout_bytes, run.stdout.len() as u64);
        assert_eq!(run.result.stderr_bytes, run.stderr.len() as u64);
        run
    }

    pub fn run(&mut self, request: ExecRequest) -> Run {
        self.exec(request, b"")
    }

    /// Collects a running program's output to its end.
    pub fn finish(&mut self) -> Run {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        loop {
            match self.receive() {
                FromHarness::Stdout(bytes) => stdout.extend(bytes),
                FromHarness::Stderr(bytes) => stderr.extend(bytes),
                FromHarness::Exit(result) => return Run { result, stdout, stderr },
                other => panic!("{other:?} while a program runs"),
            }
        }
    }

    pub fn clean(&mut self) -> Cleaned {
        self.send(&ToHarness::Clean);
        match self.receive() {
            FromHarness::Cleaned(cleaned) => cleaned,
            other => panic!("{other:?} instead of Cleaned"),
        }
    }

    /// Cleans, and shows that an honest program runs as if nothing had been.
    #[track_caller]
    pub fn is_as_new(&mut self) {
        assert_eq!(self.clean(), Cleaned { clean: true, detail: None });
        let ls = self.run(sh("cat; ls -A /scratch /tmp /dev/shm; ls -d /proc/[0-9]* | wc -l"));
        // This shell, its `wc` and the subshell for `ls` may be seen, and the harness.
        let text = ls.text();
        assert!(text.starts_with("/dev/shm:\n\n/scratch:\n\n/tmp:\n"), "{text}");
        let processes: u32 = text.lines().last().and_then(|l| l.trim().parse().ok()).expect("a number");
        assert!(processes <= 4, "{processes} processes");
        assert_eq!(ls.result.exit_code, Some(0));
    }

    /// Ends the host's stream and waits for the container's end.
    pub fn hang_up(&mut self) -> std::process::ExitStatus {
        self.stdin = None;
        self.wait()
    }

    pub fn wait(&mut self) -> std::process::ExitStatus {
        let until = std::time::Instant::now() + DEADLINE;
        while std::time::Instant::now() < until {
            if let Some(status) = self.client.try_wait().expect("a child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the container still runs");
    }

    /// Expects a `Fault`, and the harness' end with it.
    #[track_caller]
    pub fn faults(&mut self) -> String {
        match self.receive() {
            FromHarness::Fault(fault) => {
                assert_eq!(self.wait().code(), Some(1));
                fault.message
            }
            other => panic!("{other:?} instead of Fault"),
        }
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        self.stdin = None;
        let _ =
            Command::new("docker").args(["rm", "-f", &self.name]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}
