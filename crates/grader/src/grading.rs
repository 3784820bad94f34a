//! One submission: a jail, one compilation, test by test, points.
//!
//! Inputs enter the jail one test at a time; expected outputs never do. A jail that cannot prove itself clean between
//! tests is thrown away and the program built anew in another. An error is ours: the job is tried again.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use iteratione_common::{
    ids::SubmissionId,
    lab::{LabDocument, SourceFile, Test, TestGroup, TestLimits},
    language::Language,
    submission::{Event, Grade, GroupResult, TestResult},
    verdict::Verdict,
};
use iteratione_sandbox::{
    Execution, Jail, Resources, Sandbox, SandboxError,
    protocol::ExecLimits,
    toolchain::{self, Build, Order, Program},
};
use tokio::sync::mpsc;

use crate::{
    checkers, scoring,
    verdict::{self, Judged},
};

mod starter;

/// Bytes of input, output and expectation that a result keeps of each.
const KEPT: usize = 16 * 1024;
/// `RLIMIT_FSIZE` of programs; the scratch folder is smaller.
const FILE_BYTES: u64 = 64 << 20;
/// `RLIMIT_NOFILE` of programs.
const OPEN_FILES: u64 = 256;
/// `RLIMIT_STACK` of programs. Deep recursion is no crime; threads of native programs get as much address space each.
const STACK_BYTES: u64 = 64 << 20;
/// Jails that one test may lose before it is given up.
const TRIES: usize = 2;
/// Jails that one submission may wear out before the job is given back.
const JAILS: usize = 12;
/// For comparing one output: a pattern over megabytes takes seconds at worst.
const CHECKING: Duration = Duration::from_mins(1);

/// What is graded.
#[derive(Debug, Clone)]
pub struct GradeRequest {
    /// The submission, for labels and logs.
    pub submission: SubmissionId,
    /// The job's attempt, for events.
    pub attempt: i32,
    /// Its language.
    pub language: Arc<Language>,
    /// As handed in.
    pub files: Vec<SourceFile>,
    /// Entry point that was asked for.
    pub main: Option<String>,
    /// The revision it is graded by.
    pub document: Arc<LabDocument>,
    /// Whether `after_due` tests run.
    pub due_passed: bool,
}

/// Grades a submission and tells `events` of each step; a receiver that has gone is no error.
pub async fn grade(sandbox: &Sandbox, request: &GradeRequest, events: mpsc::Sender<Event>) -> anyhow::Result<Grade> {
    let starter = request.document.starter.get(&request.language.id).map(Vec::as_slice).unwrap_or_default();
    let merged = starter::merge(&request.files, starter);
    let mut bench = Bench { sandbox, request, merged, jail: None, program: None, opened: 0 };
    let mut build = bench.open(resources(sandbox, request, request.document.limits)).await?;
    starter::conceal(&mut build.compile, &bench.merged.hidden);
    let attempt = request.attempt;
    events.send(Event::Compile { compile: build.compile.clone(), attempt }).await.ok(/* nobody watches */);
    if let Err(failure) = &build.program {
        return Ok(not_built(request, build.compile, failure.message()));
    }
    let of = request.document.groups.iter().map(|g| g.tests.len()).sum();
    let mut tests: Vec<TestResult> = Vec::with_capacity(of);
    let mut passed: Vec<&str> = Vec::new();
    for group in &request.document.groups {
        let missing = group.requires.iter().find(|r| !passed.contains(&r.as_str()));
        let first = tests.len();
        for (place, test) in group.tests.iter().enumerate() {
            let result = if !scoring::counts(test.visibility, request.due_passed) {
                skipped(request, group, place, "runs after the deadline")
            } else if let Some(missing) = missing {
                skipped(request, group, place, &format!("not run: the group {missing} was not passed in full"))
            } else {
                bench.run(group, place).await?
            };
            let event = Event::Test { test: Box::new(result.clone()), index: tests.len(), of, attempt };
            events.send(event).await.ok(/* nobody watches */);
            tests.push(result);
        }
        let mut counted = tests[first..].iter().filter(|t| scoring::counts(t.visibility, request.due_passed));
        if counted.all(|t| t.verdict == Verdict::Ac) {
            passed.push(&group.name);
        }
    }
    let scored = scoring::score(&request.document, &tests, request.due_passed);
    Ok(Grade {
        verdict: scored.verdict,
        score: scored.score,
        max_score: scored.max_score,
        compile: Some(build.compile),
        groups: scored.groups,
        tests,
        message: None,
    })
}

/// The grade of what does not build: every test is skipped, nothing is earned.
fn not_built(request: &GradeRequest, compile: iteratione_common::submission::CompileResult, message: String) -> Grade {
    let mut tests = Vec::new();
    for group in &request.document.groups {
        tests.extend(
            (0..group.tests.len()).map(|place| skipped(request, group, place, "not run: the program does not build")),
        );
    }
    let scored = scoring::score(&request.document, &tests, request.due_passed);
    let groups = scored.groups.into_iter().map(|g| GroupResult { points: 0.0, ..g }).collect();
    Grade {
        verdict: Verdict::Ce,
        score: 0.0,
        max_score: scored.max_score,
        compile: Some(compile),
        groups,
        tests,
        message: Some(message),
    }
}

fn resources(sandbox: &Sandbox, request: &GradeRequest, limits: TestLimits) -> Resources {
    Resources {
        memory_bytes: limits.memory_mb << 20,
        cpus: sandbox.default_resources().cpus,
        // The harness is one of them.
        processes: limits.processes + request.language.run_limits.processes_extra + 1,
    }
}

/// A jail with the program in it, replaced when it is worn out.
struct Bench<'a> {
    sandbox: &'a Sandbox,
    request: &'a GradeRequest,
    merged: starter::Merged,
    jail: Option<Jail>,
    program: Option<Program>,
    /// Jails taken so far.
    opened: usize,
}

impl Bench<'_> {
    /// Takes a jail and builds in it.
    async fn open(&mut self, resources: Resources) -> Result<Build, SandboxError> {
        self.jail = None;
        if self.opened >= JAILS {
            return Err(SandboxError::JailLost(format!("it was the {JAILS}th of this submission")));
        }
        self.opened += 1;
        let language = &self.request.language;
        let start = self.sandbox.compile_resources(language);
        let mut jail = self.sandbox.take(language, start, &self.request.submission.to_string()).await?;
        let order = Order { files: &self.merged.files, main: self.request.main.as_deref(), given: &self.merged.given };
        let build = toolchain::build(&mut jail, language, order, resources).await?;
        self.program = build.program.clone().ok();
        self.jail = Some(jail);
        Ok(build)
    }

    /// Runs one test, in a fresh jail once more if the first is lost under it. What takes two jails with it is given
    /// up as an internal error, so that the other tests still count; any other trouble is the whole job's.
    async fn run(&mut self, group: &TestGroup, place: usize) -> anyhow::Result<TestResult> {
        let test = &group.tests[place];
        let limits = test.limits.unwrap_or(self.request.document.limits);
        for _ in 0..TRIES {
            match self.try_run(test, limits).await {
                Ok(done) => return self.result(group, place, done).await,
                Err(error @ SandboxError::JailLost(_)) if self.opened < JAILS => {
                    tracing::info!(group = group.name, test = test.name, %error, "a jail was lost under a test");
                    self.jail = None;
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("test {} of group {}", test.name, group.name));
                }
            }
        }
        Ok(TestResult {
            verdict: Verdict::Ie,
            max_points: scoring::share(group, place, self.request.due_passed),
            message: Some(
                "the judge lost two jails under this test; this is not counted as the program's fault".into(),
            ),
            ..not_run(group, test)
        })
    }

    async fn try_run(&mut self, test: &Test, limits: TestLimits) -> Result<Execution, SandboxError> {
        let resources = resources(self.sandbox, self.request, limits);
        if self.jail.is_none() {
            let build = self.open(resources).await?;
            if let Err(failure) = build.program {
                return Err(SandboxError::JailLost(format!(
                    "it was built before and now is not: {}",
                    failure.message()
                )));
            }
        }
        let (Some(jail), Some(program)) = (&mut self.jail, &self.program) else { return Err(SandboxError::Stopping) };
        jail.set_resources(resources).await?;
        for file in &test.files {
            jail.put(&file.name, file.content.as_bytes()).await?;
        }
        let limits = ExecLimits {
            cpu_ms: limits.cpu_ms,
            wall_ms: limits.wall_ms,
            output_bytes: limits.output_kb << 10,
            file_bytes: FILE_BYTES,
            open_files: OPEN_FILES,
            stack_bytes: Some(STACK_BYTES),
        };
        let request = program.in_memory(resources.memory_bytes).exec_request(&test.args, limits);
        let done = jail.exec(request, test.stdin.as_bytes()).await?;
        // What it measured stands, however the jail looks afterwards.
        let clean = jail.clean().await;
        if !matches!(clean, Ok(true)) {
            tracing::info!(test = test.name, ?clean, "a jail is not proven clean, another goes on");
            self.jail = None;
        }
        Ok(done)
    }

    /// Judges a run, outside the jail.
    async fn result(&self, group: &TestGroup, place: usize, done: Execution) -> anyhow::Result<TestResult> {
        let test = &group.tests[place];
        let Some(program) = &self.program else { bail!("there is no program") };
        let (judged, done) = judge(&self.request.language, test, done)
            .await
            .with_context(|| format!("test {} of group {}", test.name, group.name))?;
        let max_points = scoring::share(group, place, self.request.due_passed);
        let by_itself = done.result.stop.is_none();
        Ok(TestResult {
            verdict: judged.verdict,
            limit: judged.limit,
            points: if judged.verdict == Verdict::Ac { max_points } else { 0.0 },
            max_points,
            cpu_ms: Some(done.result.cpu_us / 1000),
            wall_ms: Some(done.result.wall_us / 1000),
            memory_kb: Some(done.result.memory_bytes / 1024),
            exit_code: done.result.exit_code.filter(|_| by_itself),
            signal: done.result.signal.filter(|_| by_itself),
            stdin: Some(kept(test.stdin.as_bytes())),
            stdout: Some(kept(&done.stdout)),
            stderr: Some(program.rename_in(&kept(&done.stderr))),
            expected: Some(kept(test.expected.as_bytes())),
            message: judged.message,
            ..not_run(group, test)
        })
    }
}

/// Comparing megabytes takes a while: not on the thread that holds up everybody's heartbeat.
async fn judge(language: &Arc<Language>, test: &Test, done: Execution) -> anyhow::Result<(Judged, Execution)> {
    let (language, checker, expected) = (Arc::clone(language), test.checker.clone(), test.expected.clone());
    let work = tokio::task::spawn_blocking(move || {
        let check = || checkers::check(&checker, expected.as_bytes(), &done.stdout);
        verdict::judge(&language, &done, check).map(|judged| (judged, done))
    });
    tokio::time::timeout(CHECKING, work).await.context("comparing the output took too long")?.context("the checker")?
}

fn skipped(request: &GradeRequest, group: &TestGroup, place: usize, why: &str) -> TestResult {
    TestResult {
        max_points: scoring::share(group, place, request.due_passed),
        message: Some(why.to_owned()),
        ..not_run(group, &group.tests[place])
    }
}

fn not_run(group: &TestGroup, test: &Test) -> TestResult {
    TestResult::not_run(&group.name, &test.name, test.visibility)
}

/// The beginning of some output as text, cut between characters. PostgreSQL's JSON has no NUL, so it becomes `␀`.
fn kept(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(KEPT)]).replace('\0', "␀");
    text.truncate(text.floor_char_boundary(KEPT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_output_is_short_text_without_nul() {
        assert_eq!(kept(b"a\0b\xff"), "a␀b\u{fffd}");
        assert!(kept(&vec![0xff; 100_000]).len() <= KEPT);
        assert_eq!(kept("é".repeat(KEPT).as_bytes()).len(), KEPT);
    }
}
