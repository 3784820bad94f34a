//! Java sources: those of the repository, and odd ones.

use std::{fs, path::Path};

use iteratione_common::lab::SourceFile;

use crate::support::repository;

pub fn file(name: &str, content: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), content: content.to_owned() }
}

/// Every folder of Java programs in the repository, with its name.
pub fn programs() -> Vec<(String, Vec<SourceFile>)> {
    let testdata = "crates/sandbox/src/toolchain/diagnostics/testdata";
    let mut folders = vec![repository().join("images/java/hello")];
    for parent in ["tests/programs/java", "images/java/samples", testdata] {
        for entry in fs::read_dir(repository().join(parent)).expect("a folder") {
            folders.push(entry.expect("an entry").path());
        }
    }
    folders.sort();
    let programs = folders.into_iter().filter_map(|folder| {
        let mut files = Vec::new();
        collect(&folder, &mut files);
        files.sort_by(|a, b| a.name.cmp(&b.name));
        (!files.is_empty()).then(|| (folder.display().to_string(), files))
    });
    let programs: Vec<_> = programs.collect();
    assert!(programs.len() > 12, "{}", programs.len());
    programs
}

fn collect(folder: &Path, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "java") {
            let name = path.file_name().and_then(|n| n.to_str()).expect("UTF-8");
            files.push(file(name, &fs::read_to_string(&path).expect("text")));
        }
    }
}

/// Nested too deeply for any stack that a compiler has.
pub fn deep() -> SourceFile {
    let (open, close) = ("(".repeat(60_000), ")".repeat(60_000));
    file("Deep.java", &format!("class Deep {{ int x = {open}1{close}; }}"))
}

/// What compilers stumble over.
pub fn special() -> Vec<(&'static str, Vec<SourceFile>)> {
    let one = |content: &str| vec![file("Main.java", content)];
    let many = (0..80).map(|n| format!("int x{n} = missing{n};\n")).collect::<Vec<_>>().concat();
    let long = "x".repeat(70_000);
    vec![
        ("unicode escapes", one("class M\\u0061in { String s = \"\\u00e9\\uuuu0022; int n = \"\\u005cn\"; }")),
        ("letters beyond ASCII", one("class Main { int größe = \"ß日本語\"; String é = ünbekannt; }")),
        ("a duplicate class", vec![file("A.java", "class A {} class B {}"), file("B.java", "class B {} class A {}")]),
        ("a public class in another file", one("public class Other { }")),
        (
            "a package-info",
            vec![
                file("package-info.java", "/** p */ @Deprecated package p.q;"),
                file("Main.java", "package p.q; class Main { }"),
            ],
        ),
        (
            "a package-info with a mistake",
            vec![file("package-info.java", "@Missing package p;"), file("A.java", "package p; class A {}")],
        ),
        (
            "a module-info",
            vec![
                file("module-info.java", "module m { requires java.sql; }"),
                file("Main.java", "class Main { java.sql.Connection c; }"),
            ],
        ),
        (
            "two packages of one name",
            vec![file("A.java", "package a; public class A { }"), file("B.java", "package a.A; public class B { }")],
        ),
        ("more errors than are told", one(&format!("class Main {{ {many} }}"))),
        (
            "more warnings than are told",
            one(&format!("import java.util.*; class Main {{ void f(List l) {{ {} }} }}", "l.add(1);\n".repeat(40))),
        ),
        ("a constant that is too long", one(&format!("class Main {{ String s = \"{long}\"; }}"))),
        (
            "a method that is too big",
            one(&format!("class Main {{ void f(int x) {{ {} }} }}", "x = x * 3 + 77777;\n".repeat(9000))),
        ),
        ("nothing", one("")),
        ("only a comment that does not end", one("/* class Main { }")),
        ("a string that does not end", one("class Main { String s = \"abc; }\n\n")),
        ("carriage returns and tabs", one("class Main {\r\n\tint x = y;\r\n\t\tint z = ;\r\n}\r\n")),
        ("no newline at the end of a mistake", one("class Main { int x = ")),
        ("a NUL and a control character", one("class Main { int \u{0}x; char c = '\u{1}'; \u{1a} }")),
        ("a class of the platform", vec![file("String.java", "package java.lang; public class String { }")]),
        (
            "a class that hides one of the platform",
            vec![
                file("String.java", "public class String { int n; }"),
                file("Main.java", "class Main { String s = \"a\"; }"),
            ],
        ),
        ("names that differ in case", vec![file("a.java", "class a { }"), file("A.java", "class A { }")]),
        (
            "annotations that would process",
            one(
                "@javax.annotation.processing.SupportedAnnotationTypes(\"*\") public class Main { @Override public int hashCode(int x) { return 1; } }",
            ),
        ),
        (
            "deprecated, unchecked, division by zero",
            one(
                "import java.util.*; class Main { int z = 1 / 0; void f() { new Date(1, 2, 3); List<String> l = new ArrayList(); if (z > 0); } }",
            ),
        ),
        ("preview features", one("class Main { void f() { int _ = 1; Object o = STR.\"a\"; } }")),
        ("cyclic inheritance", one("class A extends B {} class B extends A {} interface I extends I {}")),
        (
            "errors in the flow",
            one(
                "class Main { int f(int x) { while (true) {} } int g() { } final int h; void i() { int j; j++; throw new Exception(); } }",
            ),
        ),
        (
            "sealed and records",
            one(
                "sealed interface S permits A {} record A(int x) implements S { A { if (x < 0) return; } } class Main { int f(S s) { return switch (s) { }; } }",
            ),
        ),
        (
            "lambdas and inference",
            one(
                "import java.util.*; import java.util.function.*; class Main { Function<String, Integer> f = x -> x; List<Integer> l = List.of(\"a\", 1); Runnable r = () -> 5; var v = null; }",
            ),
        ),
        (
            "two mains",
            vec![
                file("A.java", "class A { public static void main(String[] a) {} }"),
                file("B.java", "class B { public static void main(String[] a) {} }"),
            ],
        ),
        ("a main that is almost one", one("class Main { static void main(String[] a) {} }")),
        ("a long class name", one(&format!("class {} {{ }}", "L".repeat(240)))),
    ]
}

/// What a level means is found out anew for each way in which the level above it could be meant.
pub fn bomb() -> SourceFile {
    let depth = 30;
    let calls = (0..depth).map(|n| format!("m(x{n} -> {{ return ")).collect::<Vec<_>>().concat();
    let ends = "; })".repeat(depth);
    let methods = "static <T> T m(java.util.function.Function<String, T> f) { return null; } \
                   static <T> T m(java.util.function.BiFunction<String, String, T> f) { return null; }";
    file("Bomb.java", &format!("class Bomb {{ {methods} static Object l = {calls}1{ends}; }}"))
}
