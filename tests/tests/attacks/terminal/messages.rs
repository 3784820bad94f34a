//! A5: messages by the million, without sense, and out of measure.

use iteratione_common::ids::UserId;
use serde_json::{Value, json};

use super::{
    Rows, address, growth, python,
    raw::{BINARY, Raw, TEXT, frame},
    somebody, ticket,
};
use crate::frame::Row;

/// Prints its window's size when a line comes, until that is `end`.
const SIZES: &str = "import os\nprint('ready', flush=True)\nwhile input() != 'end': print(os.get_terminal_size())\n";
/// Never reads, and does not mind an interrupt if it is told so.
const DEAF: &str = "import signal, time\nprint('ready', flush=True)\nwhile True: time.sleep(1)\n";
const STUBBORN: &str = "import signal, time\nfor s in (2, 3, 15, 1): signal.signal(s, signal.SIG_IGN)\n\
    print('ready', flush=True)\nwhile True: time.sleep(1)\n";
/// What is typed, in pieces of this many bytes.
const PIECE: usize = 60_000;
const PIECES: usize = 1_700;

pub fn rows() -> Rows {
    vec![input(), nonsense(), runs()]
}

pub fn resizes() -> Row {
    Row::new("A5_ten_thousand_resizes", "python", async |arena| {
        let account = UserId::new();
        let mut socket = Raw::run(&address(&arena.stack.url, &ticket(account)), &python(SIZES)).await;
        socket.shown("ready").await;
        let sizes = [(0, 0), (65535, 65535), (1, 1000), (80, 24), (65535, 0)];
        let mut all = Vec::new();
        for number in 0..10_000 {
            let (cols, rows) = sizes[number % sizes.len()];
            let resize = json!({"type": "resize", "cols": cols, "rows": rows}).to_string();
            all.extend_from_slice(&frame(TEXT, resize.as_bytes()));
        }
        let last = json!({"type": "resize", "cols": 123, "rows": 45}).to_string();
        all.extend_from_slice(&frame(TEXT, last.as_bytes()));
        assert!(socket.bytes_and_read(&all).await);
        socket.keys(b"\r").await;
        socket.shown("columns=123, lines=45").await;
        let session = socket.phase("running").await;
        for bad in
            [json!({"cols": -1, "rows": 24}), json!({"cols": 80, "rows": 65536}), json!({"cols": 1e308, "rows": 1})]
        {
            let mut resize = bad;
            resize["type"] = json!("resize");
            assert!(socket.text(&resize.to_string()).await);
            assert_eq!(socket.closed().await, Some(4002), "{resize}");
            // The program is unharmed.
            socket = Raw::open(&address(&arena.stack.url, &ticket(account))).await;
            socket.text(&json!({"type": "resume", "session": session, "seq": 0}).to_string()).await;
            socket.message("the run", |m| m["type"] == "resumed").await;
        }
        socket.keys(b"end\r").await;
        assert_eq!(socket.exit().await["reason"], "exited");
        "the last one counts".to_owned()
    })
}

fn input() -> Row {
    Row::new("A5_a_hundred_megabytes_typed_at_a_program_that_does_not_read", "python", async |arena| {
        let attacking = async {
            let piece = frame(BINARY, &vec![b'x'; PIECE]);
            for (program, interrupt) in [(DEAF, true), (STUBBORN, false)] {
                let mut socket = Raw::run(&somebody(arena), &python(program)).await;
                socket.shown("ready").await;
                for _ in 0..PIECES / 2 {
                    assert!(socket.bytes_and_read(&piece).await, "{:?}", socket.messages);
                }
                socket.message("notice", |m| m["type"] == "notice" && m["code"] == "input_dropped").await;
                assert!(socket.messages.len() < 100, "{} messages", socket.messages.len());
                socket.keys(&[3]).await;
                if interrupt {
                    let exit = socket.exit().await;
                    assert_eq!(exit["reason"], "exited", "{exit}");
                } else {
                    socket.text(&json!({"type": "kill"}).to_string()).await;
                    assert_eq!(socket.exit().await["reason"], "killed");
                }
            }
        };
        growth(arena, attacking).await.1
    })
}

fn nonsense() -> Row {
    Row::new("A5_messages_without_sense", "python", async |arena| {
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let deep_field =
            format!("{{\"type\":\"run\",\"x\":{}{}}}", "{\"a\":".repeat(10_000), "1".to_owned() + &"}".repeat(10_000));
        let texts: [&[u8]; 16] = [
            b"",
            b"{",
            b"null",
            b"[]",
            b"\"run\"",
            b"{}",
            b"{\"type\":\"sudo\"}",
            b"{\"type\":null}",
            b"{\"type\":\"ack\",\"seq\":1e400}",
            b"{\"type\":\"ack\",\"seq\":99999999999999999999999999999999}",
            b"{\"type\":\"ack\",\"seq\":-1}",
            b"{\"type\":\"stdin\",\"data\":7}",
            b"{\"type\":\"stdin\",\"data\":\"\\ud800\"}",
            b"{\"type\":\"run\",\"language\":[],\"files\":{}}",
            deep.as_bytes(),
            deep_field.as_bytes(),
        ];
        for text in texts {
            let shown = String::from_utf8_lossy(&text[..text.len().min(80)]).into_owned();
            let mut socket = Raw::open(&somebody(arena)).await;
            socket.bytes(&frame(TEXT, text)).await;
            assert_eq!(socket.closed().await, Some(4002), "{shown}: {:?}", socket.messages);
            assert_eq!(socket.error().await, "bad_message", "{shown}");
        }
        // What is no text ends the socket too, with a code of the WebSocket's own or with ours.
        for junk in [&b"\xff\xfe\x80"[..], b"{\"type\":\"\xc3\x28\"}", b"\xed\xa0\x80"] {
            let mut socket = Raw::open(&somebody(arena)).await;
            socket.bytes(&frame(TEXT, junk)).await;
            let code = socket.closed().await;
            assert!(matches!(code, Some(1007 | 4002)), "{junk:?}: {code:?}");
        }
        // Bytes that nobody is there to read are nobody's.
        let mut socket = Raw::open(&somebody(arena)).await;
        let junk: Vec<u8> =
            (0..60_000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).expect("a byte")).collect();
        socket.bytes(&frame(BINARY, &junk)).await;
        socket.text(&python("import sys\nprint(len(sys.stdin.readline()))").to_string()).await;
        socket.phase("running").await;
        socket.keys(b"four\r").await;
        assert_eq!(socket.exit().await["reason"], "exited");
        assert!(socket.shows("5\r\n"), "{}", socket.tail());
        format!("{} refused", texts.len() + 3)
    })
}

pub fn acks() -> Row {
    Row::new("A5_acknowledgements_of_what_never_came", "python", async |arena| {
        let account = UserId::new();
        let here = || address(&arena.stack.url, &ticket(account));
        let mut run = python("print('ready', flush=True)\ninput()\nprint('x' * 1000000)\nprint('done')");
        run["acks"] = json!(true);
        let mut socket = Raw::run(&here(), &run).await;
        socket.shown("ready").await;
        let session = socket.phase("running").await;
        for beyond in [1_000_u64, 1 << 32, u64::MAX] {
            socket.text(&json!({"type": "ack", "seq": beyond}).to_string()).await;
            assert_eq!(socket.closed().await, Some(4002), "{beyond}");
            socket = Raw::open(&here()).await;
            let resume = json!({"type": "resume", "session": session, "seq": 0, "acks": true});
            socket.text(&resume.to_string()).await;
            socket.shown("ready").await;
        }
        socket.keys(b"\r").await;
        let mut last = 0;
        while !socket.messages.iter().any(|m| m["type"] == "exit") {
            // Forwards, backwards, and again: only the most that was acknowledged counts.
            for seq in [socket.output.len(), 0, last, socket.output.len()] {
                socket.text(&json!({"type": "ack", "seq": seq}).to_string()).await;
            }
            last = socket.output.len();
            assert!(socket.read().await, "closed with {:?}: {:?}", socket.code, socket.messages);
        }
        assert!(socket.shows("done"));
        assert!(socket.output.len() > 1_000_000);
        "refused beyond the end, ignored backwards".to_owned()
    })
}

fn runs() -> Row {
    Row::new("A5_runs_that_make_no_sense", "python", async |arena| {
        let file = |name: &str, content: &str| json!({"name": name, "content": content});
        let with = |field: &str, value: Value| {
            let mut run = python("print('never')");
            run[field] = value;
            run
        };
        let names = [
            "../x.py",
            "/etc/x.py",
            "-o",
            "a\nb.py",
            "a\0b.py",
            "main.py;rm",
            "CON.py",
            "ma\u{200b}in.py",
            "",
            ".",
            "..",
        ];
        let long = "x".repeat(300) + ".py";
        let mut invalid: Vec<Value> = names
            .iter()
            .copied()
            .chain([long.as_str()])
            .map(|name| with("files", json!([file("main.py", "pass"), file(name, "pass")])))
            .collect();
        let main = file("main.py", "pass");
        invalid.extend([
            with("language", json!("brainfuck")),
            with("language", json!("../python")),
            with("language", json!("")),
            with("files", json!([])),
            with("files", json!([file("main.py", "pass"), file("MAIN.py", "pass")])),
            with("files", json!([main, main])),
            with("files", (0..10_000).map(|n| file(&format!("f{n}.py"), "")).collect()),
            with("files", json!([file("main.py", &"#".repeat(900_000))])),
            with("args", json!(["a\0b"])),
            with("args", json!(vec!["a"; 100_000])),
            with("args", json!(["a".repeat(500_000)])),
            with("main", json!("../../etc/passwd\n")),
            with("main", json!("x".repeat(100_000))),
        ]);
        let mut socket = Raw::open(&somebody(arena)).await;
        for run in &invalid {
            let shown: String = run.to_string().chars().take(200).collect();
            socket.messages.clear();
            assert!(socket.bytes_and_read(&frame(TEXT, run.to_string().as_bytes())).await, "{shown}");
            let code = socket.error().await;
            assert_eq!(code, "invalid_run", "{shown}: {:?}", socket.messages);
            assert!(socket.messages[0].to_string().len() < 16_384, "{shown}: words without end");
        }
        // The socket is as good as before, and a window without a size has one.
        let mut good = python("import os\nprint(os.get_terminal_size())");
        (good["cols"], good["rows"]) = (json!(0), json!(0));
        socket.messages.clear();
        socket.text(&good.to_string()).await;
        assert_eq!(socket.exit().await["reason"], "exited");
        assert!(socket.shows("columns=1, lines=1"), "{}", socket.tail());
        // Ten megabytes are no message at all.
        let (code, grown) = growth(arena, async {
            let mut socket = Raw::open(&somebody(arena)).await;
            let huge = with("files", json!([file("main.py", &"#".repeat(10 << 20))])).to_string();
            socket.bytes_and_read(&frame(TEXT, huge.as_bytes())).await;
            socket.closed().await
        })
        .await;
        assert!(matches!(code, None | Some(1009 | 4002)), "{code:?}");
        format!("{} refused; 10 MB: closed with {code:?}, {grown}", invalid.len())
    })
}
