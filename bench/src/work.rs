//! What is measured: programs, their input, and the output that every way of running them must give.

use std::sync::Arc;

use anyhow::Context as _;
use iteratione_common::{
    lab::{LabDocument, SourceFile},
    language::{Language, with_memory},
};
use serde_json::json;

/// Memory of programs, as the mission has it.
pub const MEMORY: u64 = 256 << 20;

/// One program and its tests.
#[derive(Debug, Clone)]
pub struct Work {
    /// What it is called in the report.
    pub name: &'static str,
    /// Its language.
    pub language: &'static str,
    /// Name of its only source file.
    pub file: &'static str,
    /// The source.
    pub source: &'static str,
    /// What `{main}` stands for.
    pub main: &'static str,
    /// Input and output of each test.
    pub tests: Vec<(String, String)>,
    /// The compiler with no flags but the necessary: as the published design calls it. Empty for none.
    pub plain_compile: &'static [&'static str],
    /// The program, likewise.
    pub plain_run: &'static [&'static str],
}

const HELLO: &str = "Hello, world!\n";
const GCC: &[&str] = &["gcc", "-O2", "-o", "/build/main", "/src/hello.c"];
const NATIVE: &[&str] = &["/build/main"];

/// A program that prints one line.
pub fn hello(name: &'static str) -> Work {
    let tests = vec![(String::new(), HELLO.to_owned())];
    match name {
        "hello_python" => Work {
            name,
            language: "python",
            file: "main.py",
            source: include_str!("../programs/hello.py"),
            main: "/src/main.py",
            tests,
            plain_compile: &[],
            plain_run: &["python3", "/src/main.py"],
        },
        "hello_java" => Work {
            name,
            language: "java",
            file: "Hello.java",
            source: include_str!("../programs/Hello.java"),
            main: "Hello",
            tests,
            plain_compile: &["javac", "-d", "/build", "/src/Hello.java"],
            plain_run: &["java", "-cp", "/build", "Hello"],
        },
        _ => Work {
            name,
            language: "c",
            file: "hello.c",
            source: include_str!("../programs/hello.c"),
            main: "",
            tests,
            plain_compile: GCC,
            plain_run: NATIVE,
        },
    }
}

/// A course's lab with ten tests.
pub fn lab(name: &'static str) -> Work {
    let tests = (0..10).map(|n| numbers(5 + 10 * n)).map(|numbers| (input(&numbers), statistics(&numbers)));
    let tests: Vec<_> = tests.collect();
    let java = |language, tests| Work {
        name,
        language,
        file: "Main.java",
        source: include_str!("../programs/Main.java"),
        main: "Main",
        tests,
        plain_compile: &["javac", "-d", "/build", "/src/Main.java"],
        plain_run: &["java", "-cp", "/build", "Main"],
    };
    match name {
        "lab10_java25" => java("java25", tests),
        "lab10_java" => java("java", tests),
        _ => Work {
            name,
            language: "cpp",
            file: "main.cpp",
            source: include_str!("../programs/main.cpp"),
            main: "",
            tests,
            plain_compile: &["g++", "-std=c++20", "-O2", "-o", "/build/main", "/src/main.cpp"],
            plain_run: NATIVE,
        },
    }
}

/// A hundred tests of a C program that takes a millisecond.
pub fn hundred() -> Work {
    let tests = (0..100).map(|n| numbers(3 + n % 7)).map(|numbers| {
        let sum: i64 = numbers.iter().map(|&n| i64::from(n)).sum();
        (input(&numbers), format!("{sum}\n"))
    });
    Work {
        name: "hundred_c",
        language: "c",
        file: "sum.c",
        source: include_str!("../programs/sum.c"),
        main: "",
        tests: tests.collect(),
        plain_compile: &["gcc", "-O2", "-o", "/build/main", "/src/sum.c"],
        plain_run: NATIVE,
    }
}

impl Work {
    /// The lab document of these tests, of which each must be passed.
    pub fn document(&self) -> anyhow::Result<Arc<LabDocument>> {
        let tests: Vec<_> = (self.tests.iter().enumerate())
            .map(|(n, (stdin, expected))| {
                json!({"name": format!("{}", n + 1), "stdin": stdin, "expected": expected, "checker": {"type": "exact"}})
            })
            .collect();
        let document = json!({
            "title": self.name,
            "languages": [self.language],
            "limits": {"cpu_ms": 10_000, "wall_ms": 60_000, "memory_mb": MEMORY >> 20},
            "groups": [{"name": "all", "points": tests.len(), "tests": tests}],
        });
        Ok(Arc::new(serde_json::from_value(document).context("the benchmark's own lab")?))
    }

    /// What is handed in.
    pub fn files(&self) -> Vec<SourceFile> {
        vec![SourceFile { name: self.file.to_owned(), content: self.source.to_owned() }]
    }

    /// The language's own compiler command with its folders filled in.
    pub fn compile(&self, language: &Language) -> Vec<String> {
        let source = format!("/src/{}", self.file);
        let fill = |part: &String| if part == "{sources}" { source.clone() } else { self.fill(part) };
        language.compile.iter().map(fill).collect()
    }

    /// The language's own command for the program.
    pub fn run(&self, language: &Language) -> Vec<String> {
        language.run.iter().map(|part| self.fill(part)).collect()
    }

    fn fill(&self, part: &str) -> String {
        with_memory(part, MEMORY).replace("{build}", "/build").replace("{main}", self.main)
    }
}

/// Numbers that repeat now and then, the same in every run of the benchmark.
fn numbers(count: u32) -> Vec<i32> {
    let mut state = 0x92d6_8ca2 ^ count;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        i32::try_from(state % 60).unwrap_or(0) - 20
    };
    (0..count).map(|_| next()).collect()
}

fn input(numbers: &[i32]) -> String {
    let words: Vec<_> = numbers.iter().map(i32::to_string).collect();
    words.join(" ") + "\n"
}

/// What the lab's program prints: its specification, written once more.
fn statistics(numbers: &[i32]) -> String {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let sum: i64 = numbers.iter().map(|&n| i64::from(n)).sum();
    let words: Vec<_> = sorted.iter().map(i32::to_string).collect();
    let mut lines = vec![format!("count {} sum {sum}", numbers.len()), format!("sorted {}", words.join(","))];
    lines.extend(sorted.chunk_by(i32::eq).map(|same| format!("{:6} x{}", same[0], same.len())));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lab_has_tests_that_differ_and_a_document_that_can_be_read() {
        for work in [lab("lab10_java"), lab("lab10_cpp"), hundred(), hello("hello_c")] {
            let document = work.document().expect("reads");
            assert_eq!(document.groups[0].tests.len(), work.tests.len(), "{}", work.name);
            assert!(work.tests.iter().all(|(_, expected)| expected.ends_with('\n')));
        }
        let tests = lab("lab10_cpp").tests;
        assert!(tests.windows(2).all(|two| two[0].1 != two[1].1));
    }

    #[test]
    fn the_specification_counts_and_sorts() {
        assert_eq!(statistics(&[3, -1, 3]), "count 3 sum 5\nsorted -1,3,3\n    -1 x1\n     3 x2\n");
    }
}
