//! Every language's folder, in a real jail: its hello program prints what it should, and a broken program is told where
//! it is broken. A new folder is tested without a new line here.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use iteratione_common::{
    config::load,
    diagnostic::Severity,
    lab::SourceFile,
    language::{Language, Languages},
    lifecycle::Lifecycle,
};
use iteratione_sandbox::{
    DEFAULTS, Jail, Resources, Sandbox, SandboxConfig, SandboxError,
    protocol::ExecLimits,
    toolchain::{self, Build, Order},
};
use serde::Deserialize;
use testkit::{leftovers, settings::Settings, turn};
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(240);
/// No language has a word like that: a syntax error wherever it stands.
const BROKEN: &str = "\n@)(@ ]\n";

#[test]
fn the_hello_program_of_every_language_prints_what_it_should() {
    with_sandbox(async |sandbox| {
        for language in all(&sandbox) {
            let (mut jail, resources) = take(&sandbox, &language).await;
            let file = hello(&language);
            let build = build(&mut jail, &language, file, resources).await.expect("builds");
            let program =
                build.program.unwrap_or_else(|f| panic!("{}: {}\n{:?}", language.id, f.message(), build.compile));
            assert!(build.compile.ok && build.compile.diagnostics.is_empty(), "{}: {:?}", language.id, build.compile);
            let done = jail.exec(program.exec_request(&[], limits()), b"").await.expect("runs");
            let expected = fs::read_to_string(language.dir.join(&language.hello_output)).expect("hello_output");
            let printed = String::from_utf8_lossy(&done.stdout);
            assert_eq!(
                printed,
                expected,
                "{}: {:?} {}",
                language.id,
                done.result,
                String::from_utf8_lossy(&done.stderr)
            );
            assert_eq!((done.result.exit_code, done.result.stop), (Some(0), None), "{}", language.id);
            assert!(done.stderr.is_empty(), "{}: {}", language.id, String::from_utf8_lossy(&done.stderr));
            println!(
                "{}: compiled in {} ms of CPU; hello took {} ms of CPU, {} ms, {} MiB",
                language.id,
                build.compile.cpu_ms,
                done.result.cpu_us / 1000,
                done.result.wall_us / 1000,
                done.result.memory_bytes >> 20
            );
            jail.destroy().await;
        }
    });
}

#[test]
fn a_broken_program_in_any_language_is_told_the_file_and_the_line() {
    with_sandbox(async |sandbox| {
        for language in all(&sandbox) {
            let (mut jail, resources) = take(&sandbox, &language).await;
            let mut file = hello(&language);
            let lines = u32::try_from(file.content.lines().count()).expect("a short program");
            file.content.push_str(BROKEN);
            let name = file.name.clone();
            let build = build(&mut jail, &language, file, resources).await.expect("is tried");
            assert!(build.program.is_err() && !build.compile.ok, "{}: {:?}", language.id, build.compile);
            let first = build.compile.diagnostics.iter().find(|d| d.severity == Severity::Error);
            let first = first.unwrap_or_else(|| panic!("{}: no error in {:?}", language.id, build.compile));
            assert_eq!(first.file.as_deref(), Some(name.as_str()), "{}: {first:?}", language.id);
            assert!(first.line.is_some_and(|line| line > lines && line <= lines + 2), "{}: {first:?}", language.id);
            assert!(!build.compile.output.contains("/src/"), "{}: {}", language.id, build.compile.output);
            jail.destroy().await;
        }
    });
}

fn all(sandbox: &Sandbox) -> Vec<Arc<Language>> {
    let all: Vec<_> = sandbox.languages().iter().cloned().collect();
    assert!(all.len() >= 4, "java, python, c and cpp at least");
    all
}

fn hello(language: &Language) -> SourceFile {
    let path = Path::new(&language.hello);
    let name = path.file_name().and_then(|n| n.to_str()).expect("a file name").to_owned();
    SourceFile { name, content: fs::read_to_string(language.dir.join(path)).expect("the hello program") }
}

async fn take(sandbox: &Sandbox, language: &Language) -> (Jail, Resources) {
    let start = sandbox.compile_resources(language);
    let jail = sandbox.take(language, start, "images").await.unwrap_or_else(|e| panic!("{}: {e}", language.id));
    let run = sandbox.default_resources();
    (jail, Resources { processes: run.processes + language.run_limits.processes_extra, ..run })
}

async fn build(jail: &mut Jail, language: &Language, file: SourceFile, run: Resources) -> Result<Build, SandboxError> {
    toolchain::build(jail, language, Order { files: &[file], main: None, given: &[] }, run).await
}

fn limits() -> ExecLimits {
    ExecLimits {
        cpu_ms: 5000,
        wall_ms: 30_000,
        output_bytes: 1 << 20,
        file_bytes: 1 << 20,
        open_files: 256,
        stack_bytes: None,
    }
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
    let root = config.workspace_root.clone();
    let languages = Languages::read(&settings.languages_dir).expect("languages");
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
