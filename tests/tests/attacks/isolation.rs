//! I1–I7: what is around a jail, and what lies in the next one.
//!
//! Probes try one thing after the other and print a line for each, `name: refused` or `name: reached`. None may be
//! reached, and as many must have been tried as the row says, so that a probe that ends early does not pass.

mod kernel;
mod leftovers;
mod network;
mod secrets;

use serde_json::{Value, json};
use testkit::{labs, programs::Program};

use crate::frame::{Arena, Row};

/// A probe below `tests/programs/attacks/`; those in C come with `probe.h`.
fn probe(file: &str) -> Program {
    let mut program = Program::single(&format!("attacks/{file}"));
    if program.language == "c"
        && let Some(files) = program.files.as_array_mut()
    {
        let header = Program::text("attacks/probe.h");
        files.push(json!({"name": "probe.h", "content": header}));
    }
    program
}

/// A lab whose tests give these inputs and expect nothing of what is said.
fn document(language: &str, inputs: &[(&str, String)]) -> Value {
    let tests: Vec<Value> = inputs
        .iter()
        .map(|(name, stdin)| {
            let test = labs::test(name, stdin, "(?s).*");
            labs::with(test, "", "checker", json!({"type": "regex"}))
        })
        .collect();
    let limits =
        json!({"cpu_ms": 20_000, "wall_ms": labs::PATIENT_MS * 2, "memory_mb": 192, "output_kb": 64, "processes": 32});
    labs::with(labs::lab(&[language], &json!([labs::group("probes", &tests)])), "", "limits", limits)
}

/// Fails unless every line of a test's output says `refused`, and there are at least so many.
fn all_refused(result: &Value, test: usize, least: usize) -> usize {
    let about = &result["tests"][test];
    assert_eq!(about["verdict"], "AC", "the probe itself went wrong: {result}");
    let said = about["stdout"].as_str().unwrap_or_else(|| panic!("no output: {result}"));
    let reached: Vec<&str> = said.lines().filter(|line| !line.ends_with(": refused")).collect();
    assert!(reached.is_empty(), "{reached:#?}\n{}", about["stderr"].as_str().unwrap_or_default());
    let tried = said.lines().count();
    assert!(tried >= least, "only {tried} of {least} things were tried: {said}");
    tried
}

/// A row that is one probe with one input.
fn refused(id: &'static str, file: &'static str, least: usize) -> Row {
    refused_and(id, file, least, |_, _| {})
}

/// As [`refused`], with something more to look at in the result as staff see it.
fn refused_and(id: &'static str, file: &'static str, least: usize, more: fn(&Arena<'_>, &Value)) -> Row {
    let program = probe(file);
    let language = super::frame::LANGUAGES.into_iter().find(|l| *l == program.language).expect("a language");
    Row::new(id, language, async move |arena| {
        let result = arena.graded(&document(language, &[("probe", String::new())]), &program).await;
        let tried = all_refused(&result, 0, least);
        more(arena, &result);
        format!("{tried} things refused")
    })
}
