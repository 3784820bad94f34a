use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use iteratione_common::{lab::SourceFile, language::Language};
use proptest::prelude::*;

use super::*;
use crate::toolchain::layout::lay_out;

mod patterns;

/// A folder of `testdata`: sources and what the language's real compile command printed about them.
fn real(language: &str, folder: &str) -> Vec<Diagnostic> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("src/toolchain/diagnostics/testdata").join(folder);
    let language = Language::read(&root.join("../../images").join(language)).expect("valid");
    let mut paths = Vec::new();
    collect(&folder, &mut paths);
    paths.sort();
    let files: Vec<_> = paths
        .iter()
        .map(|p| SourceFile {
            name: p.file_name().and_then(|n| n.to_str()).expect("a name").to_owned(),
            content: std::fs::read_to_string(p).expect("UTF-8"),
        })
        .collect();
    let laid = lay_out(&language, &files).expect("laid out");
    let output = std::fs::read_to_string(folder.join("output.txt")).expect("output");
    read(&language.diagnostics, &output, &laid)
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.file_name().is_some_and(|n| n != "output.txt") {
            into.push(path);
        }
    }
}

/// `Main.java:3:9 error message`, one diagnostic a line; further lines of a message are joined with `↵`.
fn shown(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(|d| {
            let number = |n: Option<u32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
            let severity = match d.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "note",
            };
            let file = d.file.as_deref().unwrap_or("-");
            let message: String = d.message.replace('\n', "↵").chars().take(140).collect();
            format!("{file}:{}:{} {severity} {}", number(d.line), number(d.column), message.trim_end())
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
fn expect(diagnostics: &[Diagnostic], expected: &str) {
    let expected = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n");
    let shown = shown(diagnostics);
    assert_eq!(shown, expected, "\n{shown}");
}

#[test]
fn javac_messages_have_their_places_in_characters_and_their_details() {
    expect(
        &real("java", "java-semantic"),
        "Helper.java:1:8 error class Helpr is public, should be declared in a file named Helpr.java
         Helper.java:2:29 error incompatible types: unexpected return value
         Main.java:5:22 error incompatible types: String cannot be converted to int
         Main.java:5:37 error cannot find symbol↵  symbol:   variable undefinedVar↵  location: class Main
         Main.java:6:40 warning [unchecked] unchecked call to add(E) as a member of the raw type List↵  where E is a type-variable:↵    E extends Object declared in interfa
         Main.java:7:9 error cannot find symbol↵  symbol:   method foo(int,int)↵  location: class Main
         Main.java:8:12 error no suitable method found for println(int,int)↵    method PrintStream.println() is not applicable↵      (actual and formal argument lists dif
         Main.java:9:21 warning [divzero] division by zero
         Main.java:12:26 error incompatible types: ArrayList<Integer> cannot be converted to List<String>
         Main.java:13:9 error non-static variable this cannot be referenced from a static context
         Main.java:13:13 error cannot find symbol↵  symbol: method foo()
         Main.java:17:16 error method max in class Main cannot be applied to given types;↵  required: List<T>↵  found:    ArrayList<Object>↵  reason: inference variable T
         Main.java:17:50 error cannot find symbol↵  symbol:   class Helper↵  location: class Main",
    );
}

#[test]
fn javac_is_not_misled_by_source_that_looks_like_its_messages() {
    expect(
        &real("java", "java-syntax"),
        "Main.java:3:20 error unclosed string literal
         Main.java:5:9 error unclosed comment
         Main.java:7:- error reached end of file while parsing",
    );
}

#[test]
fn gcc_messages_are_read_with_columns_in_characters_behind_tabs_and_umlauts() {
    expect(
        &real("c", "c-mixed"),
        "x.h:1:27 error ‘y’ undeclared (first use in this function)
         x.h:1:27 note each undeclared identifier is reported only once for each function it appears in
         x.h:1:15 warning unused parameter ‘x’ [-Wunused-parameter]
         main.c:6:19 warning format ‘%s’ expects argument of type ‘char *’, but argument 2 has type ‘int’ [-Wformat=]
         main.c:6:29 error implicit declaration of function ‘bar’ [-Wimplicit-function-declaration]
         main.c:7:12 error initialization of ‘char *’ from ‘int’ makes pointer from integer without a cast [-Wint-conversion]
         main.c:8:15 error expected ‘;’ before ‘}’ token
         main.c:7:8 warning unused variable ‘p’ [-Wunused-variable]
         main.c:5:17 warning unused variable ‘unused’ [-Wunused-variable]
         main.c:5:6 warning unused variable ‘é’ [-Wunused-variable]
         x.h:1:30 warning control reaches end of non-void function [-Wreturn-type]",
    );
}

#[test]
fn a_header_that_is_not_there_is_an_error_in_its_line() {
    expect(&real("c", "c-include"), "main.c:2:10 error nope.h: No such file or directory");
}

#[test]
fn the_linkers_complaints_are_errors_too() {
    expect(&real("c", "c-linker"), "main.c:-:- error undefined reference to `foo'");
    expect(&real("c", "c-no-main"), "-:-:- error undefined reference to `main': the program has no function main");
    expect(&real("c", "c-twice"), "b.c:-:- error multiple definition of `f'");
}

#[test]
fn an_error_inside_the_library_stands_where_the_program_asked_for_it() {
    expect(
        &real("cpp", "cpp-template"),
        "main.cpp:6:10 error ‘undeclared’ was not declared in this scope
         main.cpp:5:12 error no match for ‘operator-’ (operand types are ‘std::_List_iterator<int>’ and ‘std::_List_iterator<int>’) (in stl_algo.h)",
    );
}

#[test]
fn python_messages_are_read_file_by_file() {
    expect(
        &real("python", "python"),
        "b.py:4:7 error SyntaxError: '(' was never closed
         c.py:3:16 error SyntaxError: invalid syntax
         d.py:2:1 error IndentationError: expected an indented block after function definition on line 1
         e.py:1:5 error SyntaxError: unterminated string literal (detected at line 1)
         f.py:3:- error TabError: inconsistent use of tabs and spaces in indentation
         main.py:1:7 error SyntaxError: invalid syntax
         w.py:2:- warning SyntaxWarning: \"is\" with 'int' literal. Did you mean \"==\"?",
    );
}

fn one(format: DiagnosticFormat, name: &str, content: &str, output: &str) -> Vec<Diagnostic> {
    let language = match format {
        DiagnosticFormat::Javac => "java",
        DiagnosticFormat::Gcc => "cpp",
        DiagnosticFormat::Python => "python",
    };
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
    let language = Language::read(&images.join(language)).expect("valid");
    let file = SourceFile { name: name.to_owned(), content: content.to_owned() };
    read(&Diagnostics::BuiltIn(format), output, &lay_out(&language, &[file]).expect("laid out"))
}

#[test]
fn tools_that_give_up_are_heard() {
    let output = "g++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\n";
    expect(&one(DiagnosticFormat::Gcc, "a.cpp", "", output), "-:-:- error Killed signal terminated program cc1plus");
    let output = "cc1plus: out of memory allocating 65536 bytes after a total of 500 bytes\n";
    expect(
        &one(DiagnosticFormat::Gcc, "a.cpp", "", output),
        "-:-:- error out of memory allocating 65536 bytes after a total of 500 bytes",
    );
}

#[test]
fn javac_may_speak_of_no_file_and_its_notes_are_no_errors() {
    let output = "Note: Main.java uses unchecked or unsafe operations.\nerror: cannot read x\n1 error\nnothing\n";
    expect(
        &one(DiagnosticFormat::Javac, "Main.java", "", output),
        "-:-:- note Main.java uses unchecked or unsafe operations.
         -:-:- error cannot read x",
    );
}

#[test]
fn errors_stay_when_there_is_too_much_else() {
    let mut output = String::new();
    for i in 1..=300 {
        let severity = if i % 3 == 0 { "error" } else { "warning" };
        writeln!(output, "a.cpp:{i}:1: {severity}: number {i}").expect("a string takes all");
    }
    let found = one(DiagnosticFormat::Gcc, "a.cpp", "", &output);
    assert_eq!(found.len(), MOST);
    assert!(found.iter().all(|d| d.severity == Severity::Error));
    assert_eq!((found[0].line, found[99].line), (Some(3), Some(300)), "in the compiler's order");
}

#[test]
fn a_very_long_message_is_cut() {
    let output = format!("a.cpp:1:1: error: {}\n", "x".repeat(200_000));
    let found = one(DiagnosticFormat::Gcc, "a.cpp", "", &output);
    assert!(found[0].message.len() <= MESSAGE_BYTES);
}

#[test]
fn output_without_end_is_read_in_time() {
    // Quadratic time would take minutes.
    let lines = 60_000;
    for (format, name, line) in [
        (DiagnosticFormat::Gcc, "a.cpp", "a.cpp:9999:1: warning: x\n"),
        (DiagnosticFormat::Gcc, "a.cpp", "a.cpp:(.text): undefined reference to `f'\n"),
        (DiagnosticFormat::Javac, "A.java", "A.java:3: error: x\n"),
        (DiagnosticFormat::Javac, "A.java", "error: error: error: x\n"),
        (DiagnosticFormat::Python, "a.py", "  File \"a.py\", line 7\n    x\n    ^\nSyntaxError: x\n"),
    ] {
        let found = one(format, name, &"x\n".repeat(100_000), &line.repeat(lines));
        assert!(!found.is_empty() && found.len() <= MOST);
    }
}

proptest! {
    #[test]
    fn no_output_makes_a_reader_panic_or_give_without_bound(
        likely in "([ -~\\n]|error: |warning: |note: |:|\\^|  File \"A.java\", line |A.java:1:|\n    |1 \\| |Été|😀){0,60}",
        any in any::<String>(),
        content in "[a-zé😀\t\n ]{0,60}",
    ) {
        for (format, name) in [
            (DiagnosticFormat::Javac, "A.java"),
            (DiagnosticFormat::Gcc, "A.cpp"),
            (DiagnosticFormat::Python, "A.py"),
        ] {
            for output in [likely.replace("A.java", name), any.clone()] {
                let found = one(format, name, &content, &output);
                prop_assert!(found.len() <= MOST);
                for diagnostic in found {
                    prop_assert!(diagnostic.message.len() <= MESSAGE_BYTES);
                    prop_assert!(diagnostic.file.is_none_or(|f| f == name));
                    prop_assert!(diagnostic.column != Some(0));
                }
            }
        }
    }
}
