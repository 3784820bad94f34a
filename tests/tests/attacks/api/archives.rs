//! A1: zip archives.

use std::io::{Cursor, Write as _};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{Raw, Reply};
use crate::frame::{Arena, Row, family};

const ZIP: &str = "application/zip";
/// What the API may need on top while it opens archives, in MiB: two at once, of 16 MiB each, and what comes in.
const MEMORY_MB: f64 = 128.0;

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("an archive").into_inner()
}

/// An honest test, and what else is packed with it.
fn with(name: &str, content: &[u8]) -> Vec<u8> {
    packed(&[("1.in", b"1 2\n"), ("1.out", b"3\n"), (name, content)])
}

/// The same bytes with one name in place of another of the same length, wherever it stands.
fn renamed(mut archive: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        archive.windows(from.len()).enumerate().filter(|(_, w)| *w == from.as_bytes()).map(|(i, _)| i).collect();
    for at in places {
        archive[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    archive
}

/// A gigabyte and more of zeros: one compressed entry under many names.
fn bomb(entries: usize) -> Vec<u8> {
    let zeros = vec![0; 64 << 20];
    let one = packed(&[("0.in", &zeros)]);
    let mut source = ZipArchive::new(Cursor::new(one)).expect("an archive");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..entries {
        let entry = source.by_index_raw(0).expect("an entry");
        writer.raw_copy_file_rename(entry, format!("{i}.in")).expect("copied");
    }
    writer.finish().expect("an archive").into_inner()
}

fn linked(target: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("1.in", target, SimpleFileOptions::default()).expect("a link");
    writer.start_file("1.out", SimpleFileOptions::default()).expect("an entry");
    writer.finish().expect("an archive").into_inner()
}

/// Sets the bits of the flags in every header of an archive: bit 0 says that it is encrypted.
fn flagged(mut archive: Vec<u8>, bits: u8) -> Vec<u8> {
    for at in 0..archive.len() - 10 {
        match &archive[at..at + 4] {
            b"PK\x03\x04" => archive[at + 6] |= bits,
            b"PK\x01\x02" => archive[at + 8] |= bits,
            _ => {}
        }
    }
    archive
}

fn many(entries: usize) -> Vec<u8> {
    let names: Vec<String> = (0..entries).map(|i| format!("{i}.in")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
    packed(&files)
}

async fn put(arena: &Arena<'_>, raw: &Raw, archive: Vec<u8>) -> Reply {
    let path = format!("/courses/{}/labs/archive", arena.class.course);
    raw.send(Method::PUT, &path, ZIP, archive).await
}

/// 422, with the entry as the pointer, and words that say why.
fn assert_refused(reply: &Reply, pointer: &str, says: &str) {
    reply.is_refused(says);
    assert_eq!((reply.status, &reply.body["code"]), (422, &json!("invalid")), "{says}: {reply:?}");
    let errors = reply.body["errors"].as_array().expect("a list");
    let error = errors.iter().find(|e| e["pointer"] == pointer).unwrap_or_else(|| panic!("no {pointer}: {reply:?}"));
    assert!(error["detail"].as_str().is_some_and(|d| d.contains(says)), "{says}: {error}");
}

/// An archive that must be refused for a reason.
fn refused(
    id: &'static str,
    pointer: &'static str,
    says: &'static str,
    archive: impl FnOnce() -> Vec<u8> + 'static,
) -> Row {
    Row::new(id, "python", async move |arena| {
        let raw = Raw::of(arena, &arena.class.instructor).await;
        let before = arena.stack.api.memory().expect("it runs").now_mb;
        let archive = archive();
        let bytes = archive.len();
        let reply = put(arena, &raw, archive).await;
        assert_refused(&reply, pointer, says);
        let more = arena.stack.api.memory().expect("it runs").peak_mb - before;
        assert!(more < MEMORY_MB, "{more:.0} MiB more");
        format!("422 for {bytes} bytes: {}", reply.body["errors"][0]["detail"].as_str().unwrap_or_default())
    })
}

/// A few large ones at once take turns.
fn bombs_at_once() -> Row {
    Row::new("A1_bombs_at_once", "python", async |arena| {
        let raw = Raw::of(arena, &arena.class.instructor).await;
        let before = arena.stack.api.memory().expect("it runs").now_mb;
        // Just within every limit: 15 MiB in three entries; and bombs between them.
        let five = vec![b'7'; 5 << 20];
        let large = packed(&[("1.in", &five), ("2.in", &five), ("3.in", &five)]);
        let bomb = bomb(20);
        let puts = (0..10).map(|i| put(arena, &raw, if i % 2 == 0 { large.clone() } else { bomb.clone() }));
        for (i, reply) in join_all(puts).await.iter().enumerate() {
            match i % 2 {
                0 => assert_refused(reply, "/1.in", "without its answer"),
                _ => assert_refused(reply, "/0.in", "larger than 8 MiB"),
            }
        }
        let more = arena.stack.api.memory().expect("it runs").peak_mb - before;
        assert!(more < MEMORY_MB, "{more:.0} MiB more");
        format!("ten archives of 15 MiB to 1.2 GiB: {more:.0} MiB more")
    })
}

/// What is not hostile is taken, whatever a system has left in it.
fn honest() -> Row {
    Row::new("A1_honest", "python", async |arena| {
        let raw = Raw::of(arena, &arena.class.instructor).await;
        let document = json!({"title": "Sums", "languages": ["python"], "groups": []}).to_string();
        let archive = packed(&[
            ("sums/lab.json", document.as_bytes()),
            ("sums/1.in", b"1 2\n"),
            ("sums/1.ans", b"3\n"),
            ("sums/.DS_Store", b"\0\0"),
            ("__MACOSX/sums/._1.in", b"\0\x05"),
            ("sums/inner.zip", &packed(&[("../../etc/cron.d/x", b"x")])),
        ]);
        let reply = put(arena, &raw, archive).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        let warnings = reply.body["warnings"].as_array().expect("a list");
        assert!(
            warnings.iter().any(|w| w["pointer"] == "/sums~1inner.zip"),
            "an archive in it is not opened: {reply:?}"
        );
        assert!(!reply.body.to_string().contains("DS_Store"), "{reply:?}");
        "201, with a warning about the archive in it".to_owned()
    })
}

#[test]
fn hostile_archives_are_refused_with_the_reason_in_bounded_memory() {
    family([
        refused("A1_slip", "/..~1..~1etc~1cron.d~1x", "would leave", || with("../../etc/cron.d/x", b"x")),
        refused("A1_slip_inside", "/a~1..~1..~1x", "would leave", || with("a/../../x", b"x")),
        refused("A1_slip_backslash", "/..\\\\..\\\\x", "backslash", || with("..\\..\\x", b"x")),
        refused("A1_absolute", "/~1etc~1passwd", "absolute", || with("/etc/passwd", b"x")),
        refused("A1_drive", "/C:x", "colon", || with("C:x", b"x")),
        refused("A1_in_litter", "/__MACOSX~1..~1..~1x", "would leave", || with("__MACOSX/../../x", b"x")),
        refused("A1_symlink", "/1.in", "symbolic link", || linked("/etc/passwd")),
        refused("A1_symlink_relative", "/1.in", "symbolic link", || linked("../../../etc/passwd")),
        refused("A1_duplicate", "/1.in", "twice", || renamed(with("2.in", b"x"), "2.in", "1.in")),
        refused("A1_case_twins", "/A.IN", "twice", || packed(&[("a.in", b""), ("A.IN", b"")])),
        refused("A1_unicode_twins", "/u\u{308}.in", "twice", || packed(&[("ü.in", b""), ("u\u{308}.in", b"")])),
        refused("A1_file_and_folder", "/a~1b.in", "in a folder that is a file", || {
            packed(&[("a", b""), ("a/b.in", b"")])
        }),
        refused("A1_encrypted", "/1.in", "encrypted", || flagged(with("2.in", b""), 1)),
        refused("A1_bomb", "/0.in", "larger than 8 MiB", || bomb(20)),
        refused("A1_bomb_of_many", "/3.in", "in all", || {
            let five = vec![b' '; 5 << 20];
            packed(&[("0.in", &five), ("1.in", &five), ("2.in", &five), ("3.in", &five)])
        }),
        refused("A1_entries", "", "100000 entries", || many(100_000)),
        refused("A1_entries_just_too_many", "", "2001 entries", || many(2001)),
        refused("A1_cut_off", "", "", || with("2.in", b"x")[..100].to_vec()),
        refused("A1_no_archive", "", "not a zip archive", || b"Dear Sir or Madam".to_vec()),
        refused("A1_binary_document", "/lab.json", "is not valid JSON", || with("lab.json", &[0xff, 0xfe, 0x00])),
        refused("A1_deep_document", "/lab.json", "invalid type", || with("lab.json", "[".repeat(100_000).as_bytes())),
        bombs_at_once(),
        honest(),
    ]);
}
