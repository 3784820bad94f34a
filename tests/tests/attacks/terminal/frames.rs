//! A5, below the messages: frames that no library would send, and more of them than anybody needs. Every socket ends, or
//! goes on as if nothing had been.

use serde_json::json;

use super::{
    Rows, growth, python,
    raw::{BINARY, CLOSE, PING, PONG, Raw, TEXT, frame, head},
    somebody,
};
use crate::frame::Row;

const WAITS: &str = "print('ready', flush=True)\nprint('unharmed', input())\n";
/// Bytes of each piece of a message in pieces, and how many of them are 100 MB.
const PIECE: usize = 64 << 10;
const PIECES: usize = 1_600;

pub fn rows() -> Rows {
    vec![forbidden(), large(), pieces(), pings(), upgrades()]
}

/// Frames that RFC 6455 forbids.
fn no_frames() -> Vec<(&'static str, Vec<u8>)> {
    let long = [b'x'; 200];
    vec![
        ("no mask", vec![TEXT, 2, b'{', b'}']),
        ("reserved bits", frame(0xf1, b"{}")),
        ("a compressed frame", frame(0xc1, b"{}")),
        ("opcode 3", frame(0x83, b"")),
        ("opcode 15", frame(0x8f, b"")),
        ("a ping in pieces", frame(0x09, b"x")),
        ("a long ping", frame(PING, &long)),
        ("a long reason", frame(CLOSE, &[&[0x03, 0xe8][..], &long].concat())),
        ("a reason that is no text", frame(CLOSE, b"\x03\xe8\xff\xfe")),
        ("half a code", frame(CLOSE, b"\x03")),
        ("a code of nobody", frame(CLOSE, &[0, 1])),
        ("a continuation of nothing", frame(0x80, b"x")),
        ("a beginning in the middle", [frame(0x01, b"{"), frame(0x01, b"}")].concat()),
        ("a length beyond all numbers", [&[BINARY, 0xff][..], &[0xff; 8], &[0; 4]].concat()),
        ("a hundred megabytes", head(BINARY, 100 << 20)),
        ("HTTP again", b"GET /ws/run HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("zeros", vec![0; 4096]),
    ]
}

fn forbidden() -> Row {
    Row::new("A5_frames_that_are_none", "python", async |arena| {
        let mut ends = Vec::new();
        for (what, bytes) in no_frames() {
            // Where nobody has a program yet, and where one runs.
            let mut idle = Raw::open(&somebody(arena)).await;
            idle.bytes(&bytes).await;
            let code = idle.closed().await;
            assert_ne!(code, Some(4008), "{what}: was waited for");
            ends.push(code);
        }
        for (what, bytes) in [no_frames().swap_remove(0), no_frames().swap_remove(12), no_frames().swap_remove(14)] {
            let mut busy = Raw::run(&somebody(arena), &python(WAITS)).await;
            busy.shown("ready").await;
            busy.bytes(&bytes).await;
            busy.closed().await;
            assert!(!busy.messages.iter().any(|m| m["type"] == "exit"), "{what}: {:?}", busy.messages);
        }
        format!("closed with {ends:?}")
    })
}

fn large() -> Row {
    Row::new("A5_a_frame_of_a_hundred_megabytes", "python", async |arena| {
        let attacking = async {
            let mut socket = Raw::open(&somebody(arena)).await;
            let mut sent = 0;
            if socket.bytes(&head(TEXT, 100 << 20)).await {
                // All of it, whether somebody still reads or not.
                while sent < PIECES && socket.bytes_and_read(&vec![b' '; PIECE]).await {
                    sent += 1;
                }
            }
            let code = socket.closed().await;
            assert!(matches!(code, None | Some(4002)), "{code:?}");
            sent
        };
        let (sent, grown) = growth(arena, attacking).await;
        format!("broken off after {} MiB; {grown}", (sent * PIECE) >> 20)
    })
}

fn pieces() -> Row {
    Row::new("A5_a_hundred_megabytes_in_pieces", "python", async |arena| {
        let attacking = async {
            let mut seen = Vec::new();
            for (first, piece, most) in
                [(0x01, vec![b' '; PIECE], PIECES), (0x02, vec![7; PIECE], PIECES), (0x01, vec![b' '], 3_000_000)]
            {
                let mut socket = Raw::open(&somebody(arena)).await;
                let mut open = socket.bytes(&frame(first, &piece)).await;
                let (mut bytes, many) = (0, (PIECE / (piece.len() + 6)).max(1));
                let burst = frame(0x00, &piece).repeat(many);
                while open && bytes < most * piece.len() {
                    open = socket.bytes_and_read(&burst).await;
                    bytes += many * piece.len();
                }
                assert!(!open, "{bytes} bytes in pieces of {} were taken", piece.len());
                let code = socket.closed().await;
                assert!(matches!(code, None | Some(4002)), "{code:?}");
                seen.push(bytes >> 10);
            }
            seen
        };
        let (kib, grown) = growth(arena, attacking).await;
        format!("broken off after {kib:?} KiB; {grown}")
    })
}

fn pings() -> Row {
    Row::new("A5_pings_and_empty_pieces_without_end", "python", async |arena| {
        let attacking = async {
            let mut socket = Raw::run(&somebody(arena), &python(WAITS)).await;
            socket.shown("ready").await;
            let pings = frame(PING, &[b'p'; 125]).repeat(10_000);
            assert!(socket.bytes_and_read(&pings).await, "{:?}", socket.messages);
            assert!(socket.bytes_and_read(&frame(PONG, b"nobody asked").repeat(10_000)).await);
            // A text that is never finished, in pieces without anything in them, with pings in between.
            assert!(socket.bytes_and_read(&frame(0x01, b"")).await);
            let nothing = [frame(0x00, b""), frame(PING, b"")].concat().repeat(50_000);
            assert!(socket.bytes_and_read(&nothing).await, "{:?}", socket.messages);
            let kill = json!({"type": "stdin", "data": "all the same\r"}).to_string();
            assert!(socket.bytes(&frame(0x80, kill.as_bytes())).await);
            socket.shown("unharmed all the same").await;
            assert_eq!(socket.exit().await["reason"], "exited");
        };
        growth(arena, attacking).await.1
    })
}

fn upgrades() -> Row {
    Row::new("A5_upgrades_that_are_none", "python", async |arena| {
        let base = &arena.stack.url;
        let path = somebody(arena);
        let path = path.splitn(4, '/').nth(3).expect("a path");
        let with = |first: &str, headers: &str| format!("{first} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        let get = format!("GET /{path}");
        let good = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let long = format!("GET /{path}{}", "x".repeat(300_000));
        let requests = [
            ("no upgrade", with(&get, "")),
            ("another protocol", with(&get, &good.replace("websocket", "h2c"))),
            ("another version", with(&get, &good.replace("13", "8"))),
            ("no key", with(&get, good.split_once("Sec-WebSocket-Key").expect("a key").0)),
            ("POST", with(&get.replace("GET", "POST"), good)),
            ("another path", with("GET /ws/../livez", good)),
            ("another host's page", with(&get, &format!("Origin: https://elsewhere.test\r\n{good}"))),
            ("a long address", with(&long, good)),
            ("many headers", with(&get, &format!("{good}{}", "X-A: b\r\n".repeat(5_000)))),
            ("junk", "\0\u{1}\u{2}\u{7f}\r\n\r\n".to_owned()),
        ];
        let mut seen = Vec::new();
        for (what, request) in requests {
            let mut socket = Raw::connect(base, request.as_bytes()).await;
            let status = socket.status_line().await;
            assert!(status.is_none_or(|status| (400..500).contains(&status)), "{what}: {status:?}");
            seen.push(status.unwrap_or_default());
        }
        format!("answered {seen:?}")
    })
}
