//! The program `iteratione-run`, at a terminal of its own and between pipes.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Instant,
};

use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    terminal::{ClientMessage, Exit, Phase, Reason, ServerMessage, Size},
};
use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, OutputModes, Termios, Winsize, tcgetattr, tcsetwinsize},
};
use tempfile::TempDir;

use crate::peer::{DEADLINE, Peer, Said, Socket, TOKEN};

const BINARY: &str = env!("CARGO_BIN_EXE_iteratione-run");

/// A terminal, the keys and the screen of which are the test's.
struct Terminal {
    keyboard: File,
    /// The program's side; open, or the screen would be closed as soon as the program ends.
    line: OwnedFd,
    screen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn new(size: Size) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&keyboard).expect("granted");
        unlockpt(&keyboard).expect("unlocked");
        let name = ptsname(&keyboard, Vec::new()).expect("a name");
        let line = File::options().read(true).write(true).open(name.to_str().expect("text")).expect("its line").into();
        let keyboard = File::from(keyboard);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut shown, kept) = (keyboard.try_clone().expect("cloned"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = shown.read(&mut chunk) {
                kept.lock().expect("not poisoned").extend_from_slice(&chunk[..read]);
            }
        });
        let terminal = Self { keyboard, line, screen };
        terminal.resize(size);
        terminal
    }

    fn resize(&self, size: Size) {
        let size = Winsize { ws_col: size.cols, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.keyboard, size).expect("resized");
    }

    fn modes(&self) -> Termios {
        tcgetattr(&self.line).expect("modes")
    }

    fn is_raw(&self) -> bool {
        let modes = self.modes();
        !modes.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
            && !modes.output_modes.contains(OutputModes::OPOST)
    }

    fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).expect("pressed");
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().expect("not poisoned")).into_owned()
    }

    /// Starts the program in a session whose terminal this is.
    fn run(&self, peer: &Peer, arguments: &[&str]) -> Program {
        let side = || Stdio::from(self.line.try_clone().expect("cloned"));
        // As a login does it; without a session of its own it would be told of no new window size.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(BINARY).args(["--url", &peer.url]).args(arguments).env("ITERATIONE_TOKEN", TOKEN);
        Program(command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid starts"))
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < DEADLINE, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// A process that does not outlive its test.
struct Program(Child);

impl Program {
    async fn end(&mut self) -> ExitStatus {
        let mut status = None;
        until("the program ends", || {
            status = self.0.try_wait().expect("a child");
            status.is_some()
        })
        .await;
        status.expect("it ended")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn source(name: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    std::fs::write(&path, "print(input())\n").expect("written");
    let path = path.to_str().expect("text").to_owned();
    (folder, path)
}

fn exit(reason: Reason, code: Option<i32>, signal: Option<i32>) -> ServerMessage {
    ServerMessage::Exit(Exit { code, signal, reason, wall_ms: 420, cpu_ms: 30, memory_kb: 38_000, message: None })
}

fn status(phase: Phase, position: Option<u32>) -> ServerMessage {
    ServerMessage::Status { phase, position, session: Some("secret".to_owned()) }
}

/// A program that runs at that terminal and has shown its prompt.
async fn prompting(terminal: &Terminal, peer: &mut Peer) -> (Program, Socket) {
    let (_folder, path) = source("main.py");
    let program = terminal.run(peer, &[&path, "--", "-x", "1"]);
    let (mut socket, run) = peer.accept_run("secret").await;
    assert_eq!((run.language.as_str(), run.size), ("python", Size { cols: 90, rows: 30 }));
    assert_eq!((run.files[0].name.as_str(), run.args), ("main.py", vec!["-x".to_owned(), "1".to_owned()]));
    socket.show(b"Name: ").await;
    until("the prompt is shown", || terminal.text().contains("Name: ")).await;
    (program, socket)
}

fn same(a: &Termios, b: &Termios) -> bool {
    (a.input_modes, a.output_modes, a.local_modes, a.control_modes)
        == (b.input_modes, b.output_modes, b.local_modes, b.control_modes)
}

#[tokio::test]
async fn every_key_and_every_size_reaches_the_program_and_the_terminal_is_as_before_afterwards() {
    let (mut terminal, mut peer) = (Terminal::new(Size { cols: 90, rows: 30 }), Peer::new().await);
    let before = terminal.modes();
    let (mut program, mut socket) = prompting(&terminal, &mut peer).await;
    assert!(terminal.is_raw() && terminal.text().contains("Ctrl-] ends the program\r"), "{}", terminal.text());
    terminal.press(b"\x03\x1a\x04\x1b[A\r\xc3\xa9");
    assert_eq!(socket.keys(9).await, b"\x03\x1a\x04\x1b[A\r\xc3\xa9");
    terminal.resize(Size { cols: 132, rows: 50 });
    assert_eq!(socket.said().await, Said::Message(ClientMessage::Resize(Size { cols: 132, rows: 50 })));
    socket.show(b"Ann\r\nbye").await;
    socket.say(exit(Reason::Exited, Some(3), None)).await;
    assert_eq!(program.end().await.code(), Some(3));
    assert!(same(&before, &terminal.modes()));
    until("the last line", || terminal.text().contains("Ann\r\nbye\r\r\nexited 3 in 0.42 s · 38 MB\r")).await;
}

#[tokio::test]
async fn the_escape_ends_the_program() {
    let (mut terminal, mut peer) = (Terminal::new(Size { cols: 90, rows: 30 }), Peer::new().await);
    let before = terminal.modes();
    let (mut program, mut socket) = prompting(&terminal, &mut peer).await;
    terminal.press(b"\x1d");
    assert_eq!(socket.said().await, Said::Message(ClientMessage::Kill));
    socket.say(exit(Reason::Killed, None, Some(9))).await;
    assert_eq!(program.end().await.code(), Some(137));
    assert!(same(&before, &terminal.modes()));
    until("the last line", || terminal.text().contains("stopped after 0.42 s · 38 MB: killed")).await;
}

#[tokio::test]
async fn a_signal_and_a_lost_connection_leave_the_terminal_as_it_was() {
    let (terminal, mut peer) = (Terminal::new(Size { cols: 90, rows: 30 }), Peer::new().await);
    let before = terminal.modes();
    let (mut program, mut socket) = prompting(&terminal, &mut peer).await;
    let pid = Pid::from_raw(i32::try_from(program.0.id()).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::TERM).expect("signalled");
    assert_eq!(socket.said().await, Said::Message(ClientMessage::Kill));
    // It waits a little for the program's end, and goes in any case.
    assert_eq!(program.end().await.code(), Some(143));
    assert!(same(&before, &terminal.modes()));

    let (mut program, socket) = prompting(&terminal, &mut peer).await;
    socket.hang_up(4002).await;
    assert_eq!(program.end().await.code(), Some(125));
    assert!(same(&before, &terminal.modes()));
    until("the reason", || terminal.text().contains("iteratione-run: the connection to the program was lost")).await;
}

#[tokio::test]
async fn progress_is_one_line_that_is_taken_away_and_compile_errors_are_printed_as_compilers_do() {
    let (terminal, mut peer) = (Terminal::new(Size { cols: 90, rows: 30 }), Peer::new().await);
    let (_folder, path) = source("Main.java");
    let mut program = terminal.run(&peer, &[&path]);
    let mut socket = peer.accept().await;
    assert_eq!(socket.run().await.language, "java");
    socket.say(status(Phase::Queued, Some(2))).await;
    socket.say(status(Phase::Compiling, None)).await;
    let item = Diagnostic {
        file: Some("Main.java".to_owned()),
        line: Some(1),
        column: Some(6),
        severity: Severity::Error,
        message: "class expected\n  print".to_owned(),
    };
    socket.say(ServerMessage::Diagnostics { items: vec![item] }).await;
    socket.say(exit(Reason::Compile, None, None)).await;
    assert_eq!(program.end().await.code(), Some(126));
    let shown = "\r\x1b[Kwaiting, place 2 in the line\r\x1b[Kcompiling\r\x1b[K\
        Main.java:1:6: error: class expected\r\r\n  print\r\r\nit does not compile\r";
    let plain = |text: &str| text.replace("\r\r", "\r");
    until("both", || plain(&terminal.text()).contains(&plain(shown))).await;
}

/// Between pipes: what is in the file, standard output, standard error, status.
async fn piped(
    peer: &mut Peer,
    input: &[u8],
    path: &Path,
    talk: impl AsyncFnOnce(&mut Socket),
) -> (String, String, ExitStatus) {
    let mut command = Command::new(BINARY);
    command.args(["--url", &peer.url, "--token", TOKEN]).arg(path);
    let mut program =
        Program(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts"));
    program.0.stdin.take().expect("a pipe").write_all(input).expect("written");
    let (mut socket, _) = peer.accept_run("secret").await;
    talk(&mut socket).await;
    let status = program.end().await;
    let (mut out, mut err) = (String::new(), String::new());
    program.0.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
    program.0.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
    (out, err, status)
}

#[tokio::test]
async fn a_pipe_is_typed_with_an_end_and_its_output_has_plain_line_ends() {
    let mut peer = Peer::new().await;
    let (_folder, path) = source("main.py");
    let path = Path::new(&path);
    let answered = async |socket: &mut Socket| {
        socket.show(b"3 4\r\n7\r").await;
        socket.show(b"\n50%\r100%\r").await;
        socket.say(exit(Reason::Exited, Some(0), None)).await;
    };
    let (out, err, status) = piped(&mut peer, b"3 4", path, async |socket| {
        assert_eq!(socket.keys(5).await, b"3 4\n\x04", "an unfinished line is finished, then the end");
        answered(socket).await;
    })
    .await;
    assert_eq!((out.as_str(), status.code()), ("3 4\n7\n50%\r100%\r", Some(0)));
    assert_eq!(err, "exited 0 in 0.42 s · 38 MB\n");

    let (_, _, status) = piped(&mut peer, b"3 4\n", path, async |socket| {
        assert_eq!(socket.keys(6).await, b"3 4\n\x04\x04", "a file's end lasts");
        socket.say(exit(Reason::Exited, None, Some(11))).await;
    })
    .await;
    assert_eq!(status.code(), Some(139));

    let (_, err, status) = piped(&mut peer, b"more", path, async |socket| {
        socket.keys(6).await;
        let message = "Nobody reads what is typed.".to_owned();
        socket.say(ServerMessage::Notice { code: "input_dropped".to_owned(), message }).await;
        socket.killed().await;
        socket.say(exit(Reason::Killed, None, Some(9))).await;
    })
    .await;
    assert_eq!(status.code(), Some(125), "input that is lost is no success");
    assert!(err.contains("Nobody reads what is typed."), "{err}");
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_program() {
    let mut peer = Peer::new().await;
    let (_folder, path) = source("main.py");
    let mut command = Command::new(BINARY);
    command.args(["--url", &peer.url, "--token", TOKEN, "--quiet", &path]);
    let mut program =
        Program(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts"));
    drop(program.0.stdout.take());
    let (mut socket, _) = peer.accept_run("secret").await;
    assert_eq!(socket.keys(1).await, b"\x04");
    socket.show(b"nobody sees this\r\n").await;
    socket.killed().await;
    socket.say(exit(Reason::Killed, None, Some(9))).await;
    assert_eq!(program.end().await.code(), Some(141));
}
