//! C1–C5: compilers are programs that work on hostile input, and compiling must not run any of it.

mod bombs;
mod names;
mod replaced;
mod smuggled;

use std::{fs, path::Path};

use serde_json::{Value, json};
use testkit::{labs, programs::Program, settings::Settings, stack::Setup};

use crate::frame::{Arena, LANGUAGES, Row};

/// The compiler's CPU time and wall time in these tests, in milliseconds: enough for an honest program on a busy machine,
/// and short, because many of these rows use all of it.
const CPU_MS: u64 = 5000;
const WALL_MS: u64 = 30_000;
/// Bytes of compiler output that a result may hold.
const OUTPUT_KEPT: usize = 64 * 1024;

/// The languages that ship, with short limits for compilers.
struct ShortLimits(tempfile::TempDir);

impl ShortLimits {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let from = Settings::read().languages_dir;
        for language in LANGUAGES {
            copy(&from.join(language), &folder.path().join(language));
            let path = folder.path().join(language).join("language.toml");
            let text = fs::read_to_string(&path).expect("text");
            let (before, limits) = text.split_once("[compile_limits]").unwrap_or((text.as_str(), ""));
            let (limits, after) = limits.find("\n[").map_or((limits, ""), |at| limits.split_at(at));
            let kept = limits.lines().filter(|l| !l.starts_with("cpu_ms") && !l.starts_with("wall_ms"));
            let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
            let short = format!("{before}[compile_limits]\ncpu_ms = {CPU_MS}\nwall_ms = {WALL_MS}{kept}{after}");
            fs::write(&path, short).expect("written");
        }
        Self(folder)
    }

    fn setup(&self) -> Setup {
        let path = self.0.path().to_str().expect("UTF-8").to_owned();
        Setup { settings: vec![("ITERATIONE_LANGUAGES_DIR", path)], ..Setup::default() }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copy(&path, &target) } else { fs::copy(&path, &target).map(drop).expect("copied") }
    }
}

/// A lab in which the wanted output is "fine".
fn fine(language: &str) -> Value {
    let limits =
        json!({"cpu_ms": 5000, "wall_ms": labs::PATIENT_MS, "memory_mb": 192, "output_kb": 64, "processes": 32});
    let document = labs::lab(&[language], &json!([labs::group("all", &[labs::test("only", "", "fine\n")])]));
    labs::with(document, "", "limits", limits)
}

/// Several files.
fn files(language: &str, files: &[(&str, &str)]) -> Program {
    let list: Value = files.iter().map(|(name, content)| json!({"name": name, "content": content})).collect();
    Program { files: list, ..Program::of(language, "", "") }
}

/// What a compile error is told by: a reason that holds one of the words, and everything within its bounds.
fn compile_error(result: &Value, one_of: &[&str]) -> String {
    assert_eq!(result["verdict"], "CE", "{}", cut(result));
    let compile = &result["compile"];
    assert_eq!((&compile["ok"], &result["score"]), (&json!(false), &json!(0.0)), "{}", cut(result));
    let diagnostics = compile["diagnostics"].as_array().expect("a list");
    let output = compile["output"].as_str().expect("text");
    assert!(output.len() <= OUTPUT_KEPT, "{} bytes of output", output.len());
    assert!(diagnostics.len() <= 150, "{} diagnostics", diagnostics.len());
    // The last look at the clock and what a kernel needs to end a big process come on top.
    assert!(compile["cpu_ms"].as_u64() <= Some(CPU_MS + 3000), "{} ms", compile["cpu_ms"]);
    let errors = diagnostics.iter().filter(|d| d["severity"] == "error");
    let messages: Vec<&str> = errors.filter_map(|d| d["message"].as_str()).collect();
    let reason = messages.iter().find(|m| one_of.iter().any(|word| m.contains(word)));
    let reason = reason.unwrap_or_else(|| panic!("none of {one_of:?} is the reason: {}", cut(result)));
    format!("CE, {} ms: {}", compile["cpu_ms"], reason.chars().take(80).collect::<String>())
}

/// The beginning of a result.
fn cut(result: &Value) -> String {
    result.to_string().chars().take(3000).collect()
}

/// A program that must not compile, for one of these reasons.
fn refused(id: &'static str, program: Program, one_of: &'static [&'static str]) -> Row {
    let language = LANGUAGES.into_iter().find(|l| *l == program.language).expect("a language");
    Row::new(id, language, async move |arena| {
        let result = arena.graded(&fine(language), &program).await;
        compile_error(&result, one_of)
    })
}

/// A program that must end with this verdict.
fn graded(id: &'static str, program: Program, verdict: &'static str, more: fn(&Arena<'_>, &Value)) -> Row {
    let language = LANGUAGES.into_iter().find(|l| *l == program.language).expect("a language");
    Row::new(id, language, async move |arena| {
        let result = arena.graded(&fine(language), &program).await;
        assert_eq!(result["verdict"], verdict, "{}", cut(&result));
        more(arena, &result);
        verdict.to_owned()
    })
}
