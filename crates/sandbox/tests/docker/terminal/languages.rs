//! Programs of two languages, as their authors run them at home.

use iteratione_common::lab::SourceFile;
use iteratione_sandbox::{
    Sandbox, TerminalRequest,
    protocol::{ExecLimits, ExecRequest},
    toolchain::{self, Order},
};

use super::{Screen, WINDOW, gone, on_terminal, python, site, size};
use crate::support::{DEADLINE, Site, program, take};

const JAVA: &str = r#"
import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        System.out.print("name? ");
        Scanner in = new Scanner(System.in);
        String name = in.nextLine();
        System.out.println("hello " + name + ", console " + (System.console() != null));
        while (in.hasNextLine()) System.out.println("<" + in.nextLine() + ">");
        System.out.println("over");
        System.exit(3);
    }
}
"#;

/// Compiles and opens on a terminal, as for a student.
async fn run(site: &Site, sandbox: &Sandbox, language: &str, name: &str, content: &str) -> Screen {
    let files = [SourceFile { name: name.to_owned(), content: content.to_owned() }];
    let order = Order { files: &files, main: None, given: &[] };
    let opening =
        toolchain::open(sandbox, site.language(language), order, sandbox.default_resources(), "a terminal test");
    let (build, jail) = tokio::time::timeout(2 * DEADLINE, opening).await.expect("in time").expect("the sandbox works");
    let program = build.program.unwrap_or_else(|failure| panic!("{failure:?}: {}", build.compile.output));
    let limits = ExecLimits {
        cpu_ms: 60_000,
        wall_ms: 120_000,
        output_bytes: 1 << 20,
        file_bytes: 1 << 20,
        open_files: 256,
        stack_bytes: None,
    };
    let terminal = Some(TerminalRequest { size: size(80, 24), window: WINDOW });
    let request = ExecRequest { terminal, ..program.exec_request(&[], limits) };
    Screen::open(jail.expect("a program is in a jail"), request)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_java_program_prompts_is_answered_and_reads_until_the_end_of_its_input() {
    let mut site = site();
    site.config.cpus = 1.0;
    site.config.processes = 128;
    let sandbox = site.start().await;
    let mut screen = run(&site, &sandbox, "java", "Main.java", JAVA).await;
    screen.until("name? ").await;
    screen.type_in("Ada\r");
    screen.until("Ada\r\nhello Ada, console true\r\n").await;
    // The erase character of a terminal takes back what was typed.
    screen.type_in("onex\x7f\r");
    screen.until("onex\u{8} \u{8}\r\n<one>\r\n").await;
    screen.type_in("\x04");
    screen.until("over\r\n").await;
    let end = screen.end().await;
    assert_eq!((end.exit_code, end.stop, end.spawn_error), (Some(3), None, None));
    let container = screen.terminal.container_id().to_owned();
    screen.terminal.destroy().await;
    assert!(!site.containers().contains(&container), "destroy waits");
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_program_sees_a_terminal_of_its_size_and_its_umlauts_are_whole() {
    let site = site();
    let sandbox = site.start().await;
    let code = "import os, sys\n\
                print(sys.stdin.isatty(), sys.stdout.isatty(), sys.stderr.isatty(), os.environ['TERM'])\n\
                print(*os.get_terminal_size(), os.ctermid(), os.getpgrp() == os.tcgetpgrp(0))\n\
                print('<' + input('Größe? ') + '>')\n";
    let mut screen = run(&site, &sandbox, "python", "main.py", code).await;
    screen.until("True True True xterm-256color\r\n80 24 /dev/tty True\r\nGröße? ").await;
    screen.type_in("süß\x7f\r");
    screen.until("<sü>\r\n").await;
    assert_eq!(screen.end().await.exit_code, Some(0));
    drop(screen);
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_changes_is_told_and_only_its_last_size_matters() {
    let site = site();
    let sandbox = site.start().await;
    // Not by print(), which must not be interrupted by itself.
    let code = "import os, signal\n\
                tell = lambda *words: os.write(1, (' '.join(map(str, words)) + '\\n').encode())\n\
                signal.signal(signal.SIGWINCH, lambda *_: tell('now', *os.get_terminal_size()))\n\
                tell('ready')\n\
                while True: signal.pause()\n";
    let jail = take(&sandbox, site.language("python")).await;
    let mut screen = Screen::opened(jail, python(code), "ready\r\n").await;
    screen.terminal.resize(size(100, 30));
    screen.until("now 100 30\r\n").await;
    for cols in 1..=10_000 {
        screen.terminal.resize(size(cols, 50));
    }
    screen.until("now 10000 50\r\n").await;
    assert!(screen.seen.len() < 200, "the others were never said: {:?}", String::from_utf8_lossy(&screen.seen));
    let container = screen.terminal.container_id().to_owned();
    drop(screen);
    gone(&site, &container).await;
    site.end(sandbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_nobody_asked_for_is_refused_and_the_jail_goes() {
    let site = Site::base();
    let sandbox = site.start().await;
    let jail = take(&sandbox, site.language("base")).await;
    let mut request = on_terminal(program(&["true"]));
    request.terminal = None;
    assert!(jail.open_terminal(request).is_err());
    site.end(sandbox).await;
}
