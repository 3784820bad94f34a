//! From what was told and measured to the verdict of each test and the points of all.

use iteratione_common::{
    lab::Test,
    submission::{CaseResult, TimeLimit},
    verdict::Verdict,
};
use iteratione_sandbox::{
    Execution,
    protocol::Stop,
    toolchain::unit::{Suite, UnitCase, UnitClass},
};

use super::{
    explain,
    records::{Failure, Report, Told},
};
use crate::grading::kept;

/// Characters of a message.
const MESSAGE_CHARS: usize = 2000;

/// What became of one class.
pub(super) enum Run {
    /// It does not fit the submission: see its errors.
    Misfit,
    /// Its process ended, or was ended.
    Ended(Box<Execution>, Box<Report>),
    /// The jail's memory was so full that the kernel killed the harness.
    OutOfMemory,
    /// Two jails were lost under it.
    Lost,
}

impl Run {
    pub(super) fn execution(&self) -> Option<&Execution> {
        if let Self::Ended(done, _) = self { Some(done) } else { None }
    }
}

/// A test of the lab, judged.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) limit: Option<TimeLimit>,
    pub(super) points: f64,
    pub(super) message: Option<String>,
    pub(super) cases: Vec<CaseResult>,
    pub(super) suspicious: Vec<String>,
}

/// One outcome.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    verdict: Verdict,
    limit: Option<TimeLimit>,
    message: Option<String>,
    trace: Option<String>,
}

impl Outcome {
    fn of(verdict: Verdict, message: impl Into<String>) -> Self {
        Self { verdict, limit: None, message: Some(message.into()), trace: None }
    }

    fn passed() -> Self {
        Self { verdict: Verdict::Ac, limit: None, message: None, trace: None }
    }
}

/// Judges the classes of a test, which are worth so many points together.
pub(super) fn judge(test: &Test, suite: &Suite, runs: &[Run], max_points: f64) -> Judged {
    let mut all: Vec<(String, f64, Outcome)> = Vec::new();
    let mut suspicious = Vec::new();
    for (class, run) in suite.classes.iter().zip(runs) {
        for (case, outcome) in class.cases.iter().zip(outcomes(class, run)) {
            let name = format!("{}.{}", shown(suite, &case.class), case.method);
            let weight = weight(test, case, &name);
            all.push((name, weight, outcome));
        }
        if let Run::Ended(_, report) = run {
            if report.foreign > 0 {
                suspicious.push(format!("{}: {} foreign lines in its report", class.name, report.foreign));
            }
            if !report.ended && report.broken.is_none() {
                suspicious.push(format!("{}: its process ended before its tests", class.name));
            }
        }
    }
    let total: f64 = all.iter().map(|(_, weight, _)| weight).sum();
    // Tests that are worth nothing do not decide, unless there are no others.
    let counts = |weight: f64| total <= 0.0 || weight > 0.0;
    let share = |weight: f64| if total > 0.0 { max_points * weight / total } else { max_points / count(all.len()) };
    let earned: f64 = all
        .iter()
        .filter(|(_, _, o)| o.verdict == Verdict::Ac)
        .map(|(_, weight, _)| share(*weight))
        .fold(0.0, |a, b| a + b);
    let deciding = || all.iter().filter(|(_, weight, _)| counts(*weight));
    let passed = deciding().filter(|(_, _, o)| o.verdict == Verdict::Ac).count();
    let first = deciding()
        .find(|(_, _, o)| !matches!(o.verdict, Verdict::Ac | Verdict::Sk))
        .or_else(|| deciding().find(|(_, _, o)| o.verdict != Verdict::Ac));
    let (verdict, limit, message) = match first {
        _ if !suite.errors.is_empty() || all.is_empty() => (Verdict::Ie, None, Some(unusable(suite))),
        None => (Verdict::Ac, None, None),
        Some((name, _, outcome)) => {
            let why = outcome.message.clone().unwrap_or_default();
            let message = format!("{passed} of {} tests passed; {name}: {why}", deciding().count());
            let partly = earned > 0.0 && outcome.verdict != Verdict::Ie;
            let verdict = if partly { Verdict::Pa } else { outcome.verdict };
            (verdict, outcome.limit.filter(|_| !partly), Some(message))
        }
    };
    let points = match verdict {
        Verdict::Ac => max_points,
        Verdict::Ie => 0.0,
        _ => round(earned.min(max_points)),
    };
    let cases = all
        .iter()
        .map(|(name, weight, outcome)| CaseResult {
            name: name.clone(),
            verdict: outcome.verdict,
            points: if outcome.verdict == Verdict::Ac { round(share(*weight)) } else { 0.0 },
            max_points: round(share(*weight)),
            wall_ms: None,
            message: outcome.message.clone(),
            trace: outcome.trace.clone(),
        })
        .collect();
    Judged { verdict, limit, points, message, cases, suspicious }
}

/// Tests that are not the submission's fault.
fn unusable(suite: &Suite) -> String {
    match suite.errors.first() {
        Some(error) => format!(
            "the lab's tests cannot be read, the instructor has to mend them: {}:{}: {}",
            error.file,
            error.line,
            short(&error.message)
        ),
        None => "the lab's tests hold no test: the instructor has to mend them".to_owned(),
    }
}

/// Six decimals, as everywhere.
fn round(points: f64) -> f64 {
    (points * 1e6).round() / 1e6
}

fn count(n: usize) -> f64 {
    u32::try_from(n.max(1)).map_or(f64::MAX, f64::from)
}

/// The lab's word goes before the tests' own.
fn weight(test: &Test, case: &UnitCase, name: &str) -> f64 {
    let named = [name, &format!("{}.{}", case.class, case.method), &case.method];
    let own = named.iter().find_map(|n| test.weights.get(*n)).copied().or(case.points);
    own.filter(|w| w.is_finite() && *w >= 0.0).unwrap_or(1.0)
}

/// A class without its package, unless another class of the suite has the same name then.
fn shown(suite: &Suite, class: &str) -> String {
    let simple = |name: &str| name.rsplit('.').next().unwrap_or(name).replace('$', ".");
    let mine = simple(class);
    let twins = suite.types.iter().filter(|t| simple(t) == mine).count();
    if twins > 1 { class.replace('$', ".") } else { mine }
}

/// One for each test of a class.
fn outcomes(class: &UnitClass, run: &Run) -> Vec<Outcome> {
    let all = |outcome: Outcome| vec![outcome; class.cases.len()];
    let (done, report) = match run {
        Run::Misfit => return all(Outcome::of(Verdict::Ce, explain::misfit(&class.errors))),
        Run::OutOfMemory => {
            return all(Outcome::of(Verdict::Mle, "out of memory: it was so full that the whole jail died of it"));
        }
        Run::Lost => {
            let why = "the judge lost two jails under this class; this is not counted as the program's fault";
            return all(Outcome::of(Verdict::Ie, why));
        }
        Run::Ended(done, report) => (done, report),
    };
    let ending = (!report.ended).then(|| ending(done, report));
    let mut outcomes: Vec<Outcome> = class
        .cases
        .iter()
        .zip(&report.told)
        .map(|(case, told)| outcome(class, case, told, report, ending.as_ref()))
        .collect();
    // Somebody has ended it, before the first test or between two.
    if let Some(ending) = ending
        && !outcomes.iter().any(|o| o.verdict == ending.verdict && o.message == ending.message)
    {
        let after = Outcome { message: ending.message.map(|m| m.replace("during this test", "before it")), ..ending };
        for outcome in outcomes.iter_mut().filter(|o| o.verdict == Verdict::Sk) {
            *outcome = after.clone();
        }
    }
    outcomes
}

fn outcome(class: &UnitClass, case: &UnitCase, told: &Told, report: &Report, ending: Option<&Outcome>) -> Outcome {
    if let Some(failure) = &told.failure {
        return failed(failure, "");
    }
    // What stopped the framework itself says nothing of tests that were passed before.
    let stopped = report.classes.get("").filter(|_| told.passed == 0 || told.open || class.last);
    if let Some(failure) = stopped {
        return failed(failure, "the tests could not go on: ");
    }
    if told.open {
        return ending.cloned().unwrap_or_else(|| Outcome::of(Verdict::Rte, "it was begun and did not end"));
    }
    // Of its own class and of those around it.
    let around = |of: &str| case.class == of || case.class.starts_with(&format!("{of}$"));
    if let Some((_, failure)) = report.classes.iter().find(|(of, _)| around(of)) {
        return failed(failure, if told.passed > 0 { "after the tests of the class: " } else { "before the test: " });
    }
    if let Some(reason) = &told.skipped {
        return Outcome::of(Verdict::Sk, format!("not run: {}", short(reason)));
    }
    match (told.passed, ending) {
        (0, Some(_)) => Outcome::of(Verdict::Sk, "not run: the program had ended before"),
        (0, None) => {
            let reason =
                report.skipped.iter().find(|(of, _)| around(of)).map_or("it was not found in the class", |(_, r)| r);
            Outcome::of(Verdict::Sk, format!("not run: {}", short(reason)))
        }
        (_, Some(ending)) if class.last => {
            let why = "passed, but the program ended before what is looked at after the last test";
            Outcome { message: Some(why.to_owned()), ..ending.clone() }
        }
        _ => Outcome::passed(),
    }
}

fn failed(failure: &Failure, when: &str) -> Outcome {
    let verdict = match failure.kind.as_str() {
        "assertion" => Verdict::Wa,
        "memory" => Verdict::Mle,
        _ => Verdict::Rte,
    };
    let exception = failure.exception.rsplit('.').next().unwrap_or_default();
    let mut message = match (verdict, failure.message.as_str(), exception) {
        (Verdict::Mle, _, _) => "out of memory: the runtime's heap is exhausted".to_owned(),
        (_, _, "StackOverflowError") => "stack overflow: a method calls itself without end, or too deeply".to_owned(),
        (Verdict::Wa, "", _) => "an assertion failed".to_owned(),
        (Verdict::Wa, said, _) => short(said),
        (_, "", "") => "an exception".to_owned(),
        (_, "", exception) => exception.to_owned(),
        (_, said, exception) => format!("{exception}: {}", short(said)),
    };
    // The student's own line.
    if let Some(line) = failure.trace.lines().next().filter(|l| l.starts_with("at ")) {
        message = format!("{message} ({line})");
    }
    let trace = (!failure.trace.is_empty()).then(|| kept(failure.trace.trim_end().as_bytes()));
    Outcome { verdict, limit: None, message: Some(format!("{when}{message}").replace('\0', "␀")), trace }
}

fn short(text: &str) -> String {
    let cut: String = text.trim().chars().take(MESSAGE_CHARS).collect();
    cut.replace('\0', "␀")
}

/// How a process ended that has not run all of its tests.
fn ending(done: &Execution, report: &Report) -> Outcome {
    let result = &done.result;
    if result.stop == Some(Stop::Output) {
        return Outcome::of(Verdict::Ole, "stopped during this test: too much output");
    }
    if result.oom_kills > 0 || report.memory {
        return Outcome::of(Verdict::Mle, "out of memory during this test");
    }
    let time = |limit, of: &str| Outcome {
        limit: Some(limit),
        ..Outcome::of(Verdict::Tle, format!("stopped during this test: {of}"))
    };
    match (result.stop, result.exit_code, result.signal) {
        (Some(Stop::Cpu), _, _) => time(TimeLimit::Cpu, "the tests of this class used up their CPU time"),
        (Some(Stop::Wall), _, _) => time(TimeLimit::Wall, "the tests of this class took too long"),
        _ if report.broken.is_some() => {
            let what = report.broken.as_deref().unwrap_or_default();
            Outcome::of(Verdict::Rte, format!("the tests of this class could not go on: {}", short(what)))
        }
        (_, Some(code), _) => {
            Outcome::of(Verdict::Rte, format!("the program called exit (code {code}) during this test"))
        }
        (_, _, Some(signal)) => {
            Outcome::of(Verdict::Rte, format!("the program was killed by signal {signal} during this test"))
        }
        _ => Outcome::of(Verdict::Rte, "the program ended during this test"),
    }
}
