//! Jails: one program in one of them, and a whole submission through the grader.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use iteratione_common::{
    ids::SubmissionId,
    lab::{LabDocument, SourceFile},
    language::Language,
    submission::{Event, Grade},
    verdict::Verdict,
};
use iteratione_grader::grading::{Builds, GradeRequest, grade};
use iteratione_sandbox::{
    Jail, Sandbox,
    docker::host_config::DEFAULT_PATH,
    protocol::{ExecLimits, ExecRequest, ExecResult, FetchRequest, Role},
    toolchain::{self, Order},
};
use tokio::sync::mpsc;

use crate::work::Work;

/// For one step that the sandbox has no shorter deadline for.
const DEADLINE: Duration = Duration::from_secs(180);

/// A program that was built once, to be carried into jails.
#[derive(Debug, Clone)]
pub struct Built {
    /// What the compiler made; empty if the sources are the program.
    pub made: Vec<(String, Vec<u8>)>,
    sources: Vec<(String, Vec<u8>)>,
    run: Vec<String>,
    env: BTreeMap<String, String>,
    stdin: String,
    expected: String,
}

impl Built {
    /// Builds in a jail that is thrown away afterwards.
    pub async fn new(sandbox: &Sandbox, language: &Language, work: &Work) -> anyhow::Result<Self> {
        let mut jail = take(sandbox, language).await?;
        let files = work.files();
        let order = Order { files: &files, main: None, given: &[] };
        let build = toolchain::build(&mut jail, language, order, sandbox.default_resources()).await?;
        build.program.map_err(|e| anyhow::anyhow!("{} does not build: {}", work.name, e.message()))?;
        let everything = FetchRequest { suffix: String::new(), max_bytes: 16 << 20, max_files: 100, scratch: None };
        let made = jail.fetch(everything).await?.files;
        jail.destroy().await;
        let (stdin, expected) = work.tests[0].clone();
        let sources = files.into_iter().map(|f| (f.name, f.content.into_bytes())).collect();
        Ok(Self { made, sources, run: work.run(language), env: environment(language), stdin, expected })
    }

    /// Carries it into a jail: it is there afterwards as if it had been built there.
    pub async fn deliver(&self, sandbox: &Sandbox, jail: &mut Jail) -> anyhow::Result<()> {
        if self.made.is_empty() {
            jail.write_sources(&self.sources).await?;
        } else {
            jail.write_sources(&self.made).await?;
            let argv = ["/bin/sh", "-c", "cp /src/* /build && chmod 755 /build/*"].map(str::to_owned).to_vec();
            let copy = ExecRequest { role: Role::Compiler, argv, cwd: "/build".to_owned(), ..self.request() };
            let done = jail.exec(copy, b"").await?;
            ensure!(done.result.exit_code == Some(0), "copying: {}", String::from_utf8_lossy(&done.stderr));
        }
        jail.set_resources(resources(sandbox)).await?;
        Ok(())
    }

    /// Runs it under all its limits, measured, and proves the jail clean again. How long that took from the moment the
    /// job was sent; its output is compared afterwards.
    pub async fn run(&self, jail: &mut Jail) -> anyhow::Result<(Duration, ExecResult)> {
        let request = self.request();
        let began = Instant::now();
        let done = jail.exec(request, self.stdin.as_bytes()).await?;
        let clean = jail.clean().await?;
        let took = began.elapsed();
        ensure!(clean, "the jail is not clean");
        ensure!(
            done.result.exit_code == Some(0) && done.stdout == self.expected.as_bytes(),
            "the program gave {:?}, and on stderr {:?}",
            done.result,
            String::from_utf8_lossy(&done.stderr)
        );
        ensure!(done.result.memory_bytes > 0 && done.result.wall_us > 0, "nothing was measured: {:?}", done.result);
        Ok((took, done.result))
    }

    /// From nothing to the known end: a jail is made, has the program, runs it. Carrying the program is not counted.
    pub async fn cold(&self, sandbox: &Sandbox, language: &Language) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let mut jail = take(sandbox, language).await?;
        let taken = began.elapsed();
        self.deliver(sandbox, &mut jail).await?;
        let (ran, _) = self.run(&mut jail).await?;
        jail.destroy().await;
        Ok(taken + ran)
    }

    /// The command, its environment and its input, for other ways of running it.
    pub fn command(&self) -> (&[String], &BTreeMap<String, String>, &str) {
        (&self.run, &self.env, &self.stdin)
    }

    /// What it must print.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    fn request(&self) -> ExecRequest {
        ExecRequest {
            role: Role::Program,
            argv: self.run.clone(),
            env: self.env.clone(),
            cwd: "/scratch".to_owned(),
            limits: ExecLimits {
                cpu_ms: 10_000,
                wall_ms: 60_000,
                output_bytes: 1 << 20,
                file_bytes: 64 << 20,
                open_files: 256,
                stack_bytes: Some(64 << 20),
            },
            terminal: None,
            report: None,
            joined: None,
        }
    }
}

/// The environment of a language's processes.
pub fn environment(language: &Language) -> BTreeMap<String, String> {
    let mut env = language.env.clone();
    for (name, value) in [("HOME", "/scratch"), ("TMPDIR", "/tmp"), ("PATH", DEFAULT_PATH)] {
        env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    env
}

/// What a program gets, and the threads of a runtime besides.
fn resources(sandbox: &Sandbox) -> iteratione_sandbox::Resources {
    let defaults = sandbox.default_resources();
    iteratione_sandbox::Resources { processes: defaults.processes + 64, ..defaults }
}

/// A jail as it is taken for a submission.
pub async fn take(sandbox: &Sandbox, language: &Language) -> anyhow::Result<Jail> {
    let taking = sandbox.take(language, sandbox.start_resources(language), "bench");
    Ok(tokio::time::timeout(DEADLINE, taking).await.context("no jail was to be had in time")??)
}

/// A submission's way from the claim to its grade.
#[derive(Debug)]
pub struct Graded {
    /// The whole.
    pub took: Duration,
    /// Until it was compiled.
    pub compiled: Duration,
    /// CPU milliseconds of the compiler and of all programs.
    pub cpu_ms: u64,
}

/// Grades one submission, all of whose tests must pass.
pub async fn submit(
    sandbox: &Sandbox,
    language: &Arc<Language>,
    work: &Work,
    document: &Arc<LabDocument>,
) -> anyhow::Result<Graded> {
    let submission = SubmissionId::new();
    // No two submissions are the same.
    let comment = if work.language == "python" { "#" } else { "//" };
    let content = format!("{}{comment} {submission}\n", work.source);
    let request = GradeRequest {
        submission,
        attempt: 1,
        language: Arc::clone(language),
        files: vec![SourceFile { name: work.file.to_owned(), content }],
        main: None,
        document: Arc::clone(document),
        due_passed: true,
    };
    let (sender, mut events) = mpsc::channel(64);
    let began = Instant::now();
    let listen = async {
        let mut compiled = Duration::ZERO;
        while let Some(event) = events.recv().await {
            if matches!(event, Event::Compile { .. }) {
                compiled = began.elapsed();
            }
        }
        compiled
    };
    let builds = Builds::default();
    let grading = tokio::time::timeout(DEADLINE, grade(sandbox, &builds, &request, sender));
    let timed = async {
        let grade = grading.await;
        (grade, began.elapsed())
    };
    let ((grade, took), compiled) = tokio::join!(timed, listen);
    let grade = grade.context("grading did not end in time")??;
    check(&grade, work)?;
    let compile_ms = grade.compile.as_ref().map_or(0, |c| c.cpu_ms);
    let cpu_ms = compile_ms + grade.tests.iter().filter_map(|t| t.cpu_ms).sum::<u64>();
    Ok(Graded { took, compiled, cpu_ms })
}

/// A benchmark of a program that fails is worth nothing.
fn check(grade: &Grade, work: &Work) -> anyhow::Result<()> {
    let failed = grade.tests.iter().find(|t| t.verdict != Verdict::Ac);
    ensure!(
        grade.verdict == Verdict::Ac && grade.tests.len() == work.tests.len(),
        "{} was graded {:?}: {:?} {:?} {:?}",
        work.name,
        grade.verdict,
        grade.message,
        grade.compile.as_ref().map(|c| &c.output),
        failed
    );
    for (test, (_, expected)) in grade.tests.iter().zip(&work.tests) {
        ensure!(
            test.stdout.as_deref() == Some(expected.as_str()),
            "{}: test {} printed something else",
            work.name,
            test.name
        );
    }
    Ok(())
}
