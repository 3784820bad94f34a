//! One submission: a jail, one compilation, test by test, points.
//!
//! Inputs enter the jail one test at a time; expected outputs never do. A jail that cannot prove itself clean between
//! tests is thrown away and the program built anew in another. An error is ours: the job is tried again.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use iteratione_common::{
    ids::SubmissionId,
    lab::{LabDocument, SourceFile, Test, TestGroup, TestKind, TestLimits},
    language::Language,
    submission::{Event, Grade, GroupResult, TestResult, TimeLimit},
    verdict::Verdict,
};
use iteratione_sandbox::{
    Execution, Jail, Resources, Sandbox, SandboxError,
    toolchain::{self, Build, Order, Program},
};
use tokio::sync::mpsc;

use crate::scoring;

mod pass;
mod programs;
mod starter;
mod unit;

use pass::{Outcome, Ran};
pub use programs::Builds;
use programs::Judges;

/// Bytes of input, output and expectation that a result keeps of each.
const KEPT: usize = 16 * 1024;
/// Jails that one test may lose before it is given up.
const TRIES: usize = 2;
/// Jails that one submission may wear out; then the tests that are left are given up.
const JAILS: usize = 12;
/// A run that took up to this share more than its limit is done once more: 1/20 is 5 %.
const JUST_MISSED: u64 = 20;

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

/// Grades a submission and tells `events` of each step; a receiver that has gone is no error. `builds` are the judging
/// programs of earlier ones.
pub async fn grade(
    sandbox: &Sandbox,
    builds: &Builds,
    request: &GradeRequest,
    events: mpsc::Sender<Event>,
) -> anyhow::Result<Grade> {
    let starter = request.document.starter.get(&request.language.id).map(Vec::as_slice).unwrap_or_default();
    let merged = starter::merge(&request.files, starter);
    let judges = Judges::new(sandbox, builds, &request.document, request.submission.to_string());
    let mut bench = Bench {
        sandbox,
        request,
        merged,
        jail: None,
        oom_killed: false,
        program: None,
        opened: 0,
        units: None,
        judges,
    };
    let mut build = bench.open(resources(sandbox, request, request.document.limits)).await?;
    let mut refusal = None;
    if build.program.is_ok() {
        match bench.ready_units().await? {
            unit::Ready::None => {}
            unit::Ready::Units(units) => bench.units = Some(units),
            unit::Ready::Refused(why) => {
                unit::refused(&mut build.compile, &why);
                refusal = Some(why);
            }
        }
    }
    starter::conceal(&mut build.compile, &bench.merged.hidden);
    let attempt = request.attempt;
    events.send(Event::Compile { compile: build.compile.clone(), attempt }).await.ok(/* nobody watches */);
    if let Err(failure) = &build.program {
        return Ok(not_built(request, build.compile, failure.message()));
    }
    if let Some(why) = refusal {
        return Ok(not_built(request, build.compile, why));
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
    /// Something in that jail was killed for want of memory before.
    oom_killed: bool,
    program: Option<Program>,
    /// Jails taken so far.
    opened: usize,
    /// The unit tests, if there are any.
    units: Option<Box<unit::Units>>,
    /// The lab's own programs that judge.
    judges: Judges<'a>,
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
        let order = Order { files: &self.merged.files, main: self.request.main.as_deref(), given: &self.merged.given };
        let job = self.request.submission.to_string();
        let (build, jail) = if unit::only_units(&self.request.document) {
            toolchain::open_library(self.sandbox, language, order, resources, &job).await?
        } else {
            toolchain::open(self.sandbox, language, order, resources, &job).await?
        };
        self.program = build.program.clone().ok();
        self.jail = jail;
        self.oom_killed = false;
        Ok(build)
    }

    /// Runs one test. A time limit that is missed by a hair may be the machine's doing: it is run once more, and the
    /// better run counts.
    async fn run(&mut self, group: &TestGroup, place: usize) -> anyhow::Result<TestResult> {
        let test = &group.tests[place];
        if unit::is_unit(test) {
            return self.run_unit(group, place).await;
        }
        let limits = test.limits.unwrap_or(self.request.document.limits);
        let first = self.run_once(group, place, limits).await?;
        if !just_missed(&first, limits) {
            return Ok(first);
        }
        tracing::info!(group = group.name, test = test.name, cpu_ms = first.cpu_ms, "just missed its limit: once more");
        Ok(better(first, self.run_once(group, place, limits).await?))
    }

    /// Runs one test, in a fresh jail once more if the first is lost under it. What takes two jails with it is given
    /// up as an internal error, so that the other tests still count; any other trouble is the whole job's.
    async fn run_once(&mut self, group: &TestGroup, place: usize, limits: TestLimits) -> anyhow::Result<TestResult> {
        let test = &group.tests[place];
        for _ in 0..TRIES {
            match self.try_run(test, limits).await {
                Ok(Ran::ToItsEnd(judged)) => {
                    let (outcome, done) =
                        *judged.with_context(|| format!("test {} of group {}", test.name, group.name))?;
                    return self.result(group, place, outcome, &done);
                }
                Ok(Ran::OutOfMemory) => {
                    return Ok(TestResult {
                        verdict: Verdict::Mle,
                        max_points: scoring::share(group, place, self.request.due_passed),
                        message: Some("out of memory: it was so full that the whole jail died of it".into()),
                        ..not_run(group, test)
                    });
                }
                Err(error @ SandboxError::JailLost(_)) => {
                    tracing::warn!(group = group.name, test = test.name, %error, "a jail was lost under a test");
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

    /// What is told of a run that was judged.
    fn result(
        &self,
        group: &TestGroup,
        place: usize,
        outcome: Outcome,
        done: &Execution,
    ) -> anyhow::Result<TestResult> {
        let Outcome { judged, earned, judge_message } = outcome;
        let test = &group.tests[place];
        let Some(program) = &self.program else { bail!("there is no program") };
        let max_points = scoring::share(group, place, self.request.due_passed);
        let by_itself = done.result.stop.is_none();
        let alone = test.kind != TestKind::Interactive;
        Ok(TestResult {
            verdict: judged.verdict,
            limit: judged.limit,
            points: scoring::round(max_points * earned),
            max_points,
            cpu_ms: Some(done.result.cpu_us / 1000),
            wall_ms: Some(done.result.wall_us / 1000),
            memory_kb: Some(done.result.memory_bytes / 1024),
            // A run that was only found to be too long when it was over did end by itself.
            exit_code: done.result.exit_code,
            signal: done.result.signal.filter(|_| by_itself),
            // Of an interactive test it is the interactor's, and nothing for students.
            stdin: alone.then(|| kept(test.stdin.as_bytes())),
            stdout: alone.then(|| kept(&done.stdout)),
            stderr: Some(program.rename_in(&kept(&done.stderr))),
            expected: alone.then(|| kept(test.expected.as_bytes())),
            message: judged.message,
            judge_message,
            ..not_run(group, test)
        })
    }
}

/// Whether a run ended by itself, and above its CPU limit by so little that another may be below it.
fn just_missed(result: &TestResult, limits: TestLimits) -> bool {
    let most = limits.cpu_ms + limits.cpu_ms / JUST_MISSED;
    result.limit == Some(TimeLimit::Cpu) && result.exit_code.is_some() && result.cpu_ms.is_some_and(|ms| ms < most)
}

/// Of a run that just missed its limit and the one after it. One that was lost says nothing.
fn better(first: TestResult, second: TestResult) -> TestResult {
    let said = |kept: TestResult, note: &str| {
        let message = kept.message.as_deref().map_or_else(|| note.to_owned(), |said| format!("{said} ({note})"));
        TestResult { message: Some(message), ..kept }
    };
    match second.verdict {
        Verdict::Tle if second.limit == Some(TimeLimit::Cpu) => {
            let kept = if second.cpu_ms < first.cpu_ms { second } else { first };
            said(kept, "the better of two runs: both took too long")
        }
        Verdict::Tle | Verdict::Ie => first,
        _ => said(second, "run again, because the first run missed the time limit by less than 5 %"),
    }
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
    use iteratione_common::lab::Visibility;

    use super::*;

    const LIMITS: TestLimits = TestLimits { cpu_ms: 1000, wall_ms: 5000, memory_mb: 64, output_kb: 64, processes: 8 };

    fn ran(verdict: Verdict, cpu_ms: u64, by_itself: bool) -> TestResult {
        TestResult {
            verdict,
            limit: (verdict == Verdict::Tle).then_some(TimeLimit::Cpu),
            cpu_ms: Some(cpu_ms),
            exit_code: by_itself.then_some(0),
            message: (verdict != Verdict::Ac).then(|| "why".to_owned()),
            ..TestResult::not_run("g", "t", Visibility::Hidden)
        }
    }

    #[test]
    fn only_a_run_that_ended_by_itself_within_a_twentieth_of_its_cpu_limit_is_done_again() {
        assert!(
            just_missed(&ran(Verdict::Tle, 1000, true), LIMITS) && just_missed(&ran(Verdict::Tle, 1049, true), LIMITS)
        );
        assert!(!just_missed(&ran(Verdict::Tle, 1050, true), LIMITS));
        assert!(!just_missed(&ran(Verdict::Tle, 1020, false), LIMITS), "it was stopped");
        assert!(!just_missed(&ran(Verdict::Ac, 1000, true), LIMITS));
        let wall = TestResult { limit: Some(TimeLimit::Wall), ..ran(Verdict::Tle, 1000, true) };
        assert!(!just_missed(&wall, LIMITS));
    }

    #[test]
    fn of_two_runs_the_better_counts_and_the_row_says_so() {
        let first = || ran(Verdict::Tle, 1040, true);
        let kept = better(first(), ran(Verdict::Ac, 990, true));
        assert_eq!((kept.verdict, kept.cpu_ms), (Verdict::Ac, Some(990)));
        assert!(kept.message.is_some_and(|m| m.contains("run again")));
        let kept = better(first(), ran(Verdict::Tle, 1030, true));
        assert_eq!((kept.verdict, kept.cpu_ms), (Verdict::Tle, Some(1030)));
        assert!(kept.message.is_some_and(|m| m.starts_with("why (") && m.contains("two runs")));
        assert_eq!(better(first(), ran(Verdict::Tle, 1100, false)).cpu_ms, Some(1040));
        assert_eq!(better(first(), ran(Verdict::Ie, 0, false)), first());
        assert_eq!(better(first(), ran(Verdict::Wa, 900, true)).verdict, Verdict::Wa);
    }

    #[test]
    fn what_is_kept_of_output_is_short_text_without_nul() {
        assert_eq!(kept(b"a\0b\xff"), "a␀b\u{fffd}");
        assert!(kept(&vec![0xff; 100_000]).len() <= KEPT);
        assert_eq!(kept("é".repeat(KEPT).as_bytes()).len(), KEPT);
    }
}
