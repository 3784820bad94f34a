//! The language registry: one folder with a `language.toml` is one language. Adding one changes no Rust.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use regex::Regex;
use serde::Deserialize;

pub mod choice;
pub mod diagnostics;
pub mod unit;

pub use choice::Choice;
pub use diagnostics::{ColumnUnit, DiagnosticFormat, DiagnosticPattern, Diagnostics};
pub use unit::{Policy, Unit};

/// How flat files are laid out before compiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// As submitted.
    #[default]
    Flat,
    /// Rebuilt into the package tree that the files declare.
    JavaPackages,
}

/// How the entry point is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// The compiler makes `{build}/main`.
    Binary,
    /// `{main}` is the path of a source file.
    File,
    /// `{main}` is the binary name of a class with a `main` method, found in the compiled class files.
    JavaClass,
}

/// Limits of the compile step; its own budget, never the test's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompileLimits {
    /// CPU milliseconds of the whole tree.
    pub cpu_ms: u64,
    /// Elapsed milliseconds.
    pub wall_ms: u64,
    /// Memory of the jail in MiB while compiling.
    pub memory_mb: u64,
    /// KiB of output.
    pub output_kb: u64,
    /// Processes and threads.
    pub processes: u64,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { cpu_ms: 20_000, wall_ms: 60_000, memory_mb: 512, output_kb: 256, processes: 128 }
    }
}

/// What the runtime itself needs on top of a lab's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunLimits {
    /// Added to a lab's process limit, for the runtime's own threads.
    pub processes_extra: u64,
}

/// A compiler that stays: started beforehand in a jail of its own, where nothing that is handed in ever runs, it
/// compiles one submission after the other. It must execute nothing of what it compiles and keep nothing of it. What
/// passes over its standard streams is in `docs/HARNESS-PROTOCOL.md`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warm {
    /// Its command line.
    pub command: Vec<String>,
    /// Memory of its jail in MiB.
    pub memory_mb: u64,
    /// Processes and threads in its jail.
    pub processes: u64,
    /// Compilations after which another takes its place.
    pub recycle_after: u32,
    /// Milliseconds within which it must be ready.
    #[serde(default = "default_ready_ms")]
    pub ready_ms: u64,
    /// Milliseconds that a submission waits for it while it is busy, before it is compiled cold: less than that takes
    /// longer.
    #[serde(default = "default_patience_ms")]
    pub patience_ms: u64,
}

fn default_ready_ms() -> u64 {
    60_000
}

fn default_patience_ms() -> u64 {
    250
}

/// One language, as its `language.toml` says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// What the API calls it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether it is offered unless the operator chooses otherwise.
    #[serde(default = "yes")]
    pub core: bool,
    /// Docker image.
    pub image: String,
    /// File name endings that a submission may have, without the dot.
    pub extensions: Vec<String>,
    /// Those of them that are handed to the compiler as `{sources}`.
    pub compile_extensions: Vec<String>,
    /// All files of a submission together, in KiB.
    #[serde(default = "default_source_limit_kb")]
    pub source_limit_kb: u64,
    /// How files are laid out.
    #[serde(default)]
    pub layout: Layout,
    /// How the entry point is found.
    pub entry: Entry,
    /// Entry file by default, for [`Entry::File`] and for a compiler that is handed `{main}`.
    #[serde(default)]
    pub main_file: Option<String>,
    /// How compiler output is read.
    pub diagnostics: Diagnostics,
    /// Regular expressions on the end of stderr: a failed run with one of these is MLE.
    #[serde(default)]
    pub memory_exhausted: Vec<String>,
    /// Compiler's command line; empty for none.
    #[serde(default)]
    pub compile: Vec<String>,
    /// Program's command line.
    pub run: Vec<String>,
    /// Environment beside `PATH`, `HOME` and `TMPDIR`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// CodeMirror's name for it.
    pub editor: String,
    /// A program, relative to the folder.
    pub hello: String,
    /// What that program prints, relative to the folder.
    pub hello_output: String,
    /// Folder of the programs that the image test runs, relative to the language's folder.
    #[serde(default = "default_samples")]
    pub samples: String,
    /// Limits of the compile step.
    #[serde(default)]
    pub compile_limits: CompileLimits,
    /// What the runtime needs on top of a lab's limits.
    #[serde(default)]
    pub run_limits: RunLimits,
    /// A compiler that stays, if there is one. `compile` says how it is asked, and what is done while it is busy.
    #[serde(default)]
    pub warm: Option<Warm>,
    /// How tests of a unit test framework are run, if they can be.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// Folder it was read from.
    #[serde(skip)]
    pub dir: PathBuf,
    #[serde(skip)]
    memory_exhausted_regexes: Vec<Regex>,
}

fn default_source_limit_kb() -> u64 {
    256
}

fn default_samples() -> String {
    "samples".to_owned()
}

fn yes() -> bool {
    true
}

impl Language {
    /// Reads `<dir>/language.toml`.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("language.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut language = Self::parse(&text).with_context(|| format!("{} is not valid", path.display()))?;
        language.dir = dir.to_path_buf();
        Ok(language)
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut language: Self = toml::from_str(text)?;
        ensure!(
            !language.id.is_empty() && language.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
            "id must be lower-case letters and digits"
        );
        ensure!(!language.extensions.is_empty(), "extensions must not be empty");
        ensure!(
            language.compile_extensions.iter().all(|e| language.extensions.contains(e)),
            "compile_extensions must be among extensions"
        );
        ensure!(!language.run.is_empty(), "run must not be empty");
        if let Some(warm) = &language.warm {
            ensure!(!warm.command.is_empty(), "warm.command must not be empty");
            ensure!(!language.compile.is_empty(), "warm needs a compile command");
            ensure!(warm.recycle_after > 0, "warm.recycle_after must be above 0");
        }
        if let Some(unit) = &language.unit {
            unit.check()?;
        }
        let unit = language.unit.iter().flat_map(|u| u.prepare.iter().chain(&u.run));
        let warm = language.warm.iter().flat_map(|w| &w.command).chain(unit);
        for text in language.compile.iter().chain(&language.run).chain(warm).chain(language.env.values()) {
            check_placeholders(text)?;
        }
        language.memory_exhausted_regexes =
            language.memory_exhausted.iter().map(|r| Regex::new(r)).collect::<Result<_, _>>()?;
        Ok(language)
    }

    /// Whether the compiler is handed one file as the main one, which must then be found before compiling.
    pub fn compiles_main_file(&self) -> bool {
        self.compile.iter().any(|argument| argument.contains("{main}"))
    }

    /// Whether the end of a failed run's stderr says that a managed runtime ran out of memory.
    pub fn says_memory_exhausted(&self, stderr_end: &str) -> bool {
        self.memory_exhausted_regexes.iter().any(|r| r.is_match(stderr_end))
    }

    /// Whether a submission may have a file of this name's ending.
    pub fn accepts(&self, file_name: &str) -> bool {
        has_extension(file_name, &self.extensions)
    }

    /// Whether a file is handed to the compiler.
    pub fn compiles(&self, file_name: &str) -> bool {
        has_extension(file_name, &self.compile_extensions)
    }
}

/// A text of a command line or of the environment with the jail's memory in the place of `{memory_mb}`, in MiB, and
/// so many percent of it in the place of `{memory_mb:60%}`.
pub fn with_memory(text: &str, memory_bytes: u64) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(MEMORY) {
        let (before, at) = rest.split_at(start);
        out.push_str(before);
        if let Some((percent, length)) = memory_placeholder(at) {
            out.push_str(&((memory_bytes.saturating_mul(percent) / 100) >> 20).to_string());
            rest = &at[length..];
        } else {
            out.push_str(MEMORY);
            rest = &at[MEMORY.len()..];
        }
    }
    out.push_str(rest);
    out
}

const MEMORY: &str = "{memory_mb";

/// The percentage and the length of a placeholder at the beginning of a text.
fn memory_placeholder(text: &str) -> Option<(u64, usize)> {
    let inside = text.strip_prefix(MEMORY)?.split_once('}')?.0;
    let percent = match inside.strip_prefix(':') {
        None => inside.is_empty().then_some(100),
        Some(percent) => percent.strip_suffix('%')?.parse().ok().filter(|p| (1..=100).contains(p)),
    };
    percent.map(|p| (p, MEMORY.len() + inside.len() + 1))
}

fn check_placeholders(text: &str) -> anyhow::Result<()> {
    for (start, _) in text.match_indices(MEMORY) {
        ensure!(
            memory_placeholder(&text[start..]).is_some(),
            "{text:?}: write {{memory_mb}}, or {{memory_mb:60%}} for a part of it, 1 to 100"
        );
    }
    Ok(())
}

fn has_extension(file_name: &str, extensions: &[String]) -> bool {
    file_name.rsplit_once('.').is_some_and(|(stem, ending)| !stem.is_empty() && extensions.iter().any(|e| e == ending))
}

/// The languages that are offered, by id.
#[derive(Debug, Clone)]
pub struct Languages(Arc<BTreeMap<String, Arc<Language>>>);

impl Languages {
    /// Reads every folder of `dir` that holds a `language.toml`, and keeps the languages that are core.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        Self::chosen(dir, &Choice::Core)
    }

    /// Reads every folder of `dir` that holds a `language.toml`, and keeps what was chosen.
    pub fn chosen(dir: &Path, choice: &Choice) -> anyhow::Result<Self> {
        let mut languages = BTreeMap::new();
        let entries =
            std::fs::read_dir(dir).with_context(|| format!("cannot read the languages' folder {}", dir.display()))?;
        for entry in entries {
            let path = entry?.path();
            if !path.join("language.toml").is_file() {
                continue;
            }
            let language = Language::read(&path)?;
            if let Some(other) = languages.insert(language.id.clone(), Arc::new(language)) {
                bail!("two folders of {} define the language {}", dir.display(), other.id);
            }
        }
        ensure!(!languages.is_empty(), "no folder of {} holds a language.toml", dir.display());
        choice.check(languages.keys().map(String::as_str))?;
        languages.retain(|id, language| choice.takes(id, language.core));
        ensure!(!languages.is_empty(), "no language of {} is core: choose some", dir.display());
        Ok(Self(Arc::new(languages)))
    }

    /// The language of this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Language>> {
        self.0.get(id)
    }

    /// All, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Language>> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
        id = "java"
        name = "Java"
        image = "iteratione/java:21"
        extensions = ["java", "txt"]
        compile_extensions = ["java"]
        entry = "java-class"
        diagnostics = "javac"
        memory_exhausted = ['OutOfMemoryError: Java heap space']
        run = ["java", "{main}"]
        editor = "java"
        hello = "hello/Main.java"
        hello_output = "hello/output.txt"
    "#;

    #[test]
    fn what_a_language_does_not_say_has_defaults() {
        let language = Language::parse(MINIMAL).expect("parses");
        assert_eq!((language.source_limit_kb, language.layout), (256, Layout::Flat));
        assert_eq!(language.compile_limits, CompileLimits::default());
        assert_eq!(language.run_limits.processes_extra, 0);
        assert!(language.core && language.samples == "samples", "a folder that somebody adds is on at once");
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_it() {
        let error = Language::parse(&format!("{MINIMAL}\nrunn = []")).expect_err("must fail").to_string();
        assert!(error.contains("runn"), "{error}");
    }

    #[test]
    fn a_broken_pattern_is_refused_when_it_is_read() {
        assert!(Language::parse(&MINIMAL.replace("OutOfMemoryError:", "(")).is_err());
    }

    #[test]
    fn memory_is_told_whole_or_in_part_and_a_misspelt_part_is_refused() {
        let told = |text| with_memory(text, 256 << 20);
        assert_eq!(told("--max-old-space-size={memory_mb:75%}"), "--max-old-space-size=192");
        assert_eq!(told("{memory_mb}m {memory_mb:1%} {main} {memory_mb:x}"), "256m 2 {main} {memory_mb:x}");
        for wrong in ["{memory_mb:0%}", "{memory_mb:101%}", "{memory_mb:60}", "{memory_mbs}", "{memory_mb"] {
            let text = MINIMAL.replace("{main}", wrong);
            let error = format!("{:#}", Language::parse(&text).expect_err(wrong));
            assert!(error.contains("1 to 100"), "{wrong}: {error}");
        }
    }

    #[test]
    fn endings_decide_what_is_accepted_and_what_is_compiled() {
        let language = Language::parse(MINIMAL).expect("parses");
        assert!(language.accepts("Main.java") && language.accepts("words.txt") && language.compiles("Main.java"));
        for name in ["words.txt", "Main.class", "java", ".java", "Main.JAVA"] {
            assert!(!language.compiles(name), "{name}");
        }
        assert!(!language.accepts("Main.class") && !language.accepts("Main.jar"));
    }

    #[test]
    fn only_the_runtimes_own_words_say_that_memory_ran_out() {
        let language = Language::parse(MINIMAL).expect("parses");
        assert!(language.says_memory_exhausted("java.lang.OutOfMemoryError: Java heap space\n\tat Main"));
        assert!(!language.says_memory_exhausted("java.lang.OutOfMemoryError: unable to create native thread"));
    }

    #[test]
    fn the_folders_that_ship_are_all_valid_and_complete() {
        let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
        let languages = Languages::chosen(&images, &Choice::All).expect("all valid");
        for language in languages.iter() {
            let id = &language.id;
            assert!(language.dir.join(&language.hello).is_file(), "{id}: no hello program");
            assert!(language.dir.join(&language.hello_output).is_file(), "{id}: no hello output");
            assert!(language.dir.join(&language.samples).is_dir(), "{id}: no samples");
            assert!(language.dir.ends_with(id), "{id}: its folder has another name");
        }
        let core = Languages::read(&images).expect("all valid");
        for id in ["java", "python", "c", "cpp", "javascript"] {
            assert!(core.get(id).is_some(), "{id} is core");
        }
        assert!(core.get("haskell").is_none() && languages.get("haskell").is_some());
    }

    /// A Dockerfile reads nothing outside its folder, so the two hold copies.
    #[test]
    fn both_javas_ship_the_same_resident_compiler() {
        fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
            let mut found = BTreeMap::new();
            for entry in std::fs::read_dir(dir).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                if path.is_dir() {
                    found.extend(files(&path).into_iter().map(|(rest, bytes)| (format!("{name}/{rest}"), bytes)));
                } else {
                    found.insert(name, std::fs::read(&path).expect("a file"));
                }
            }
            found
        }
        let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
        for part in ["compiler", "train", "unit"] {
            let [old, new] = ["java", "java25"].map(|id| files(&images.join(id).join(part)));
            assert!(!old.is_empty(), "{part}");
            assert!(old == new, "images/java/{part} and images/java25/{part} differ: copy the one over the other");
        }
    }
}
