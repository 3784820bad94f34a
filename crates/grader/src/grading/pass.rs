//! One test, pass by pass: the submission runs, alone or joined with an interactor, and what it did is judged.
//!
//! A test of several passes goes on as long as its judging program accepts and leaves the input of another. Each pass is a
//! new process in a clean jail under the limits of the test; nothing gets from one to the next but that input.

use std::{borrow::Cow, sync::Arc, time::Duration};

use anyhow::Context as _;
use iteratione_common::{
    lab::{Checker, ProgramCall, Test, TestKind, TestLimits},
    language::Language,
    verdict::Verdict,
};
use iteratione_sandbox::{
    Execution, SandboxError, Side, ended_first, join,
    protocol::{ExecRequest, ExecResult},
    toolchain,
};

use super::{
    Bench,
    programs::{Fault, Judges, Papers, Said},
    resources,
};
use crate::{
    checkers,
    verdict::{self, Judged},
};

/// For comparing one output: a pattern over megabytes takes seconds at worst.
const CHECKING: Duration = Duration::from_mins(1);
/// Bytes of output and expectation together that are compared on the spot, which takes microseconds.
const COMPARED_AT_ONCE: usize = 64 * 1024;
/// A share of points that is all of them but for the dust of binary fractions.
const ALL: f64 = 1.0 - 1e-9;

/// How a run went, when no jail was lost by our fault.
pub(super) enum Ran {
    /// It ended or was stopped, and was judged.
    ToItsEnd(anyhow::Result<Box<(Outcome, Execution)>>),
    /// The jail's memory was so full that the kernel killed the harness.
    OutOfMemory,
}

/// What a test has come to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) judged: Judged,
    /// The share of the test's points, 0 to 1.
    pub(super) earned: f64,
    /// For the instructor.
    pub(super) judge_message: Option<String>,
}

impl From<Judged> for Outcome {
    fn from(judged: Judged) -> Self {
        let earned = if judged.verdict == Verdict::Ac { 1.0 } else { 0.0 };
        Self { judged, earned, judge_message: None }
    }
}

impl Outcome {
    /// The lab's own program has failed. The student hears that much, the instructor why.
    fn fault(Fault(why): Fault) -> Self {
        let message = "the lab's own judging program failed; this is not counted as the program's fault";
        let judged = Judged { verdict: Verdict::Ie, limit: None, message: Some(message.to_owned()) };
        Self { judged, earned: 0.0, judge_message: Some(why) }
    }
}

/// What a pass has come to.
enum Step {
    /// There is no other.
    Over(Outcome),
    /// There is another, with this input and what the judging program had left.
    Again(Next),
}

/// What another pass begins with.
struct Next {
    input: Vec<u8>,
    feedback: Vec<(String, Vec<u8>)>,
}

/// A pass whose jail was not lost by our fault.
enum Passed {
    Judged(anyhow::Result<Box<(Step, Execution)>>),
    OutOfMemory,
}

impl Bench<'_> {
    /// Runs a test to its end.
    pub(super) async fn try_run(&mut self, test: &Test, limits: TestLimits) -> Result<Ran, SandboxError> {
        let mut input = Cow::Borrowed(test.stdin.as_bytes());
        let mut feedback = Vec::new();
        let mut peak: Option<ExecResult> = None;
        for pass in 1.. {
            let papers = Papers { input: &input, answer: test.expected.as_bytes(), feedback: &feedback };
            let (step, mut done) = match Box::pin(self.pass(test, limits, &papers)).await? {
                Passed::OutOfMemory => return Ok(Ran::OutOfMemory),
                Passed::Judged(Err(error)) => return Ok(Ran::ToItsEnd(Err(error))),
                Passed::Judged(Ok(passed)) => *passed,
            };
            // Limits are each pass' own, so that what is told of all is the most that one of them used.
            if let Some(peak) = &peak {
                done.result.cpu_us = done.result.cpu_us.max(peak.cpu_us);
                done.result.wall_us = done.result.wall_us.max(peak.wall_us);
                done.result.memory_bytes = done.result.memory_bytes.max(peak.memory_bytes);
            }
            let outcome = match step {
                Step::Over(outcome) => outcome,
                Step::Again(next) if pass < test.passes => {
                    (input, feedback, peak) = (Cow::Owned(next.input), next.feedback, Some(done.result));
                    continue;
                }
                Step::Again(_) => Outcome::fault(Fault(format!(
                    "a judging program left a nextpass.in in pass {pass}, and the test has passes = {}",
                    test.passes
                ))),
            };
            return Ok(Ran::ToItsEnd(Ok(Box::new((in_pass(outcome, pass), done)))));
        }
        Err(SandboxError::JailLost("a test had more passes than can be counted".to_owned()))
    }

    async fn pass(&mut self, test: &Test, limits: TestLimits, papers: &Papers<'_>) -> Result<Passed, SandboxError> {
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
        let limits = toolchain::program_limits(limits.cpu_ms, limits.wall_ms, limits.output_kb << 10);
        let request = program.in_memory(resources.memory_bytes).exec_request(&test.args, limits);
        if let (TestKind::Interactive, Some(interactor)) = (test.kind, &test.interactor) {
            return Box::pin(self.converse(test, interactor, request, papers)).await;
        }
        let done = match jail.exec(request, papers.input).await {
            Ok(done) => done,
            Err(error) => return self.lost(error).await,
        };
        self.oom_killed |= done.result.oom_kills > 0;
        // What it measured stands, however the jail looks afterwards. Nobody waits for the one to do the other.
        let language = &self.request.language;
        let (clean, step) = if let Checker::Program(call) = &test.checker {
            let judging = Box::pin(asked(&mut self.judges, language, test, call, papers, done));
            tokio::join!(jail.clean(), judging)
        } else {
            let (clean, judged) = tokio::join!(jail.clean(), judge(language, test, done));
            (clean, Ok(judged.map(|(judged, done)| Box::new((Step::Over(judged.into()), done)))))
        };
        self.keep_if(&clean, test);
        step.map(Passed::Judged)
    }

    /// Runs the submission and an interactor, each of which reads what the other writes.
    ///
    /// An interactor that ends before the submission, and says that it was wrong, has the last word: what the submission did
    /// afterwards does not matter. If the submission was first, its own failure counts before what the interactor made of
    /// the silence. Accepted is only who also ended well.
    async fn converse(
        &mut self,
        test: &Test,
        interactor: &ProgramCall,
        request: ExecRequest,
        papers: &Papers<'_>,
    ) -> Result<Passed, SandboxError> {
        let mut seat = match self.judges.take(interactor, papers).await? {
            Ok(seat) => seat,
            Err(fault) => {
                // Whatever was put there for the submission goes.
                self.jail = None;
                return Ok(Passed::Judged(Ok(Box::new((Step::Over(Outcome::fault(fault)), nothing())))));
            }
        };
        let Some(jail) = &mut self.jail else { return Err(SandboxError::Stopping) };
        let judging = seat.interactor_request(interactor, request.limits.wall_ms);
        let met = join(Side { jail, request }, Side { jail: seat.jail(), request: judging }, |interactor| {
            interactor.exit_code != Some(super::programs::ACCEPTED) && !interactor.input_ended
        })
        .await?;
        let heard = match met.second {
            Ok(done) => {
                let heard = self.judges.hear(interactor, seat, &done).await?;
                Ok((heard, done))
            }
            Err(error) => Err(seat.lost(error).await?),
        };
        let done = match met.first {
            Ok(done) => done,
            Err(error) => return self.lost(error).await,
        };
        self.oom_killed |= done.result.oom_kills > 0;
        let Some(jail) = &mut self.jail else { return Err(SandboxError::Stopping) };
        let clean = jail.clean().await;
        self.keep_if(&clean, test);
        let (heard, was_first) = match heard {
            Ok((heard, interactor)) => (heard, ended_first(&interactor.result, &done.result)),
            Err(fault) => (Err(fault), true),
        };
        let accepted = matches!(&heard, Ok(said) if said.accepted);
        if accepted || !was_first {
            match verdict::failed(&self.request.language, &done) {
                Ok(Some(failed)) => {
                    let judge_message = match heard {
                        Ok(said) => said.feedback.judge,
                        Err(Fault(why)) => Some(why),
                    };
                    let outcome = Outcome { judge_message, ..Outcome::from(failed) };
                    return Ok(Passed::Judged(Ok(Box::new((Step::Over(outcome), done)))));
                }
                Ok(None) => {}
                Err(error) => return Ok(Passed::Judged(Err(error))),
            }
        }
        Ok(Passed::Judged(Ok(Box::new((said(test, heard), done)))))
    }

    /// A jail was lost under the submission: whether of its own memory.
    async fn lost(&mut self, error: SandboxError) -> Result<Passed, SandboxError> {
        let jail = self.jail.take();
        // What Docker says is of the whole container: an earlier test's may not be laid at this one's door.
        let full = match &jail {
            Some(jail) if matches!(error, SandboxError::JailLost(_)) && !self.oom_killed => jail.died_of_memory().await,
            _ => false,
        };
        if full { Ok(Passed::OutOfMemory) } else { Err(error) }
    }

    fn keep_if(&mut self, clean: &Result<bool, SandboxError>, test: &Test) {
        if !matches!(clean, Ok(true)) {
            tracing::info!(test = test.name, ?clean, "a jail is not proven clean, another goes on");
            self.jail = None;
        }
    }
}

/// Has a program look at what the submission did, if that did not fail by itself.
async fn asked(
    judges: &mut Judges<'_>,
    language: &Language,
    test: &Test,
    call: &ProgramCall,
    papers: &Papers<'_>,
    done: Execution,
) -> Result<anyhow::Result<Box<(Step, Execution)>>, SandboxError> {
    let step = match verdict::failed(language, &done) {
        Err(error) => return Ok(Err(error)),
        Ok(Some(failed)) => Step::Over(failed.into()),
        Ok(None) => said(test, judges.check(call, papers, &done.stdout).await?),
    };
    Ok(Ok(Box::new((step, done))))
}

/// What a judging program's word means for a test.
fn said(test: &Test, heard: Result<Said, Fault>) -> Step {
    let Said { accepted, feedback } = match heard {
        Ok(said) => said,
        Err(fault) => return Step::Over(Outcome::fault(fault)),
    };
    if !accepted {
        let message = Some(feedback.team.unwrap_or_else(|| "the judging program says that it is wrong".to_owned()));
        let judged = Judged { verdict: Verdict::Wa, limit: None, message };
        return Step::Over(Outcome { judged, earned: 0.0, judge_message: feedback.judge });
    }
    let (earned, odd) = feedback.earned(test.points);
    if let Some(input) = feedback.next {
        return Step::Again(Next { input, feedback: feedback.files });
    }
    let verdict = if earned >= ALL { Verdict::Ac } else { Verdict::Pa };
    let judge_message = [feedback.judge, odd].into_iter().flatten().reduce(|one, other| format!("{one}\n{other}"));
    let judged = Judged { verdict, limit: None, message: feedback.team };
    Step::Over(Outcome { judged, earned, judge_message })
}

/// Says in which pass something went wrong.
fn in_pass(mut outcome: Outcome, pass: u32) -> Outcome {
    if pass > 1 && outcome.judged.verdict != Verdict::Ac {
        let message = outcome.judged.message.take();
        outcome.judged.message = Some(match message {
            Some(message) => format!("in pass {pass}: {message}"),
            None => format!("in pass {pass}"),
        });
    }
    outcome
}

/// Of a run that did not begin.
fn nothing() -> Execution {
    Execution { result: ExecResult::default(), stdout: Vec::new(), stderr: Vec::new() }
}

/// Comparing megabytes takes a while: not on the thread that holds up everybody's heartbeat.
async fn judge(language: &Arc<Language>, test: &Test, done: Execution) -> anyhow::Result<(Judged, Execution)> {
    if done.stdout.len() + test.expected.len() <= COMPARED_AT_ONCE && !matches!(test.checker, Checker::Regex {}) {
        let check = || checkers::check(&test.checker, test.expected.as_bytes(), &done.stdout);
        return verdict::judge(language, &done, check).map(|judged| (judged, done));
    }
    let (language, checker, expected) = (Arc::clone(language), test.checker.clone(), test.expected.clone());
    let work = tokio::task::spawn_blocking(move || {
        let check = || checkers::check(&checker, expected.as_bytes(), &done.stdout);
        verdict::judge(&language, &done, check).map(|judged| (judged, done))
    });
    tokio::time::timeout(CHECKING, work).await.context("comparing the output took too long")?.context("the checker")?
}
