//! Every chosen language's folder, in a real jail: its hello program and its samples end as they should. A new folder
//! is tested without a new line here.
//!
//! A folder of samples holds, each in a folder of its own: `sum` prints the sum of the numbers that it reads; `error`
//! has a mistake in the line that says "error here"; `crash` fails; `busy` never ends; `memory` never has enough;
//! `files` prints 42 with the help of a second file, where the language has such a thing.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use iteratione_common::{
    config::load,
    diagnostic::Severity,
    lab::SourceFile,
    language::{Language, Languages},
    lifecycle::Lifecycle,
};
use iteratione_sandbox::{
    DEFAULTS, Execution, Jail, Resources, Sandbox, SandboxConfig,
    protocol::{ExecLimits, Stop},
    toolchain::{self, Build, Order},
};
use serde::Deserialize;
use testkit::{leftovers, settings::Settings, turn};
use uuid::Uuid;

/// For one kind of program in all languages; there may be twenty.
const DEADLINE: Duration = Duration::from_secs(900);
/// What marks the line with the mistake.
const MISTAKE: &str = "error here";
/// CPU time of a program that never ends, and of all others, which need much less even on a busy machine.
const SHORT_MS: u64 = 700;
const LONG_MS: u64 = 20_000;

#[test]
fn the_hello_program_of_every_language_prints_what_it_should() {
    with_languages(async |trial| {
        let language = &trial.language;
        let (build, done) = trial.run(&[hello(language)], b"", LONG_MS).await;
        assert!(build.compile.diagnostics.is_empty(), "{}: {:?}", language.id, build.compile);
        let expected = fs::read_to_string(language.dir.join(&language.hello_output)).expect("hello_output");
        trial.printed(&done, &expected);
        assert!(done.stderr.is_empty(), "{}: {}", language.id, String::from_utf8_lossy(&done.stderr));
        println!(
            "{}: compiled in {} ms of CPU; hello took {} ms of CPU, {} ms, {} MiB",
            language.id,
            build.compile.cpu_ms,
            done.result.cpu_us / 1000,
            done.result.wall_us / 1000,
            done.result.memory_bytes >> 20
        );
    });
}

#[test]
fn a_program_reads_its_input_to_the_end_in_any_language() {
    with_languages(async |trial| {
        let (_, done) = trial.run(&trial.sample("sum"), b"1 2 3\n\n  -4 500000\n7", LONG_MS).await;
        trial.printed(&done, "500009\n");
    });
}

#[test]
fn a_program_in_several_files_works_in_any_language() {
    with_languages(async |trial| {
        let files = trial.sample("files");
        assert!(files.len() > 1, "{}: one file is not several", trial.language.id);
        let (_, done) = trial.run(&files, b"", LONG_MS).await;
        trial.printed(&done, "42\n");
    });
}

#[test]
fn a_mistake_in_any_language_is_told_with_its_file_and_its_line() {
    with_languages(async |trial| {
        let id = &trial.language.id;
        let files = trial.sample("error");
        let (name, line) = files
            .iter()
            .find_map(|f| Some((&f.name, f.content.lines().position(|l| l.contains(MISTAKE))? + 1)))
            .unwrap_or_else(|| panic!("{id}: no line of the sample says {MISTAKE:?}"));
        let (jail, build) = trial.build(&files).await;
        assert!(build.program.is_err() && !build.compile.ok, "{id}: {:?}", build.compile);
        let first = build.compile.diagnostics.iter().find(|d| d.severity == Severity::Error);
        let first = first.unwrap_or_else(|| panic!("{id}: no error in {:?}", build.compile));
        assert_eq!(first.file.as_deref(), Some(name.as_str()), "{id}: {first:?} of {}", build.compile.output);
        assert_eq!(first.line.map(|l| l as usize), Some(line), "{id}: {first:?} of {}", build.compile.output);
        assert!(!first.message.is_empty(), "{id}: {first:?}");
        assert!(!build.compile.output.contains("/src/"), "{id}: {}", build.compile.output);
        println!("{id}: {}", first.message);
        jail.destroy().await;
    });
}

#[test]
fn a_program_that_fails_is_seen_to_fail_in_any_language() {
    with_languages(async |trial| {
        let (_, done) = trial.run(&trial.sample("crash"), b"", LONG_MS).await;
        let result = &done.result;
        assert!(failed(&done) && result.stop.is_none(), "{}: {result:?}", trial.language.id);
        assert!(!out_of_memory(&trial.language, &done), "{}: {result:?}", trial.language.id);
        println!("{}: exit code {:?}, signal {:?}", trial.language.id, result.exit_code, result.signal);
    });
}

#[test]
fn a_program_that_never_ends_is_stopped_in_any_language() {
    with_languages(async |trial| {
        let (_, done) = trial.run(&trial.sample("busy"), b"", SHORT_MS).await;
        assert_eq!(done.result.stop, Some(Stop::Cpu), "{}: {:?}", trial.language.id, done.result);
    });
}

#[test]
fn a_program_that_never_has_enough_memory_is_told_so_in_any_language() {
    with_languages(async |trial| {
        let (_, done) = trial.run(&trial.sample("memory"), b"", LONG_MS).await;
        let id = &trial.language.id;
        let words = String::from_utf8_lossy(&done.stderr);
        assert!(failed(&done) && out_of_memory(&trial.language, &done), "{id}: {:?} {words}", done.result);
        println!("{id}: {} kills by the kernel; {}", done.result.oom_kills, words.lines().next().unwrap_or_default());
    });
}

fn failed(done: &Execution) -> bool {
    done.result.exit_code != Some(0)
}

/// As the grader sees it.
fn out_of_memory(language: &Language, done: &Execution) -> bool {
    done.result.oom_kills > 0
        || (done.result.stop.is_none() && language.says_memory_exhausted(&String::from_utf8_lossy(&done.stderr)))
}

/// One language, and where to run it.
struct Trial {
    sandbox: Sandbox,
    language: Arc<Language>,
}

impl Trial {
    fn sample(&self, name: &str) -> Vec<SourceFile> {
        let folder = self.language.dir.join(&self.language.samples).join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let mut files: Vec<_> = entries.map(|entry| source(&entry.expect("an entry").path())).collect();
        // As a student might: in no order that would help.
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    async fn build(&self, files: &[SourceFile]) -> (Jail, Build) {
        let start = self.sandbox.compile_resources(&self.language);
        let taken = self.sandbox.take(&self.language, start, "images").await;
        let mut jail = taken.unwrap_or_else(|e| panic!("{}: {e}", self.language.id));
        let run = self.sandbox.default_resources();
        let run = Resources { processes: run.processes + self.language.run_limits.processes_extra, ..run };
        let build = toolchain::build(&mut jail, &self.language, Order { files, main: None, given: &[] }, run).await;
        (jail, build.expect("is tried"))
    }

    async fn run(&self, files: &[SourceFile], stdin: &[u8], cpu_ms: u64) -> (Build, Execution) {
        let (mut jail, build) = self.build(files).await;
        let id = &self.language.id;
        let program = build.program.as_ref();
        let program = program.unwrap_or_else(|f| panic!("{id}: {}\n{:?}", f.message(), build.compile));
        assert!(build.compile.ok, "{id}: {:?}", build.compile);
        let done = jail.exec(program.exec_request(&[], limits(cpu_ms)), stdin).await.expect("runs");
        jail.destroy().await;
        (build, done)
    }

    fn printed(&self, done: &Execution, expected: &str) {
        let id = &self.language.id;
        let words = String::from_utf8_lossy(&done.stderr);
        assert_eq!(String::from_utf8_lossy(&done.stdout), expected, "{id}: {:?} {words}", done.result);
        assert_eq!((done.result.exit_code, done.result.stop), (Some(0), None), "{id}: {words}");
    }
}

fn hello(language: &Language) -> SourceFile {
    source(&language.dir.join(&language.hello))
}

fn source(path: &Path) -> SourceFile {
    let name = path.file_name().and_then(|n| n.to_str()).expect("a file name").to_owned();
    SourceFile { name, content: fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())) }
}

/// As the grader sets them, but for the time.
fn limits(cpu_ms: u64) -> ExecLimits {
    ExecLimits {
        cpu_ms,
        wall_ms: 120_000,
        output_bytes: 1 << 20,
        file_bytes: 64 << 20,
        open_files: 256,
        stack_bytes: Some(64 << 20),
    }
}

/// Every chosen language in turn. One that fails does not hide the others.
fn with_languages(test: impl AsyncFn(Trial) + Copy + Send + Sync + 'static) {
    with_sandbox(async |sandbox| {
        let languages: Vec<_> = sandbox.languages().iter().cloned().collect();
        assert!(!languages.is_empty());
        let mut broken = Vec::new();
        for language in languages {
            let id = language.id.clone();
            let trial = Trial { sandbox: sandbox.clone(), language };
            let outcome = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(test(trial))).await;
            if outcome.is_err() {
                broken.push(id);
            }
        }
        assert!(broken.is_empty(), "broken (see above): {}", broken.join(", "));
    });
}

fn with_sandbox(test: impl AsyncFnOnce(Sandbox)) {
    #[derive(Deserialize)]
    struct Service {
        sandbox: SandboxConfig,
    }
    let _turn = turn::take(false);
    let settings = Settings::read();
    let folder = tempfile::tempdir().expect("a folder");
    let instance = format!("test-{}", Uuid::new_v4().simple());
    let mut config = load::<Service>(DEFAULTS, &BTreeMap::new(), &["sandbox"]).expect("defaults").sandbox;
    config.workspace_root = folder.path().join("workspaces");
    config.harness = settings.harness;
    config.pool_floor = 0;
    config.pool_ceiling = 0;
    let root = config.workspace_root.clone();
    let languages = Languages::chosen(&settings.languages_dir, &settings.languages).expect("languages");
    let whole = async {
        let sandbox = Sandbox::start(config, instance.clone(), languages, Lifecycle::new()).await.expect("starts");
        test(sandbox.clone()).await;
        sandbox.shutdown().await;
        assert_eq!(leftovers::containers(&instance).await, Vec::<String>::new(), "containers are left");
        assert_eq!(leftovers::folders(&root, &instance), Vec::<String>::new(), "folders are left");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(async { tokio::time::timeout(DEADLINE, whole).await }).expect("ends in time");
    }));
    runtime.block_on(leftovers::remove_containers(&instance));
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}
