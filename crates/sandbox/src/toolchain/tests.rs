use std::path::Path;

use super::*;
use crate::protocol::ExecResult;

fn python() -> Language {
    Language::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/python")).expect("valid")
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|n| (*n).to_owned()).collect()
}

#[test]
fn placeholders_are_filled_in_and_a_source_is_one_argument_whatever_its_name() {
    let command = texts(&["cc", "-o", "{build}/{main}", "{sources}", "-m{memory_mb:50%}"]);
    let argv = expand(&command, 512 << 20, &texts(&["a b.c", "{main}{memory_mb}.c"]), "x");
    assert_eq!(argv, ["cc", "-o", "/build/x", "a b.c", "{main}{memory_mb}.c", "-m256"]);
}

#[test]
fn the_main_file_is_the_named_the_usual_or_the_only_one() {
    let language = python();
    let given = texts(&["hidden.py"]);
    let main = |sources: &[&str], wanted| {
        main_file(&language, &texts(sources), Order { files: &[], main: wanted, given: &given })
    };
    assert_eq!(main(&["a.py", "main.py"], None).ok().as_deref(), Some("/src/main.py"));
    assert_eq!(main(&["only.py"], None).ok().as_deref(), Some("/src/only.py"));
    assert_eq!(main(&["a.py", "b.py"], Some("b.py")).ok().as_deref(), Some("/src/b.py"));
    assert_eq!(main(&["a.py", "b.py"], Some("b")).ok().as_deref(), Some("/src/b.py"));
    assert!(matches!(main(&["a.py", "b.py"], None), Err(BuildFailure::SeveralMains { .. })));
    assert!(matches!(main(&["a.py"], Some("z.py")), Err(BuildFailure::UnknownMain { .. })));
    let Err(failure) = main(&["a.py", "b.py", "hidden.py"], None) else { panic!("several") };
    assert!(failure.message().contains("a.py, b.py.") && !failure.message().contains("hidden"));
}

#[test]
fn a_compiler_that_breaks_a_limit_is_not_the_compilers_verdict() {
    let done = |change: fn(&mut ExecResult)| {
        let mut result = ExecResult {
            exit_code: Some(1),
            signal: None,
            stop: None,
            cpu_us: 0,
            wall_us: 0,
            memory_bytes: 0,
            oom_kills: 0,
            stdout_bytes: 0,
            stderr_bytes: 0,
            survivors: 0,
            input_ended: false,
            ended_us: 0,
            spawn_error: None,
        };
        change(&mut result);
        Execution { result, stdout: Vec::new(), stderr: Vec::new() }
    };
    let java = Language::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images/java")).expect("valid");
    let said = |change, text: &str| verdict(&java, &done(change), text).map(|f| f.message());
    assert_eq!(said(|r| r.exit_code = Some(0), "x.java:1: warning: w"), None);
    assert_eq!(said(|_| (), "error").as_deref(), Some("The program does not compile."));
    for (change, text, expected) in [
        ((|r| r.stop = Some(Stop::Cpu)) as fn(&mut ExecResult), "", "more than 20 s of CPU time"),
        (|r| r.stop = Some(Stop::Wall), "", "more than 60 s"),
        (|r| r.stop = Some(Stop::Output), "", "more than 256 KiB of output"),
        (|r| (r.oom_kills, r.stop) = (1, Some(Stop::Wall)), "", "more than 512 MiB of memory"),
        (|_| (), "java.lang.OutOfMemoryError: Java heap space", "more than 512 MiB of memory"),
    ] {
        assert!(said(change, text).is_some_and(|m| m.contains(expected)), "{expected}");
    }
    // What a compiler says while it succeeds is no verdict.
    assert_eq!(said(|r| r.exit_code = Some(0), "OutOfMemoryError: Java heap space"), None);
}

#[test]
fn a_failure_that_no_reader_understood_is_a_diagnostic_all_the_same() {
    let message = |failure, output| unplaced(&failure, output).message;
    assert_eq!(
        message(BuildFailure::Compiler, "\n\nThe system is out of resources.\nmore"),
        "The system is out of resources."
    );
    let nested = "The system is out of resources.\njava.lang.StackOverflowError\n\tat x";
    assert!(message(BuildFailure::Compiler, nested).contains("nested too deeply"));
    assert_eq!(message(BuildFailure::Compiler, ""), "the compiler failed without a word");
    assert!(message(BuildFailure::NoMain { hint: None }, "").contains("no entry point"));
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(cut("aé", 2), "a");
    assert_eq!(cut("aé", 3), "aé");
    assert_eq!(cut("a\0", 9), "a\u{1a}");
}
