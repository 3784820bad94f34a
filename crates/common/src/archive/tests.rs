use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

mod hand_made;

use hand_made::{Record, hand_made};

const LIMITS: Limits = Limits { archive_bytes: 16 << 20, entries: 100, entry_bytes: 64 << 10, total_bytes: 256 << 10 };

/// An archive as an ordinary program makes it.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("an archive").into_inner()
}

fn names_of(archive: &Archive) -> Vec<&str> {
    archive.files.iter().map(|f| f.name.as_str()).collect()
}

#[track_caller]
fn refused(bytes: &[u8], entry: Option<&str>, says: &str) {
    let refusal = read(bytes, &LIMITS).expect_err("must be refused");
    assert_eq!(refusal.entry.as_deref(), entry, "{refusal:?}");
    assert!(refusal.reason.contains(says), "{says:?} is not in {refusal:?}");
    assert!(entry.is_none_or(|e| refusal.reason.contains(e)), "{refusal:?}");
}

#[test]
fn what_common_programs_pack_is_read() {
    let long = "a".repeat(3000);
    for (archive, expected, ignored) in [
        (
            &include_bytes!("testdata/info-zip.zip")[..],
            &["lab/1.in", "lab/1.out", "lab/extra/Übung.txt", "lab/lab.json"][..],
            0,
        ),
        (include_bytes!("testdata/python-streamed.zip"), &["1.in", "lab.json", "Übung.txt"], 0),
        (include_bytes!("testdata/macos-like.zip"), &["lab/1.in", "lab/Übung.txt"], 2),
    ] {
        let archive = read(archive, &LIMITS).expect("an honest archive");
        let mut names = names_of(&archive);
        names.sort_unstable();
        assert_eq!((names.as_slice(), archive.ignored), (expected, ignored));
        for file in &archive.files {
            let content = match file.name.rsplit('/').next() {
                Some("1.in") => "1 2\n",
                Some("1.out") => "3\n",
                Some("Übung.txt") => &long,
                _ => continue,
            };
            assert_eq!(String::from_utf8_lossy(&file.bytes), content, "{}", file.name);
        }
    }
    assert_eq!(read(&packed(&[]), &LIMITS), Ok(Archive::default()));
}

#[test]
fn an_archive_in_an_archive_is_bytes() {
    let inner = packed(&[("../../x", b"1")]);
    let archive = read(&packed(&[("inner.zip", &inner)]), &LIMITS).expect("not opened");
    assert_eq!(archive.files[0].bytes, inner);
}

#[test]
fn names_that_lead_elsewhere_or_deceive_are_refused() {
    let deep = "a/".repeat(17) + "b";
    let long = "x".repeat(256);
    for (name, says) in [
        ("../x", "would leave"),
        ("a/../../x", "would leave"),
        ("a/..", "would leave"),
        ("./x", "would leave"),
        ("/etc/passwd", "absolute"),
        ("//server/share", "absolute"),
        ("..\\x", "backslash"),
        ("a\\..\\..\\x", "backslash"),
        ("C:x", "colon"),
        ("C:/x", "colon"),
        ("x:stream", "colon"),
        ("a//b", "empty folder"),
        ("a\0b", "cannot be seen"),
        ("a\nb", "cannot be seen"),
        ("a\u{7f}", "cannot be seen"),
        ("1.in\u{202e}tuo", "cannot be seen"),
        ("a\u{200b}", "cannot be seen"),
        ("", "empty name"),
        ("a.", "ends with a dot"),
        ("a ", "ends with a dot"),
        ("a./b", "ends with a dot"),
        ("__MACOSX/../x", "would leave"),
        (&deep, "deeply"),
        (&long, "too long"),
    ] {
        let refusal = read(&hand_made(&[Record::stored(name, b"x")]), &LIMITS).expect_err(name);
        assert!(refusal.reason.contains(says), "{name:?}: {says:?} is not in {refusal:?}");
        assert!(!refusal.reason.contains(['\n', '\0', '\u{202e}']), "{refusal:?}");
        let entry = refusal.entry.expect("it is about an entry");
        assert!(entry.chars().count() <= 1000 && refusal.reason.starts_with(&format!("“{entry}”")), "{entry}");
    }
    let mut record = Record::stored("x", b"x");
    record.name = b"caf\xe9.in".to_vec();
    refused(&hand_made(&[record]), Some("caf\u{fffd}.in"), "not UTF-8");
}

#[test]
fn names_of_one_place_are_refused_however_they_are_written() {
    for (first, second, says) in [
        ("1.in", "1.in", "twice"),
        ("a.in", "A.IN", "twice"),
        ("ü.in", "u\u{308}.in", "twice"),
        ("Ü.in", "u\u{308}.in", "twice"),
        ("a", "a/b", "in a folder that is a file"),
        ("A/b/c", "a/b", "file and a folder"),
        ("a/", "a", "file and a folder"),
    ] {
        let archive = hand_made(&[Record::stored(first, b""), Record::stored(second, b"")]);
        let refusal = read(&archive, &LIMITS).expect_err(second);
        assert!(refusal.reason.contains(says), "{first:?}, {second:?}: {refusal:?}");
    }
    let folders = hand_made(&[Record::stored("a/", b""), Record::stored("a/", b""), Record::stored("a/b", b"x")]);
    assert_eq!(names_of(&read(&folders, &LIMITS).expect("a folder may be there twice")), ["a/b"]);
}

#[test]
fn links_devices_secrets_and_strange_compressions_are_refused() {
    let with = |change: &dyn Fn(&mut Record)| {
        let mut record = Record::stored("a/x", b"/etc/passwd");
        change(&mut record);
        hand_made(&[record])
    };
    refused(&with(&|r| r.mode = 0o120_777), Some("a/x"), "symbolic link");
    for kind in [0o010_000, 0o020_000, 0o060_000, 0o140_000] {
        refused(&with(&|r| r.mode = kind | 0o644), Some("a/x"), "device");
    }
    refused(&with(&|r| r.mode = 0o040_755), Some("a/x"), "at once");
    // Whatever system it claims to be from.
    refused(&with(&|r| (r.mode, r.made_by) = (0o120_777, 0)), Some("a/x"), "symbolic link");
    refused(&with(&|r| r.flags |= 1), Some("a/x"), "encrypted");
    refused(&with(&|r| r.method = 12), Some("a/x"), "is not understood");
    refused(&with(&|r| r.method = 99), Some("a/x"), "");
    refused(&with(&|r| r.crc ^= 1), Some("a/x"), "broken");
    refused(&hand_made(&[Record::stored("a/", b"content")]), Some("a/"), "folder");
}

#[test]
fn a_bomb_is_given_up_at_the_limit_whatever_it_announces() {
    let zeros = vec![0; 64 << 20];
    let bomb = packed(&[("bomb", &zeros)]);
    assert!(bomb.len() < 200 << 10, "{}", bomb.len());
    refused(&bomb, Some("bomb"), "larger than 65536 bytes");

    let deflated = hand_made::deflated_of(&bomb);
    for announced in [0, 1, 1000, u32::MAX] {
        let mut record = Record::stored("liar", b"");
        (record.method, record.data, record.announced) = (8, deflated.clone(), Some(announced));
        let refusal = read(&hand_made(&[record]), &LIMITS).expect_err("a liar");
        assert_eq!(refusal.entry.as_deref(), Some("liar"), "{refusal:?}");
    }
    let each = vec![b'x'; 60 << 10];
    let names: Vec<String> = (0..5).map(|i| format!("{i}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), each.as_slice())).collect();
    refused(&packed(&files), Some("4"), "more than 262144 bytes in all");
    refused(&vec![0; (16 << 20) + 1], None, "larger than 16 MiB");
}

#[test]
fn one_content_under_many_names_is_refused() {
    // The directory names one local entry again and again.
    let mut records = vec![Record::stored("0", &vec![b'x'; 10_000])];
    for i in 1..50 {
        let mut again = Record::stored(&i.to_string(), &vec![b'x'; 10_000]);
        again.shares_first = true;
        records.push(again);
    }
    refused(&hand_made(&records), None, "broken");
}

#[test]
fn headers_that_contradict_each_other_are_refused() {
    let mut record = Record::stored("harmless.txt", b"x");
    record.local_name = Some(b"../harmful".to_vec());
    refused(&hand_made(&[record]), None, "broken");
    let mut record = Record::stored("a", b"xyz");
    record.announced = Some(2);
    read(&hand_made(&[record]), &LIMITS).expect_err("two sizes");
}

#[test]
fn a_hundred_thousand_entries_are_refused_before_they_are_read() {
    let records: Vec<Record> = (0..100_000).map(|i| Record::stored(&i.to_string(), b"")).collect();
    let archive = hand_made(&records);
    let begin = Instant::now();
    let refusal = read(&archive, &LIMITS).expect_err("too many");
    assert!(begin.elapsed() < Duration::from_secs(20));
    // The old format counts to 65535 and begins anew; the archive is then told to be broken.
    assert!(refusal.entry.is_none() && (refusal.reason.contains("entries")), "{refusal:?}");
    let many: Vec<Record> = (0..=LIMITS.entries).map(|i| Record::stored(&i.to_string(), b"")).collect();
    refused(&hand_made(&many), None, "has 101 entries: at most 100");
    let just: Vec<Record> = (0..LIMITS.entries).map(|i| Record::stored(&i.to_string(), b"")).collect();
    assert_eq!(read(&hand_made(&just), &LIMITS).expect("as many as allowed").files.len(), 100);
}

#[test]
fn what_is_no_archive_is_told_so_in_bounded_time() {
    let directory_entry = b"PK\x01\x02";
    let end = b"PK\x05\x06";
    let end64 = b"PK\x06\x06";
    let locator = b"PK\x06\x07";
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("text", b"Dear Sir or Madam".to_vec()),
        ("zeros", vec![0; 1 << 20]),
        ("directory entries", directory_entry.repeat(1 << 20)),
        ("ends", end.repeat(1 << 20)),
        ("ends of the large format", end64.repeat(1 << 20)),
        ("locators", locator.repeat(1 << 20)),
        ("all of them", [&directory_entry[..], end, end64, locator].concat().repeat(1 << 18)),
        ("half an archive", packed(&[("a", &[b'x'; 1000])])[..60].to_vec()),
    ] {
        let begin = Instant::now();
        let refusal = read(&bytes, &LIMITS).expect_err(what);
        assert_eq!(refusal.entry, None, "{what}: {refusal:?}");
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} took {:?}", begin.elapsed());
    }
}

/// What is promised of everything that passes.
fn keeps_the_promises(archive: &Archive) -> Result<(), TestCaseError> {
    let mut seen = std::collections::HashSet::new();
    let mut total = 0;
    for file in &archive.files {
        let path = std::path::Path::new(&file.name);
        prop_assert!(path.components().all(|c| matches!(c, std::path::Component::Normal(_))), "{}", file.name);
        prop_assert!(!file.name.is_empty() && !file.name.contains(['\\', '\0', ':']), "{}", file.name);
        prop_assert!(seen.insert(file.name.to_lowercase()), "{} is there twice", file.name);
        prop_assert!(file.bytes.len() <= LIMITS.entry_bytes);
        total += file.bytes.len();
    }
    prop_assert!(total <= LIMITS.total_bytes && archive.files.len() <= LIMITS.entries);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok(archive) = read(&bytes, &LIMITS) { keeps_the_promises(&archive)?; }
    }

    #[test]
    fn an_archive_with_some_bytes_changed_keeps_the_promises_or_is_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        which in 0..4_usize, cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = match which {
            0 => include_bytes!("testdata/info-zip.zip").to_vec(),
            1 => include_bytes!("testdata/python-streamed.zip").to_vec(),
            2 => include_bytes!("testdata/macos-like.zip").to_vec(),
            _ => hand_made(&[Record::stored("a/b", b"x"), Record::stored("a/c", b"yy"), Record::stored("d/", b"")]),
        };
        for (index, byte) in changes { let at = index.index(bytes.len()); bytes[at] = byte; }
        if let Some(cut) = cut { bytes.truncate(cut.index(bytes.len())); }
        match read(&bytes, &LIMITS) {
            Ok(archive) => keeps_the_promises(&archive)?,
            Err(refusal) => prop_assert!(!refusal.reason.is_empty() && refusal.reason.len() < 2000),
        }
    }

    #[test]
    fn any_names_and_contents_keep_the_promises_or_are_refused(
        files in prop::collection::vec(("[a-cA-Cü./\\\\: \u{308}]{0,8}", prop::collection::vec(any::<u8>(), 0..50)), 0..6)
    ) {
        let records: Vec<_> = files.iter().map(|(name, content)| Record::stored(name, content)).collect();
        if let Ok(archive) = read(&hand_made(&records), &LIMITS) { keeps_the_promises(&archive)?; }
    }

    #[test]
    fn what_is_packed_comes_out_again(
        files in prop::collection::btree_map("[a-z]{1,6}(/[a-z0-9]{1,6}){0,2}\\.in", prop::collection::vec(any::<u8>(), 0..500), 0..10)
    ) {
        let list: Vec<(&str, &[u8])> = files.iter().map(|(n, c)| (n.as_str(), c.as_slice())).collect();
        let archive = read(&packed(&list), &LIMITS).expect("honest");
        let out: Vec<(&str, &[u8])> = archive.files.iter().map(|f| (f.name.as_str(), f.bytes.as_slice())).collect();
        prop_assert_eq!(out, list);
    }
}
