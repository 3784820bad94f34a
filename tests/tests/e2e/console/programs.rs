//! Programs behave as at a local terminal.

use std::time::Duration;

use iteratione_common::terminal::{ClientMessage, Reason, Size};
use testkit::{
    Client,
    console::{Console, SIZE, program},
    stack::{Setup, Stack, with_stack},
};
use vt100::Color;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_Z: &str = "\u{1a}";
const CTRL_BACKSLASH: &str = "\u{1c}";
const ERASE: &str = "\u{7f}";

fn on_a_runner(test: impl AsyncFnOnce(&Stack, &Client)) {
    let settings = vec![
        ("ITERATIONE_RUNNER__SESSIONS_PER_ACCOUNT", "20".to_owned()),
        ("ITERATIONE_RUNNER__WALL_SECONDS", "600".to_owned()),
        ("ITERATIONE_RUNNER__IDLE_SECONDS", "600".to_owned()),
    ];
    let setup = Setup { graders: 0, runners: 1, warm: 2, settings, ..Setup::default() };
    with_stack(setup, Duration::from_secs(600), async |stack| {
        let class = stack.classroom("terminals", 1).await;
        test(stack, class.student()).await;
    });
}

async fn ends_well(console: &mut Console) {
    let exit = console.exit().await;
    assert_eq!((exit.code, exit.reason), (Some(0), Reason::Exited), "{exit:?}\n{}", console.text());
}

#[test]
fn java_programs_ask_and_are_answered() {
    on_a_runner(async |stack, student| {
        for language in ["java", "java25"] {
            // A prompt without a newline is there before anything is typed; umlauts and emoji go both ways.
            let scanner = r#"
                import java.util.Scanner;
                public class Main {
                    public static void main(String[] args) {
                        var in = new Scanner(System.in);
                        System.out.print("Number? ");
                        int n = in.nextInt();
                        in.nextLine();
                        System.out.print("Name? ");
                        String name = in.nextLine();
                        System.out.println(name + ": " + n * n + ", " + name.codePointCount(0, name.length()));
                        while (in.hasNextLine()) System.out.println("more: " + in.nextLine());
                        System.out.println("end");
                    }
                }"#;
            let mut console = Console::run(stack, student, program(language, &[("Main.java", scanner)])).await;
            console.expect("Number? ").await;
            console.type_in("12\n").await;
            console.expect("Name? ").await;
            // A character of two bytes is typed and taken back whole.
            console.type_in(&format!("Zoeü{ERASE}{ERASE}é😀\n")).await;
            console.expect("Zoé😀: 144, 4\r\n").await;
            console.type_in("a\nb\n").await;
            console.expect("more: a\r\n").await;
            console.expect("more: b\r\n").await;
            console.type_in(CTRL_D).await;
            console.expect("end\r\n").await;
            ends_well(&mut console).await;

            let password = r#"
                public class Main {
                    public static void main(String[] args) {
                        char[] secret = System.console().readPassword("Password: ");
                        System.out.println(secret.length + " characters");
                        String line = System.console().readLine("Seen: ");
                        System.out.println("[" + line + "]");
                    }
                }"#;
            let mut console = Console::run(stack, student, program(language, &[("Main.java", password)])).await;
            console.expect("Password: ").await;
            console.type_in("geheim\n").await;
            console.expect("6 characters\r\n").await;
            assert!(!console.text().contains("geheim"), "{language} shows the password: {}", console.text());
            console.expect("Seen: ").await;
            console.type_in("open\n").await;
            console.expect("open\r\n[open]\r\n").await;
            ends_well(&mut console).await;
        }
    });
}

#[test]
fn an_interrupted_java_program_runs_its_shutdown_hooks() {
    on_a_runner(async |stack, student| {
        let source = r#"
            public class Main {
                public static void main(String[] args) throws Exception {
                    Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("cleaned up")));
                    System.out.println("ready");
                    Thread.sleep(100_000);
                }
            }"#;
        let mut console = Console::run(stack, student, program("java", &[("Main.java", source)])).await;
        console.expect("ready\r\n").await;
        console.type_in(CTRL_C).await;
        console.expect("cleaned up\r\n").await;
        let exit = console.exit().await;
        assert_eq!((exit.code, exit.reason), (Some(130), Reason::Exited), "{exit:?}");
    });
}

#[test]
fn python_programs_ask_hide_and_are_interrupted() {
    on_a_runner(async |stack, student| {
        let python = async |source: &str| Console::run(stack, student, program("python", &[("main.py", source)])).await;

        let mut console =
            python("import getpass\nname = input('Name? ')\nsecret = getpass.getpass()\nprint(name, len(secret))\n")
                .await;
        console.expect("Name? ").await;
        console.type_in("Ada é😀\n").await;
        console.expect("Password: ").await;
        console.type_in("geheim\n").await;
        console.expect("Ada é😀 6\r\n").await;
        assert!(!console.text().contains("geheim"), "{}", console.text());
        ends_well(&mut console).await;

        // Typed before anybody reads.
        let mut console =
            python("import time\nprint('wait')\ntime.sleep(1)\nprint([input() for _ in range(3)])\n").await;
        console.expect("wait").await;
        console.type_in("one\ntwo\nthree\n").await;
        console.expect("['one', 'two', 'three']\r\n").await;
        ends_well(&mut console).await;

        let mut console = python("import time\nprint('ready')\ntime.sleep(100)\n").await;
        console.expect("ready").await;
        console.interrupt(CTRL_C, "KeyboardInterrupt").await;
        let exit = console.exit().await;
        assert_eq!((exit.signal, exit.reason), (Some(2), Reason::Exited), "{exit:?}");

        let mut console = python("try:\n    input('? ')\nexcept KeyboardInterrupt:\n    print('caught')\n").await;
        console.expect("? ").await;
        console.interrupt(CTRL_C, "caught\r\n").await;
        ends_well(&mut console).await;

        // Nobody could continue a program that was stopped by default; one that wants to know of it is told.
        // (A handler may come in the middle of a print, which cannot print again.)
        let source = "import os, signal\nprint('ready')\nprint('got', input())\n\
                      signal.signal(signal.SIGTSTP, lambda *_: os.write(1, b'stop?\\n'))\nprint('again')\nprint(input())\n";
        let mut console = python(source).await;
        console.expect("ready").await;
        console.type_in(CTRL_Z).await;
        console.expect("^Z").await;
        console.type_in("on\n").await;
        console.expect("got on").await;
        console.expect("again").await;
        console.interrupt(CTRL_Z, "stop?").await;
        console.type_in("end\n").await;
        ends_well(&mut console).await;

        let mut console = python("print('ready')\ninput()\n").await;
        console.expect("ready").await;
        console.type_in(CTRL_BACKSLASH).await;
        assert_eq!(console.exit().await.signal, Some(3));

        // Until the end of its input, with and without a newline before it.
        for (keys, count) in [("a\nb\n\u{4}", "2 lines"), ("a\nb\u{4}\u{4}\u{4}", "2 lines"), (CTRL_D, "0 lines")] {
            let mut console =
                python("import sys\nprint('ready', flush=True)\nprint(len(list(sys.stdin)), 'lines')\n").await;
            console.expect("ready").await;
            console.type_in(keys).await;
            console.expect(count).await;
            ends_well(&mut console).await;
        }
    });
}

#[test]
fn programs_that_draw_have_the_whole_screen() {
    const CURSES: &str = r#"
import curses

def draw(screen, text):
    rows, cols = screen.getmaxyx()
    screen.erase()
    screen.addstr(0, 0, f"{cols} x {rows}")
    screen.addstr(rows - 1, cols - 7, "corner")
    screen.addstr(rows // 2, cols // 2 - 2, text, curses.color_pair(1) | curses.A_BOLD)
    screen.refresh()

def main(screen):
    curses.init_pair(1, curses.COLOR_RED, curses.COLOR_YELLOW)
    # curses looks for a new window when it draws, and is woken by one while it waits, but not in between.
    screen.timeout(200)
    text = "tea?"
    while True:
        draw(screen, text)
        key = screen.getch()
        if key == -1:
            continue
        if key == ord("q"):
            return
        text = {curses.KEY_UP: "up", curses.KEY_RESIZE: "wide", ord("x"): "ex"}.get(key, f"<{key}>")

curses.wrapper(main)
print("bye")
"#;
    on_a_runner(async |stack, student| {
        let mut console = Console::run(stack, student, program("python", &[("main.py", CURSES)])).await;
        let shows = async |console: &mut Console, size: Size, row: usize, text: &str| {
            while !console.screen(size).get(row).is_some_and(|line| line.contains(text)) {
                assert!(console.take().await, "{text:?} is not in row {row}: {:#?}", console.screen(size));
            }
        };
        shows(&mut console, SIZE, 0, "80 x 24").await;
        shows(&mut console, SIZE, 12, "tea?").await;
        shows(&mut console, SIZE, 23, "corner").await;
        let emulated = console.emulated(SIZE);
        let cell = emulated.screen().cell(12, 38).expect("a cell");
        assert_eq!((cell.contents(), cell.bold()), ("t", true));
        assert_eq!((cell.fgcolor(), cell.bgcolor()), (Color::Idx(1), Color::Idx(3)), "red on yellow");
        assert!(emulated.screen().alternate_screen(), "what was there before comes back at the end");
        console.type_in("x").await;
        shows(&mut console, SIZE, 12, "ex").await;
        console.type_in("\u{1b}OA").await;
        shows(&mut console, SIZE, 12, "up").await;
        let wide = Size { cols: 100, rows: 30 };
        console.send(&ClientMessage::Resize(wide)).await;
        shows(&mut console, wide, 0, "100 x 30").await;
        shows(&mut console, wide, 15, "wide").await;
        console.type_in("q").await;
        console.expect("bye\r\n").await;
        ends_well(&mut console).await;

        // Colours are passed on as they are, and so is what is no text at all.
        let colours = "import sys\nsys.stdout.buffer.write(b'\\x1b[1;31mred\\x1b[0m \\x00\\x01\\xff\\n')\n";
        let mut console = Console::run(stack, student, program("python", &[("main.py", colours)])).await;
        ends_well(&mut console).await;
        assert_eq!(console.output, b"\x1b[1;31mred\x1b[0m \x00\x01\xff\r\n");
    });
}

#[test]
fn the_size_of_the_window_is_there_from_the_first_moment() {
    on_a_runner(async |stack, student| {
        let mut run = program(
            "python",
            &[("main.py", "import os\nprint(*os.get_terminal_size())\ninput()\nprint(*os.get_terminal_size())\n")],
        );
        run.size = Size { cols: 132, rows: 43 };
        let mut console = Console::run(stack, student, run).await;
        console.expect("132 43\r\n").await;
        for cols in 50..100 {
            console.send(&ClientMessage::Resize(Size { cols, rows: 20 })).await;
        }
        console.type_in("\n").await;
        console.expect("99 20\r\n").await;
        ends_well(&mut console).await;
    });
}

#[test]
fn every_core_language_prompts_and_reads() {
    on_a_runner(async |stack, student| {
        let c = "#include <stdio.h>\nint main(void) { int n; printf(\"n? \"); if (scanf(\"%d\", &n) != 1) return 1; printf(\"%d\\n\", n + 1); }\n";
        let cpp = "#include <iostream>\nint main() { int n; std::cout << \"n? \"; std::cin >> n; std::cout << n + 1 << '\\n'; }\n";
        let javascript = "const rl = require('readline').createInterface({ input: process.stdin, output: process.stdout });\n\
                          rl.question('n? ', (n) => { console.log(String(Number(n) + 1)); rl.close(); });\n";
        for (language, name, source) in
            [("c", "main.c", c), ("cpp", "main.cpp", cpp), ("javascript", "main.js", javascript)]
        {
            let mut console = Console::run(stack, student, program(language, &[(name, source)])).await;
            console.expect("n? ").await;
            console.type_in("41\r").await;
            console.expect("42\r\n").await;
            ends_well(&mut console).await;
        }
    });
}

#[test]
fn a_shell_prompts_and_knows_its_window() {
    on_a_runner(async |stack, student| {
        // Every image has a shell.
        let source = r#"
import os
script = """
read -p 'Name? ' name; echo "<$name>"
read -s -p 'Secret? ' secret; echo "${#secret} characters"
test -t 0 && test -t 1 && test -t 2 && stty size
"""
os.execvp("bash", ["bash", "-c", script])
"#;
        let mut console = Console::run(stack, student, program("python", &[("main.py", source)])).await;
        console.expect("Name? ").await;
        console.type_in("Zoé\n").await;
        console.expect("<Zoé>\r\n").await;
        console.expect("Secret? ").await;
        console.type_in("geheim\n").await;
        console.expect("6 characters\r\n24 80\r\n").await;
        assert!(!console.text().contains("geheim"), "{}", console.text());
        ends_well(&mut console).await;
    });
}

#[test]
fn what_does_not_compile_is_told_by_line_and_can_be_mended_on_the_same_socket() {
    on_a_runner(async |stack, student| {
        let broken = "public class Main {\n    public static void main(String[] a) { int x = \"1\"; }\n}\n";
        let mended = "public class Main {\n    public static void main(String[] a) { System.out.println(1); }\n}\n";
        let mut console = Console::run(stack, student, program("java", &[("Main.java", broken)])).await;
        let exit = console.exit().await;
        assert_eq!((exit.reason, exit.code), (Reason::Compile, None), "{exit:?}");
        let found = console.diagnostics();
        assert_eq!((found[0].file.as_deref(), found[0].line), (Some("Main.java"), Some(2)), "{found:?}");
        for _ in 0..2 {
            console.start(program("java", &[("Main.java", mended)])).await;
            console.expect("1\r\n").await;
            ends_well(&mut console).await;
        }
        let mut run = program("python", &[("main.py", "import sys\nprint(sys.argv[1:])\n")]);
        run.args = vec!["a b".to_owned(), "é".to_owned()];
        console.start(run).await;
        console.expect("['a b', 'é']\r\n").await;
        ends_well(&mut console).await;
    });
}
