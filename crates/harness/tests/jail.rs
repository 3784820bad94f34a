//! The real harness as PID 1 of a real container, driven through the Docker CLI.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

use iteratione_harness::{
    frame::{Decoder, encode},
    protocol::{
        Cleaned, ExecLimits, ExecRequest, ExecResult, FetchRequest, FileHeader, FromHarness, PROTOCOL_VERSION, Role,
        Stop, ToHarness,
    },
};

const IMAGE: &str = "debian:trixie-slim";
const DEADLINE: Duration = Duration::from_secs(40);

/// A container with the harness in it; killed when dropped.
struct Jail {
    docker: Child,
    stdin: Option<ChildStdin>,
    frames: Receiver<FromHarness>,
    name: String,
}

/// What a process gave.
struct Run {
    result: ExecResult,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Jail {
    fn start() -> Self {
        Self::with(&["--memory", "128m", "--memory-swap", "128m", "--pids-limit", "64"])
    }

    fn with(extra: &[&str]) -> Self {
        let name = format!("iteratione-harness-test-{}-{:?}", std::process::id(), std::thread::current().id())
            .replace(['(', ')'], "");
        let harness = env!("CARGO_BIN_EXE_iteratione-harness");
        let mut docker = Command::new("docker")
            .args(["run", "-i", "--rm", "--name", &name, "--label", "iteratione.test=harness", "--network", "none"])
            .args(["--read-only", "--user", "0:0", "--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID"])
            .args(["--cap-add", "KILL", "--security-opt", "no-new-privileges", "--ipc", "none", "--log-driver", "none"])
            .args(["--tmpfs", "/build:rw,exec,nosuid,nodev,size=16m,nr_inodes=2k,uid=10002,gid=10002,mode=0755"])
            .args(["--tmpfs", "/scratch:rw,noexec,nosuid,nodev,size=16m,nr_inodes=12k,mode=1777"])
            .args(["--tmpfs", "/tmp:rw,noexec,nosuid,nodev,size=16m,nr_inodes=2k,mode=1777"])
            .args(["--tmpfs", "/dev/shm:rw,noexec,nosuid,nodev,size=8m,nr_inodes=2k,mode=1777"])
            .args(["-v", &format!("{harness}:/iteratione/harness:ro"), "--entrypoint", "/iteratione/harness"])
            .args(extra)
            .arg(IMAGE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the docker client must be installed, and its engine running");
        let (stdin, stdout) = (docker.stdin.take(), docker.stdout.take().expect("piped"));
        let jail = Self { docker, stdin, frames: reader(stdout), name };
        let hello = jail.receive();
        assert!(matches!(&hello, FromHarness::Hello(h) if h.version == PROTOCOL_VERSION && h.cgroup > 0), "{hello:?}");
        jail
    }

    fn send(&mut self, message: &ToHarness) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes).expect("fits");
        self.stdin.as_mut().expect("open").write_all(&bytes).expect("the harness reads");
    }

    fn receive(&self) -> FromHarness {
        match self.frames.recv_timeout(DEADLINE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("the harness said nothing for {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the harness has ended; is the docker engine running?"),
        }
    }

    fn exec(&mut self, request: ExecRequest, stdin: &[u8]) -> Run {
        self.send(&ToHarness::Exec(request));
        for piece in stdin.chunks(100_000) {
            self.send(&ToHarness::Stdin(piece.to_vec()));
        }
        self.send(&ToHarness::StdinEnd);
        self.collect()
    }

    fn collect(&self) -> Run {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        loop {
            match self.receive() {
                FromHarness::Stdout(bytes) => stdout.extend(bytes),
                FromHarness::Stderr(bytes) => stderr.extend(bytes),
                FromHarness::Exit(result) => return Run { result, stdout, stderr },
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    fn sh(&mut self, script: &str) -> Run {
        self.exec(program(&["sh", "-c", script]), b"")
    }

    fn perl(&mut self, script: &str, limits: impl FnOnce(&mut ExecLimits)) -> Run {
        let mut request = program(&["perl", "-e", script]);
        limits(&mut request.limits);
        self.exec(request, b"")
    }

    fn clean(&mut self) -> Cleaned {
        self.send(&ToHarness::Clean);
        match self.receive() {
            FromHarness::Cleaned(cleaned) => cleaned,
            other => panic!("unexpected {other:?}"),
        }
    }

    fn assert_clean(&mut self) {
        let cleaned = self.clean();
        assert!(cleaned.clean, "{:?}", cleaned.detail);
        let run = self.sh("ls -A /scratch /tmp /dev/shm | grep -v : | tr -d '\\n'; set -- /proc/[0-9]*; echo $#");
        // The harness and the shell.
        assert_eq!(String::from_utf8_lossy(&run.stdout), "2\n", "left over: {}", String::from_utf8_lossy(&run.stderr));
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        self.stdin = None;
        Command::new("docker").args(["rm", "-f", &self.name]).output().ok();
        self.docker.wait().ok();
    }
}

fn reader(mut stdout: ChildStdout) -> Receiver<FromHarness> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let (mut decoder, mut buffer) = (Decoder::<FromHarness>::new(), vec![0; 65536]);
        while let Ok(n @ 1..) = stdout.read(&mut buffer) {
            decoder.push(&buffer[..n]);
            while let Some(message) = decoder.next().expect("well-formed") {
                if send.send(message).is_err() {
                    return;
                }
            }
        }
    });
    receive
}

fn program(argv: &[&str]) -> ExecRequest {
    ExecRequest {
        role: Role::Program,
        argv: argv.iter().map(|s| (*s).to_owned()).collect(),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        cwd: "/scratch".to_owned(),
        limits: ExecLimits {
            cpu_ms: 5_000,
            wall_ms: 10_000,
            output_bytes: 8 << 20,
            file_bytes: 64 << 20,
            open_files: 256,
            stack_bytes: None,
        },
    }
}

#[test]
fn a_program_runs_under_its_own_uid_and_its_end_is_told() {
    let mut jail = Jail::start();
    let run = jail
        .sh("echo out; echo err >&2; id -u; id -g; grep -E '^(CapEff|CapPrm|NoNewPrivs)' /proc/self/status; exit 7");
    assert_eq!((run.result.exit_code, run.result.signal, run.result.stop), (Some(7), None, None));
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.starts_with("out\n10001\n10001\n"), "{text}");
    assert!(text.contains("CapEff:\t0000000000000000") && text.contains("CapPrm:\t0000000000000000"), "{text}");
    assert!(text.contains("NoNewPrivs:\t1"), "{text}");
    assert_eq!(run.stderr, b"err\n");
    assert!(run.result.cpu_us > 0 && run.result.wall_us > 0 && run.result.memory_bytes > 0, "{:?}", run.result);
    let run = jail.sh("kill -SEGV $$");
    assert_eq!((run.result.exit_code, run.result.signal), (None, Some(11)));
}

#[test]
fn a_program_that_is_not_there_is_a_spawn_error_with_its_name() {
    let mut jail = Jail::start();
    let run = jail.exec(program(&["no-such-program"]), b"ignored");
    assert!(run.result.spawn_error.as_deref().is_some_and(|e| e.contains("no-such-program")), "{:?}", run.result);
    assert_eq!(jail.sh("echo still here").stdout, b"still here\n");
}

#[test]
fn five_megabytes_go_in_and_come_out_unchanged() {
    let mut jail = Jail::start();
    let input: Vec<u8> = (0..5_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let run = jail.exec(program(&["cat"]), &input);
    assert!(run.stdout == input, "{} bytes came back; {:?}", run.stdout.len(), run.result);
    let run = jail.exec(program(&["true"]), &input);
    assert_eq!(run.result.exit_code, Some(0), "input that nobody reads is discarded");
}

#[test]
fn output_stops_at_its_limit_to_the_byte() {
    let mut jail = Jail::start();
    for script in ["$| = 1; print 'x' x 65536 while 1", "print STDERR 'x' x 1000 while 1", "print 'x' x 100001"] {
        let run = jail.perl(script, |l| l.output_bytes = 100_000);
        assert_eq!(run.result.stop, Some(Stop::Output), "{script}: {:?}", run.result);
        assert_eq!(run.stdout.len() + run.stderr.len(), 100_000, "{script}");
    }
    let run = jail.perl("print 'x' x 100000", |l| l.output_bytes = 100_000);
    assert_eq!((run.result.stop, run.stdout.len()), (None, 100_000));
}

#[test]
fn sleeping_stopping_and_ignoring_signals_end_by_the_wall_limit() {
    let mut jail = Jail::start();
    for script in ["sleep 100", "kill 'STOP', $$; sleep 100", "$SIG{TERM} = 'IGNORE'; sleep 1 while 1"] {
        let run = jail.perl(script, |l| l.wall_ms = 400);
        assert_eq!(run.result.stop, Some(Stop::Wall), "{script}: {:?}", run.result);
        assert!(run.result.wall_us >= 400_000 && run.result.cpu_us < 300_000, "{script}: {:?}", run.result);
    }
}

#[test]
fn cpu_is_that_of_the_whole_tree_whoever_outlives_whom() {
    let mut jail = Jail::start();
    let run = jail.perl("1 while 1", |l| l.cpu_ms = 300);
    assert_eq!(run.result.stop, Some(Stop::Cpu), "{:?}", run.result);
    let run = jail.perl("fork; fork; 1 while 1", |l| l.cpu_ms = 300);
    assert_eq!(run.result.stop, Some(Stop::Cpu), "{:?}", run.result);
    // The burner is an orphan in a session of its own; the first process only sleeps.
    let orphan = "unless (fork) { unless (fork) { use POSIX 'setsid'; setsid(); 1 while 1 } exit } sleep 2";
    let run = jail.perl(orphan, |l| l.cpu_ms = 60_000);
    assert!(run.result.cpu_us > 1_000_000, "an orphan's CPU must be charged: {:?}", run.result);
    assert!(run.result.survivors >= 1, "{:?}", run.result);
    jail.assert_clean();
}

#[test]
fn a_fork_bomb_is_bounded_and_leaves_a_clean_jail() {
    let mut jail = Jail::start();
    for script in ["while (1) { fork }", "use POSIX 'setsid'; while (1) { unless (fork) { setsid(); fork } }"] {
        let run = jail.perl(script, |l| l.cpu_ms = 800);
        assert!(matches!(run.result.stop, Some(Stop::Cpu | Stop::Wall)), "{:?}", run.result);
        jail.assert_clean();
    }
}

#[test]
fn memory_above_the_limit_is_an_oom_kill_and_the_harness_lives() {
    let mut jail = Jail::start();
    let run = jail.perl("my @a; push @a, 'x' x (1 << 20) while 1", |_| ());
    assert!(run.result.oom_kills >= 1, "{:?}", run.result);
    // A child's death is counted too, though the first process ends well.
    let run = jail.perl("unless (fork) { my @a; push @a, 'x' x (1 << 20) while 1 } wait; exit 0", |_| ());
    assert_eq!(run.result.exit_code, Some(0));
    assert!(run.result.oom_kills >= 1, "{:?}", run.result);
    let run = jail.sh("kill -9 $$");
    assert_eq!((run.result.signal, run.result.oom_kills), (Some(9), 0), "SIGKILL alone is no OOM");
    jail.assert_clean();
}

#[test]
fn files_of_any_kind_depth_and_mode_are_gone_after_cleaning() {
    let mut jail = Jail::start();
    let run = jail.sh("mkdir -p a/b/c && touch a/b/c/f && chmod 000 a/b a; mkfifo /tmp/pipe; ln -s /etc /dev/shm/link; touch -- -rf '.hidden'");
    assert_eq!(run.result.exit_code, Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    jail.assert_clean();
    let run = jail.perl("for (1..10000) { mkdir 'd' x 200 or last; chdir 'd' x 200 or last }", |l| l.cpu_ms = 20_000);
    assert_eq!(run.result.exit_code, Some(0));
    jail.assert_clean();
    jail.perl("for (1..1000000) { open my $f, '>', \"f$_\" or last }", |l| l.cpu_ms = 20_000);
    jail.assert_clean();
    jail.perl("open my $f, '>', 'big'; print $f 'x' x 65536 or last for 1..100000", |l| l.cpu_ms = 20_000);
    jail.assert_clean();
}

#[test]
fn the_harness_cannot_be_signalled_traced_or_read() {
    let mut jail = Jail::start();
    let script = "kill 9, 1; kill 19, 1; kill 9, -1; open my $f, '<', '/proc/1/environ' and print 'environ'; \
        opendir my $d, '/proc/1/fd' and print 'fd'; open $f, '<', '/proc/1/mem' and print 'mem'; \
        syscall(101, 16, 1, 0, 0) == 0 and print 'ptrace'; exit 3";
    let run = jail.perl(script, |_| ());
    // kill(-1) spares the caller on Linux.
    assert_eq!(
        (run.result.exit_code, String::from_utf8_lossy(&run.stdout).as_ref()),
        (Some(3), ""),
        "{:?}",
        run.result
    );
    jail.assert_clean();
}

#[test]
fn frames_that_a_program_prints_are_output() {
    let mut jail = Jail::start();
    let mut forged = Vec::new();
    encode(&FromHarness::Pong, &mut forged).expect("fits");
    let run = jail.exec(program(&["cat"]), &forged);
    assert_eq!(run.stdout, forged);
    // Nor is there a descriptor to write to.
    let run = jail.sh("ls /proc/self/fd | wc -l; for n in 3 4 5 6 7 8 9; do echo x 2>/dev/null >&$n; done; true");
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().next(), Some("4"), "0, 1, 2 and the listing itself");
}

#[test]
fn only_the_compiler_writes_to_the_build_folder_and_what_it_made_can_be_fetched() {
    let mut jail = Jail::start();
    let mut compile = program(&[
        "sh",
        "-c",
        "mkdir -p a/b; echo one > a/b/One.class; echo two > Two.class; echo no > x.txt; ln -s /etc/passwd L.class; mkfifo P.class",
    ]);
    (compile.role, compile.cwd) = (Role::Compiler, "/build".to_owned());
    assert_eq!(jail.exec(compile, b"").result.exit_code, Some(0));
    let run = jail.sh("cat /build/Two.class; echo forged > /build/Two.class; rm -f /build/Two.class; touch /build/new");
    assert_eq!(run.stdout, b"two\n");
    jail.assert_clean();
    jail.send(&ToHarness::Fetch(FetchRequest { suffix: ".class".to_owned(), max_bytes: 1000, max_files: 10 }));
    let mut got = Vec::new();
    loop {
        match jail.receive() {
            FromHarness::File(FileHeader { path, .. }) => got.push((path, Vec::new())),
            FromHarness::FileData(bytes) => got.last_mut().expect("after its header").1.extend(bytes),
            FromHarness::FetchEnd(end) => {
                assert!(!end.truncated);
                break;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(got, [("Two.class".to_owned(), b"two\n".to_vec()), ("a/b/One.class".to_owned(), b"one\n".to_vec())]);
}

#[test]
fn a_put_file_is_the_programs_own_and_a_bad_path_fails_the_next_process() {
    let mut jail = Jail::start();
    jail.send(&ToHarness::Put(FileHeader { path: "data/words.txt".to_owned(), len: 5 }));
    jail.send(&ToHarness::PutData(b"hello".to_vec()));
    let run = jail.sh("cat data/words.txt; stat -c ' %u' data/words.txt");
    assert_eq!(run.stdout, b"hello 10001\n");
    jail.assert_clean();
    jail.send(&ToHarness::Put(FileHeader { path: "../etc/x".to_owned(), len: 0 }));
    let run = jail.sh("true");
    assert!(run.result.spawn_error.is_some(), "{:?}", run.result);
}

#[test]
fn kill_ends_the_tree_and_the_harness_answers_on() {
    let mut jail = Jail::start();
    jail.send(&ToHarness::Exec(program(&["sh", "-c", "echo started; sleep 100 & sleep 100"])));
    jail.send(&ToHarness::StdinEnd);
    assert_eq!(jail.receive(), FromHarness::Stdout(b"started\n".to_vec()));
    jail.send(&ToHarness::Kill);
    assert_eq!(jail.collect().result.stop, Some(Stop::Killed));
    jail.send(&ToHarness::Ping);
    assert_eq!(jail.receive(), FromHarness::Pong);
    jail.assert_clean();
}

#[test]
fn the_container_ends_when_its_host_goes_away() {
    let mut jail = Jail::start();
    jail.send(&ToHarness::Exec(program(&["sleep", "100"])));
    jail.stdin = None;
    let (send, ended) = channel();
    let mut docker = std::mem::replace(&mut jail.docker, Command::new("true").spawn().expect("spawns"));
    std::thread::spawn(move || send.send(docker.wait()));
    let status = ended.recv_timeout(DEADLINE).expect("the container ends").expect("waited");
    assert_eq!(status.code(), Some(0));
}
