//! Tests of a unit test framework: each class or module of the instructor's in a process of its own.
//!
//! Their list comes from the instructor's sources, before anything runs. What a submission is made of is looked at before it
//! meets them ([`gate`]). Results come over a channel that belongs to the harness ([`records`]).

use std::collections::BTreeMap;

use anyhow::Context as _;
use iteratione_common::{
    diagnostic::{Diagnostic, Severity},
    lab::{LabDocument, Test, TestGroup, TestKind},
    submission::{CompileResult, TestResult},
};
use iteratione_sandbox::{
    SandboxError,
    toolchain::unit::{self, Prepared, UnitClass},
};
use uuid::Uuid;

use super::{Bench, TRIES, kept, not_run, resources};
use crate::scoring;

mod explain;
mod gate;
mod judge;
mod records;

use judge::Run;

/// Whether a test is run here.
pub(super) fn is_unit(test: &Test) -> bool {
    matches!(test.kind, TestKind::Junit | TestKind::Pytest)
}

/// Whether nothing of a lab needs an entry point.
pub(super) fn only_units(document: &LabDocument) -> bool {
    document.groups.iter().flat_map(|g| &g.tests).all(is_unit)
}

/// The unit tests of a lab, ready for one submission.
pub(super) struct Units {
    prepared: Prepared,
    /// Which suite is a group's test.
    places: BTreeMap<(String, usize), usize>,
    /// Why staff should look at the submission.
    marks: Vec<String>,
}

/// What came of making the tests ready.
pub(super) enum Ready {
    /// There are none.
    None,
    /// They can be run.
    Units(Box<Units>),
    /// The submission must not meet them: why.
    Refused(String),
}

impl Bench<'_> {
    /// Makes the unit tests ready that count now, and looks at the submission.
    pub(super) async fn ready_units(&mut self) -> anyhow::Result<Ready> {
        let request = self.request;
        let (mut places, mut suites) = (BTreeMap::new(), Vec::new());
        for group in &request.document.groups {
            for (place, test) in group.tests.iter().enumerate() {
                if is_unit(test) && scoring::counts(test.visibility, request.due_passed) {
                    places.insert((group.name.clone(), place), suites.len());
                    suites.push(test.files.iter().collect::<Vec<_>>());
                }
            }
        }
        if suites.is_empty() {
            return Ok(Ready::None);
        }
        let unit =
            request.language.unit.as_ref().with_context(|| format!("{} has no unit tests", request.language.name))?;
        let jail = self.jail.as_mut().context("there is no jail")?;
        let built = unit::built(jail).await?;
        let job = request.submission.to_string();
        let code = (built.as_slice(), self.merged.files.as_slice());
        let prepared = unit::prepare(self.sandbox, &request.language, unit, code, &suites, &job).await?;
        let looked = gate::look(unit, &gate::Submission { built: &built, merged: &self.merged }, &prepared, request);
        Ok(match looked {
            Ok(marks) => Ready::Units(Box::new(Units { prepared, places, marks })),
            Err(why) => Ready::Refused(why),
        })
    }

    /// Runs the classes of one test, each in a process of its own.
    pub(super) async fn run_unit(&mut self, group: &TestGroup, place: usize) -> anyhow::Result<TestResult> {
        let test = &group.tests[place];
        let units = self.units.take().context("the unit tests were not made ready")?;
        let result = self.run_suite(&units, group, place).await;
        self.units = Some(units);
        result.with_context(|| format!("test {} of group {}", test.name, group.name))
    }

    async fn run_suite(&mut self, units: &Units, group: &TestGroup, place: usize) -> anyhow::Result<TestResult> {
        let test = &group.tests[place];
        let number = *units.places.get(&(group.name.clone(), place)).context("an unknown test")?;
        let suite = units.prepared.suites.get(number).context("an unknown suite")?;
        let mut runs = Vec::with_capacity(suite.classes.len());
        for class in &suite.classes {
            let files = units.prepared.files.get(&class.out).map(Vec::as_slice).unwrap_or_default();
            runs.push(if class.errors.is_empty() { self.run_class(test, class, files).await? } else { Run::Misfit });
        }
        let max_points = scoring::share(group, place, self.request.due_passed);
        let judged = judge::judge(test, suite, &runs, max_points);
        let mut result = TestResult {
            max_points,
            verdict: judged.verdict,
            limit: judged.limit,
            points: judged.points,
            message: judged.message,
            cases: judged.cases,
            suspicious: units.marks.iter().cloned().chain(judged.suspicious).collect(),
            ..not_run(group, test)
        };
        let done = || runs.iter().filter_map(Run::execution);
        if done().next().is_some() {
            result.cpu_ms = Some(done().map(|d| d.result.cpu_us / 1000).sum());
            result.wall_ms = Some(done().map(|d| d.result.wall_us / 1000).sum());
            result.memory_kb = done().map(|d| d.result.memory_bytes / 1024).max();
            let output = |of: fn(&iteratione_sandbox::Execution) -> &[u8]| {
                let all = done().map(of).collect::<Vec<_>>().concat();
                self.program.as_ref().map(|p| p.rename_in(&kept(&all)))
            };
            result.stdout = output(|d| &d.stdout);
            result.stderr = output(|d| &d.stderr);
        }
        Ok(result)
    }

    /// Runs one class; once more in another jail if the first is lost under it.
    async fn run_class(&mut self, test: &Test, class: &UnitClass, files: &[(String, Vec<u8>)]) -> anyhow::Result<Run> {
        for _ in 0..TRIES {
            match self.try_class(test, class, files).await {
                Ok(run) => return Ok(run),
                Err(error @ SandboxError::JailLost(_)) => {
                    tracing::warn!(test = test.name, class = class.name, %error, "a jail was lost under a class of tests");
                    self.jail = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Run::Lost)
    }

    async fn try_class(
        &mut self,
        test: &Test,
        class: &UnitClass,
        files: &[(String, Vec<u8>)],
    ) -> Result<Run, SandboxError> {
        let language = &self.request.language;
        let Some(unit) = &language.unit else { return Err(SandboxError::Stopping) };
        let limits = test.limits.unwrap_or(self.request.document.limits);
        let mut resources = resources(self.sandbox, self.request, limits);
        resources.processes += unit.processes_extra;
        if self.jail.is_none() {
            self.open(resources).await?;
        }
        let (Some(jail), Some(program)) = (&mut self.jail, &self.program) else {
            return Err(SandboxError::JailLost("the submission was built before and now is not".to_owned()));
        };
        jail.set_resources(resources).await?;
        for file in test.files.iter().filter(|f| !language.compiles(&f.name)) {
            jail.put(&file.name, file.content.as_bytes()).await?;
        }
        let nonce = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let times = (limits.cpu_ms, limits.wall_ms, limits.output_kb << 10);
        let request = program.in_memory(resources.memory_bytes).unit_request(unit, times);
        let stdin = unit::standard_input(language, &nonce, &class.name, files);
        let (done, report) = match jail.exec_reporting(request, &stdin).await {
            Ok(done) => done,
            Err(lost @ SandboxError::JailLost(_)) => {
                let full = !self.oom_killed && jail.died_of_memory().await;
                self.jail = None;
                return if full { Ok(Run::OutOfMemory) } else { Err(lost) };
            }
            Err(error) => return Err(error),
        };
        if let Some(why) = &done.result.spawn_error {
            return Err(SandboxError::Unit(format!("the runner of the tests did not start: {why}")));
        }
        self.oom_killed |= done.result.oom_kills > 0;
        let clean = jail.clean().await;
        if !matches!(clean, Ok(true)) {
            tracing::info!(test = test.name, ?clean, "a jail is not proven clean, another goes on");
            self.jail = None;
        }
        Ok(Run::Ended(Box::new(done), Box::new(records::read(&report, &nonce, &class.cases))))
    }
}

/// What compiling gave, when the submission is refused afterwards.
pub(super) fn refused(compile: &mut CompileResult, why: &str) {
    compile.ok = false;
    let diagnostic =
        Diagnostic { file: None, line: None, column: None, severity: Severity::Error, message: why.to_owned() };
    compile.diagnostics.insert(0, diagnostic);
}
