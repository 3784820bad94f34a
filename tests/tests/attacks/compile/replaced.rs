//! C4: names that belong to the library, to the judge or to the instructor.

use serde_json::{Value, json};
use testkit::programs::Program;

use super::{cut, files, fine, graded, refused};
use crate::frame::{Arena, Row, family};

const MAIN: &str = "class Main { public static void main(String[] a) { System.out.println(\"fine\"); } }";
/// The instructor's: prints "fine" only if the student's answer is right.
const JUDGE: &str = "class Judge { public static void main(String[] a) { System.out.println(Answer.give() == 42 ? \"fine\" : \"wrong\"); } }";
/// What a student would rather have.
const CORRUPT: &str = "class Judge { public static void main(String[] a) { System.out.println(\"fine\"); } }";
const WRONG: &str = "class Answer { static int give() { return 7; } }";

fn anything(_: &Arena<'_>, _: &Value) {}

/// A lab whose judge is the instructor's, hidden or locked.
fn judged(role: &str) -> Value {
    let mut document = fine("java");
    document["starter"] = json!({"java": [{"name": "Judge.java", "content": JUDGE, "role": role}]});
    document
}

/// However a submission brings a class of the judge's name, points are given by the instructor's or not at all.
fn the_judge_stays(id: &'static str, role: &'static str) -> Row {
    Row::new(id, "java", async move |arena| {
        let lab = judged(role);
        let right = "class Answer { static int give() { return 42; } }";
        let honest = arena.graded(&lab, &Program::of("java", "Answer.java", right)).await;
        assert_eq!(honest["verdict"], "AC", "{}", cut(&honest));
        let both = format!("{WRONG}\n{CORRUPT}");
        let elsewhere = format!("package x;\npublic {CORRUPT}");
        let imposter = "class Main { public static void main(String[] a) { System.out.println(\"fine\"); } }";
        let mut seen = Vec::new();
        for (what, program) in [
            ("under its name", files("java", &[("Judge.java", CORRUPT), ("Answer.java", WRONG)])),
            ("in another case", files("java", &[("JUDGE.java", CORRUPT), ("Answer.java", WRONG)])),
            ("in another file", files("java", &[("Answer.java", &both)])),
            (
                "inside another class",
                files(
                    "java",
                    &[(
                        "Answer.java",
                        "class Answer { static int give() { return 7; } static class Judge { public static void main(String[] a) { System.out.println(\"fine\"); } } }",
                    )],
                ),
            ),
            ("in another package", files("java", &[("Judge2.java", &elsewhere), ("Answer.java", WRONG)])),
            ("as another main", files("java", &[("Main.java", imposter), ("Answer.java", WRONG)])),
            (
                "with an escape in its name",
                files(
                    "java",
                    &[
                        ("Answer.java", WRONG),
                        (
                            "J.java",
                            "class \\u004audge { public static void main(String[] a) { System.out.println(\"fine\"); } }",
                        ),
                    ],
                ),
            ),
        ] {
            let result = arena.graded(&lab, &program).await;
            assert_ne!(result["verdict"], "AC", "{what}: {}", cut(&result));
            assert_eq!(result["score"], 0.0, "{what}: {}", cut(&result));
            seen.push(result["verdict"].as_str().unwrap_or_default().to_owned());
        }
        seen.join(" ")
    })
}

/// Bytes of a compiled file under a source's name.
fn compiled_as_source() -> Row {
    Row::new("C4_compiled_files", "java", async |arena| {
        let lab = arena.lab(&fine("java")).await;
        // A class file, an archive, an object file: as far as JSON can hold their bytes.
        let class = "\u{ca}\u{fe}\u{ba}\u{be}\0\0\0\u{41}";
        let jar = "PK\u{3}\u{4}\n\0\0\0\0\0META-INF/MANIFEST.MF";
        let object = "\u{7f}ELF\u{2}\u{1}\u{1}\0";
        for (name, content, pointer) in [
            ("Main.java", class, "/files/0/content"),
            ("Main.java", jar, "/files/0/content"),
            ("Main.java", object, "/files/0/content"),
            ("Main.class", "x", "/files/0/name"),
            ("evil.jar", "x", "/files/0/name"),
            ("evil.o", "x", "/files/0/name"),
            ("Main.java.class", "x", "/files/0/name"),
        ] {
            let program = files("java", &[(name, content)]);
            let path = format!("/labs/{lab}/submissions");
            let answer =
                arena.attacker().call(reqwest::Method::POST, &path, Some(&program.hand_in())).await.expect("an answer");
            assert_eq!((answer.status, answer.code()), (422, Some("invalid")), "{name}: {}", answer.body);
            let errors = answer.body["errors"].as_array().expect("a list");
            assert!(errors.iter().any(|e| e["pointer"] == pointer), "{name}: {}", answer.body);
        }
        // Without a NUL it is text, and javac says what it thinks of it.
        let result = arena.graded(&fine("java"), &Program::of("java", "Main.java", "\u{ca}\u{fe}\u{ba}\u{be}")).await;
        assert_eq!(result["verdict"], "CE", "{}", cut(&result));
        "422, and CE for what looks like text".to_owned()
    })
}

/// A choice that is told.
fn is_not_used(_: &Arena<'_>, result: &Value) {
    let note = &result["compile"]["diagnostics"][0];
    assert_eq!((&note["file"], &note["severity"]), (&json!("module-info.java"), &json!("note")), "{}", cut(result));
}

/// Says which ones there are.
fn names_both(_: &Arena<'_>, result: &Value) {
    let message = result["message"].as_str().unwrap_or_default();
    assert!(message.contains("One") && message.contains("Two"), "{}", cut(result));
}

#[test]
fn nobody_takes_the_place_of_the_library_or_of_the_instructor() {
    family([
        refused(
            "C4_java_lang",
            files("java", &[("Main.java", MAIN), ("String.java", "package java.lang; public class String { }")]),
            &["java.base", "package exists"],
        ),
        refused(
            "C4_java_util",
            files("java", &[("Main.java", MAIN), ("List.java", "package java.util; public interface List<T> { }")]),
            &["java.base", "package exists"],
        ),
        // The package is not open to the class path: this is a class of its own.
        graded(
            "C4_jdk_internal",
            files(
                "java",
                &[("Main.java", MAIN), ("Unsafe.java", "package jdk.internal.misc; public class Unsafe { }")],
            ),
            "AC",
            anything,
        ),
        graded(
            "C4_own_string",
            files(
                "java",
                &[
                    (
                        "Main.java",
                        "class Main { public static void main(java.lang.String[] a) { System.out.println(\"fine\"); } }",
                    ),
                    ("String.java", "class String { }"),
                ],
            ),
            "AC",
            anything,
        ),
        graded(
            "C4_module_info",
            files(
                "java",
                &[
                    ("Main.java", MAIN),
                    ("module-info.java", "module m { provides java.nio.file.spi.FileSystemProvider with X; }"),
                ],
            ),
            "AC",
            is_not_used,
        ),
        graded(
            "C4_open_module",
            files(
                "java",
                &[("Main.java", &format!("package p;\npublic {MAIN}")), ("module-info.java", "open module m { }")],
            ),
            "AC",
            anything,
        ),
        graded(
            "C4_several_mains",
            files(
                "java",
                &[
                    ("One.java", "class One { public static void main(String[] a) { } }"),
                    ("Two.java", "class Two { public static void main(String[] a) { } }"),
                ],
            ),
            "CE",
            names_both,
        ),
        refused(
            "C4_no_main",
            files("java", &[("Main.java", "class Main { static void main(int x) { } }")]),
            &["no entry point"],
        ),
        refused(
            "C4_main_of_others",
            files("java", &[("Main.java", "class Main extends sun.launcher.LauncherHelper { }")]),
            &["not visible", "cannot find", "no entry point", "does not export"],
        ),
        graded(
            "C4_package_is_the_folder",
            files("java", &[("Main.java", &format!("package a.b.c;\npublic {MAIN}"))]),
            "AC",
            anything,
        ),
        refused(
            "C4_wrong_file",
            files("java", &[("Other.java", &format!("public {MAIN}"))]),
            &["should be declared in a file named"],
        ),
        refused(
            "C4_package_out_of_the_folder",
            files("java", &[("Main.java", &format!("package ..x;\n{MAIN}"))]),
            &["expected", "illegal"],
        ),
        graded(
            "C4_class_of_the_harness",
            files(
                "java",
                &[(
                    "Harness.java",
                    "package iteratione; public class Harness { public static void main(String[] a) { System.out.println(\"fine\"); } }",
                )],
            ),
            "AC",
            anything,
        ),
        the_judge_stays("C4_hidden_judge", "hidden"),
        the_judge_stays("C4_locked_judge", "locked"),
        compiled_as_source(),
        graded("C4_no_main_c", Program::of("c", "main.c", "int not_main(void) { return 0; }\n"), "CE", anything),
        graded(
            "C4_two_mains_c",
            files("c", &[("a.c", "int main(void) { return 0; }\n"), ("b.c", "int main(void) { return 0; }\n")]),
            "CE",
            anything,
        ),
        graded(
            "C4_own_stdio_c",
            files(
                "c",
                &[
                    ("main.c", "#include <stdio.h>\nint main(void) { say(); }\n"),
                    ("stdio.h", "int puts(const char *);\nstatic void say(void) { puts(\"fine\"); }\n"),
                ],
            ),
            "AC",
            anything,
        ),
    ]);
}
