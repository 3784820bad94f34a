use proptest::prelude::*;

use super::*;

/// Sources and the folder in which javac puts their class `A`; `None` where javac refuses the source.
/// The oracle compiles every one of them.
pub(super) const CASES: &[(&str, Option<&str>)] = &[
    ("class A {}", Some("")),
    ("package a; class A {}", Some("a")),
    ("package a.b.c; class A {}", Some("a/b/c")),
    (
        "/* package fake.one; */ // package fake.two;\n\\u0070ackage /* x */ a . /* y */ \n b ; // z\nclass A { String s = \"package fake.three;\"; }",
        Some("a/b"),
    ),
    ("// package x;\nclass A { String s = \"\"\"\n package y; \"\"\"; }", Some("")),
    ("class A { String s = \"; package x;\"; char c = '\"'; }", Some("")),
    ("/** Doc. {@code package x;} */ package a; class A {}", Some("a")),
    ("package a.\u{e9}t\u{e9}; class A {}", Some("a/\u{e9}t\u{e9}")),
    ("package \\u0061.\\uu0062; class A {}", Some("a/b")),
    ("package\\u0020a\\u003b class A {}", Some("a")),
    ("package a\n.\n\tb\r\n; class A {}", Some("a/b")),
    ("package a.record.var; class A {}", Some("a/record/var")),
    ("package a.module.open; class A {}", Some("a/module/open")),
    ("package $.\u{20ac}.a_1; class A {}", Some("$/\u{20ac}/a_1")),
    ("package a\u{301}.x\u{200b}y; class A {}", Some("a\u{301}/xy")),
    ("package \\ud835\\udcb3.b; class A {}", Some("\u{1d4b3}/b")),
    ("\n\n\u{c}\t package a; class A {}", Some("a")),
    ("package a; class A {}\u{1a}", Some("a")),
    ("/**/package a; class A {}", Some("a")),
    ("/*/ package b; /*/ package a; class A {}", Some("a")),
    ("// \\u000a package a; class A {}", Some("a")),
    ("// \\\\u000a package b;\nclass A {}", Some("")),
    ("/\\u002a package b; *\\u002f class A {}", Some("")),
    ("import java.util.List; class A {}", Some("")),
    ("@interface B {} class A {}", Some("")),
    ("@Deprecated class A {}", Some("")),
    ("@SuppressWarnings(\") package b;\") class A {}", Some("")),
    ("@SuppressWarnings({\"(\", \"a\" + (\"b\")}) /* package b; */ class A {}", Some("")),
    ("package a.A.class_; class A {}", Some("a/A/class_")),
    ("package a.b class A {}", None),
    ("package ; class A {}", None),
    ("package a..b; class A {}", None),
    ("package .a; class A {}", None),
    ("package a.; class A {}", None),
    ("package \"a\"; class A {}", None),
    ("package a/b; class A {}", None),
    ("package 1a; class A {}", None),
    ("package \\ud83d\\ude00; class A {}", None),
    ("package a\\\\u003b class A {}", None),
    ("; package a; class A {}", None),
    ("\u{feff}package a; class A {}", None),
    ("Package a; class A {}", None),
    ("packagea; class A {}", None),
    ("package a.\\u002e\\u002e.b; class A {}", None),
    ("class A {} package a;", None),
    ("import java.util.*; package a; class A {}", None),
    ("/* package a; class A {}", None),
];

#[test]
fn what_javac_accepts_is_read_as_javac_reads_it() {
    for (source, folder) in CASES {
        if let Some(folder) = folder {
            assert_eq!(declared_package(source).join("/"), *folder, "{source}");
        }
    }
}

#[test]
fn what_javac_refuses_stays_at_the_root_or_in_harmless_folders() {
    for (source, folder) in CASES {
        if folder.is_none() {
            assert!(declared_package(source).iter().all(|p| !p.is_empty() && !p.contains(['.', '/'])), "{source}");
        }
    }
}

#[test]
fn annotations_may_come_first_as_in_a_package_info() {
    for (source, expected) in [
        ("@Deprecated package a;", "a"),
        ("@java.lang.Deprecated(since = \"1)\", forRemoval = (true)) @B package a.b;", "a.b"),
        ("@ A /* ( */ . B ( c = ')' , d = { @E(\"(\") } ) package x;", "x"),
        ("@A(\"\"\"\n ) \\\"\"\" package y; \"\"\") package x;", "x"),
        ("@interface package a;", ""),
        ("@A( package a;", ""),
        ("@ package a;", ""),
    ] {
        assert_eq!(declared_package(source).join("."), expected, "{source}");
    }
}

#[test]
fn depth_and_length_cost_no_stack_and_no_time() {
    let deep = format!("@A{}{} package a;", "(".repeat(200_000), ")".repeat(200_000));
    assert_eq!(declared_package(&deep), ["a"]);
    let long = format!("package {};", vec!["x"; 100_000].join("."));
    assert_eq!(declared_package(&long).len(), 100_000);
    assert!(declared_package(&"/*".repeat(300_000)).is_empty());
    assert!(declared_package(&"@A ".repeat(200_000)).is_empty());
}

proptest! {
    #[test]
    fn any_text_has_a_package_of_harmless_parts(source in any::<String>()) {
        for part in declared_package(&source) {
            prop_assert!(!part.is_empty() && !part.contains(['/', '.', '\0', '\\', ' ']));
        }
    }

    #[test]
    fn so_has_text_that_looks_like_java(source in "(package|@|/\\*|\\*/|//|\\n|\"|'|\\\\|\\\\u0070|[a-z.;() ]){0,60}") {
        for part in declared_package(&source) {
            prop_assert!(!part.is_empty() && !part.contains(['/', '.', '\0', '\\', ' ']));
        }
    }

    #[test]
    fn a_declaration_is_found_behind_any_comment(
        before in prop::collection::vec(
            prop::sample::select(vec![" ", "\n", "\t", "/* package x; */", "// package y;\n", "/** \" ' */", "/***/"]),
            0..8,
        ),
        parts in prop::collection::vec("[a-z_$][a-z0-9_$]{0,6}", 1..6),
        between in prop::sample::select(vec!["", " ", "/* ; */", "// .\n"]),
    ) {
        let source = format!("{}package {between}{} ;", before.concat(), parts.join(&format!("{between}.{between}")));
        prop_assert_eq!(declared_package(&source), parts);
    }
}
