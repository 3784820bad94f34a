use std::{path::Path, sync::OnceLock};

use proptest::prelude::*;

use super::*;
use crate::language::Languages;

fn language(id: &str) -> std::sync::Arc<Language> {
    static LANGUAGES: OnceLock<Languages> = OnceLock::new();
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
    LANGUAGES.get_or_init(|| Languages::read(&images).expect("languages")).get(id).expect("there").clone()
}

fn file(name: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), content: "x".to_owned() }
}

fn refusal(id: &str, files: &[SourceFile]) -> Vec<SourceProblem> {
    check(&language(id), files).expect_err("must be refused")
}

#[test]
fn names_that_students_use_are_accepted() {
    for name in [
        "Main.java",
        "a.b.Main.java",
        "Übung1.java",
        "課題.java",
        "$Proxy.java",
        "_x.java",
        "1.java",
        "Main (2).java".replace(['(', ')'], "").as_str(),
        "list-v2+.java",
        "package-info.java",
        "Console.java",
        "COM10.java",
        "Nully.java",
    ] {
        assert_eq!(check(&language("java"), &[file(name)]), Ok(()), "{name}");
    }
}

#[test]
fn hostile_or_broken_names_are_refused_by_name_and_with_advice() {
    let long = format!("{}.java", "x".repeat(300));
    let wide = format!("{}.java", "課".repeat(70));
    let cases = [
        ("", "is empty"),
        ("../x.java", "bare file name"),
        ("..", "begin with a letter"),
        (".", "begin with a letter"),
        ("a..java", "two dots"),
        ("/etc/x.java", "bare file name"),
        ("C:\\x.java", "bare file name"),
        ("a/b.java", "bare file name"),
        ("C:x.java", "character “:”"),
        ("-o", "begin with a letter"),
        ("-version.java", "begin with a letter"),
        ("@args.java", "character “@”"),
        (".hotspotrc", "begin with a letter"),
        (" a.java", "begin with a letter"),
        ("+a.java", "begin with a letter"),
        ("a\n.java", "U+000A"),
        ("a\0.java", "U+0000"),
        ("a\u{7f}.java", "U+007F"),
        ("a\u{85}.java", "U+0085"),
        ("Main.java;rm", "character “;”"),
        ("$(id).java", "character “(”"),
        ("`id`.java", "character “`”"),
        ("a|b.java", "character “|”"),
        ("a*b.java", "character “*”"),
        ("a\"b.java", "character “\"”"),
        ("a'b.java", "character “'”"),
        ("<script>.java", "character “<”"),
        ("a\u{202e}avaj.java", "U+202E"),
        ("a\u{200b}.java", "U+200B"),
        ("\u{ff0e}\u{ff0e}\u{ff0f}x.java", "character"),
        ("a\u{2215}b.java", "character"),
        ("u\u{308}bung.java", "normal form"),
        (long.as_str(), "is 305 characters long"),
        (wide.as_str(), "200 bytes"),
        ("CON", "device"),
        ("con.java", "device"),
        ("NUL.java", "device"),
        ("nul .java", "device"),
        ("COM1.java", "device"),
        ("lpt9.x.java", "device"),
        ("COM¹.java", "device"),
        ("CONIN$.java", "device"),
        ("Main.java.", "ends with a dot"),
        ("Main.java ", "ends with a dot"),
        ("Main.class", "does not end"),
        ("evil.jar", "does not end"),
        ("lib.so", "does not end"),
        ("Main", "does not end"),
        ("Main.JAVA", "does not end"),
        ("java", "does not end"),
    ];
    for (name, expected) in cases {
        let problems = refusal("java", &[file("Good.java"), file(name)]);
        assert_eq!(problems.len(), 1, "{name:?}: {problems:?}");
        assert_eq!(problems[0].pointer, "/files/1/name", "{name:?}");
        assert!(problems[0].detail.contains(expected), "{name:?}: {}", problems[0].detail);
        assert!(!problems[0].detail.contains(['\n', '\0']), "{name:?}: {}", problems[0].detail);
    }
}

#[test]
fn twins_are_refused_and_named() {
    let problems = refusal("java", &[file("Main.java"), file("Other.java"), file("main.java")]);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].pointer, "/files/2/name");
    assert!(problems[0].detail.contains("“Main.java” and “main.java”"), "{}", problems[0].detail);
    let problems = refusal("java", &[file("Main.java"), file("Main.java")]);
    assert!(problems[0].detail.contains("twice"), "{}", problems[0].detail);
    let problems = refusal("java", &[file("ÜBUNG.java"), file("übung.java")]);
    assert!(problems[0].detail.contains("upper and lower case"), "{}", problems[0].detail);
}

#[test]
fn none_too_many_and_too_much_are_refused() {
    assert_eq!(refusal("python", &[])[0].pointer, "/files");
    let many: Vec<_> = (0..10_000).map(|i| file(&format!("f{i}.py"))).collect();
    let problems = refusal("python", &many);
    assert_eq!(problems.len(), 1, "one sentence, not ten thousand");
    assert!(problems[0].detail.contains("10000 files"));
    assert_eq!(check(&language("python"), &many[..100]), Ok(()));

    let half = "x".repeat(128 * 1024);
    let mut files = vec![
        SourceFile { name: "a.py".to_owned(), content: half.clone() },
        SourceFile { name: "b.py".to_owned(), content: half },
    ];
    assert_eq!(check(&language("python"), &files), Ok(()), "exactly the limit");
    files[1].content.push('x');
    let problems = refusal("python", &files);
    assert!(problems[0].detail.contains("257 KiB") && problems[0].detail.contains("at most 256"), "{problems:?}");
}

#[test]
fn compiled_files_with_the_right_name_are_refused_by_their_content() {
    let class = SourceFile { name: "Main.java".to_owned(), content: "\u{0}\u{1}".to_owned() };
    let problems = refusal("java", &[class]);
    assert_eq!(problems[0].pointer, "/files/0/content");
    assert!(problems[0].detail.contains("“Main.java”"));
}

#[test]
fn every_problem_is_reported_and_pointers_begin_where_the_list_stands() {
    let files = [file("a b;.py"), file("-x.py"), file("ok.py")];
    let problems = check_at("/starter/python", &language("python"), &files).expect_err("refused");
    let pointers: Vec<_> = problems.iter().map(|p| p.pointer.as_str()).collect();
    assert_eq!(pointers, ["/starter/python/0/name", "/starter/python/1/name"]);
}

#[test]
fn each_language_has_its_own_endings() {
    for (id, good, bad) in [("c", "a.h", "a.cpp"), ("cpp", "a.hxx", "a.c"), ("python", "a.py", "a.pyc")] {
        assert_eq!(check(&language(id), &[file(good)]), Ok(()), "{good}");
        assert!(check(&language(id), &[file(bad)]).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn what_passes_is_one_harmless_step_of_a_path(name in "\\PC{0,20}(\\.py)?|[a./\\\\ \0\n$@:;-]{0,12}\\.py") {
        let files = [file(&name)];
        if check(&language("python"), &files).is_ok() {
            prop_assert_eq!(Path::new(&name).components().count(), 1);
            prop_assert_eq!(Path::new(&name).file_name().and_then(|n| n.to_str()), Some(name.as_str()));
            prop_assert!(!name.starts_with(['-', '@', '.', ' ']));
            prop_assert!(!name.contains(['/', '\\', ':', ';', '\0', '\n', '"', '\'', '`', '|', '&', '<', '>', '*', '?', '(']));
            prop_assert!(name.len() <= NAME_BYTES);
        }
    }

    #[test]
    fn any_list_of_files_gets_an_answer(
        files in prop::collection::vec((any::<String>(), any::<String>()), 0..6)
    ) {
        let files: Vec<_> = files.into_iter().map(|(name, content)| SourceFile { name, content }).collect();
        for id in ["java", "python", "c", "cpp"] {
            if let Err(problems) = check(&language(id), &files) {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().all(|p| p.pointer.starts_with("/files") && p.detail.len() < 2000));
            }
        }
    }
}
