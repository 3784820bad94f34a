//! Test cases and their folders as the flat groups of a lab.

use std::collections::{BTreeMap, BTreeSet};

use iteratione_common::lab::{Checker, ProgramCall, Scoring, Test, TestGroup, TestKind, Visibility};

use crate::{
    Package,
    problem::{Format, Problem},
    testdata::{self, Case, Mode, Settings},
};

/// What a pass-fail problem is worth, and a scoring one that says nothing.
const POINTS: f64 = 100.0;
const SAMPLE: &str = "sample";
const SECRET: &str = "secret";

/// What all tests have in common.
struct Judging<'a> {
    problem: &'a Problem,
    /// The lab's program that judges; without one it is the default validator.
    validator: Option<&'a str>,
    settings: BTreeMap<String, Settings>,
}

impl Judging<'_> {
    /// The settings that hold for a folder: in 2025-09 its own, in legacy those of the nearest folder above that has some.
    fn of(&self, folder: &str) -> Settings {
        if let Some(own) = self.settings.get(folder) {
            return own.clone();
        }
        match (self.problem.format, folder.rsplit_once('/')) {
            (Format::Legacy, Some((above, _))) => self.of(above),
            (Format::Legacy, None) if !folder.is_empty() => self.of(""),
            _ => Settings::default(),
        }
    }

    /// The group of 2025-09 that a folder belongs to: folders inside a group are no groups.
    fn group_of<'f>(&self, folder: &'f str) -> &'f str {
        match (self.problem.format, folder.match_indices('/').nth(1)) {
            (Format::Y2025, Some((end, _))) => &folder[..end],
            _ => folder,
        }
    }
}

/// A group that is being made.
struct Plan {
    folder: String,
    points: f64,
    scoring: Scoring,
    /// Of each test.
    test_points: f64,
    requires: Vec<String>,
    cases: Vec<Case>,
}

/// The groups.
pub fn read(package: &mut Package<'_>, problem: &Problem, validator: Option<&str>) -> Vec<TestGroup> {
    let settings = testdata::settings(package, problem);
    let judging = Judging { problem, validator, settings };
    let sample = testdata::cases(package, problem, SAMPLE);
    let secret = testdata::cases(package, problem, SECRET);
    if package.files.keys().any(|path| path.starts_with("graders/")) {
        package.notes.error("graders", "graders of the package's own cannot be run here");
    }
    if package.files.keys().any(|path| path.starts_with("static_validator/")) {
        package.notes.error("static_validator", "static validators cannot be run here");
    }
    if secret.is_empty() {
        package.notes.error("data/secret", "holds no test");
        return Vec::new();
    }
    let plans = match (problem.scoring, problem.format) {
        (false, _) => pass_fail(sample, secret),
        (true, Format::Y2025) => scoring(package, &judging, sample, secret),
        (true, Format::Legacy) => legacy_scoring(package, &judging, sample, secret),
    };
    let places = std::mem::take(&mut package.places);
    let mut groups = Vec::new();
    for plan in plans {
        let at = groups.len();
        let mut tests = Vec::new();
        for case in plan.cases {
            let pointer = format!("/groups/{at}/tests/{}", tests.len());
            if let Some(path) = places.get(&case.name) {
                package.places.insert(pointer.clone(), path.clone());
                package.places.insert(format!("{pointer}/expected"), path.trim_end_matches("in").to_owned() + "ans");
            }
            tests.push(test(package, &judging, &plan.folder, case, plan.test_points));
        }
        let group =
            TestGroup { name: plan.folder, points: plan.points, scoring: plan.scoring, requires: plan.requires, tests };
        groups.push(group);
    }
    package.places.extend(places.into_iter().filter(|(pointer, _)| pointer.starts_with('/')));
    groups
}

/// The samples, which everybody must pass and which earn nothing.
fn sample_plan(cases: Vec<Case>) -> Option<Plan> {
    let plan = |cases| Plan {
        folder: SAMPLE.to_owned(),
        points: 0.0,
        scoring: Scoring::All,
        test_points: 1.0,
        requires: Vec::new(),
        cases,
    };
    (!cases.is_empty()).then(|| plan(cases))
}

/// Accepted is who passes every test: all points, or none.
fn pass_fail(sample: Vec<Case>, secret: Vec<Case>) -> Vec<Plan> {
    let sample = sample_plan(sample);
    let requires = sample.iter().map(|s| s.folder.clone()).collect();
    let folder = SECRET.to_owned();
    let secret = Plan { folder, points: POINTS, scoring: Scoring::All, test_points: 1.0, requires, cases: secret };
    sample.into_iter().chain([secret]).collect()
}

/// By folder, in order.
fn by_folder(cases: Vec<Case>, folder: impl Fn(&Case) -> String) -> Vec<(String, Vec<Case>)> {
    let mut found: Vec<(String, Vec<Case>)> = Vec::new();
    for case in cases {
        let of = folder(&case);
        match found.iter_mut().find(|(folder, _)| *folder == of) {
            Some((_, cases)) => cases.push(case),
            None => found.push((of, vec![case])),
        }
    }
    found
}

/// "Scoring problems" of 2025-09.
fn scoring(package: &mut Package<'_>, judging: &Judging<'_>, sample: Vec<Case>, secret: Vec<Case>) -> Vec<Plan> {
    let whole = judging.of(SECRET);
    let max = whole.max_score.unwrap_or(POINTS);
    let unbounded = |package: &mut Package<'_>, settings: &Settings| {
        if settings.unbounded {
            package.notes.error(&settings.path, "max_score: unbounded scores cannot be given here");
        }
    };
    unbounded(package, &whole);
    let mode = whole.mode.unwrap_or(Mode::Sum);
    let groups = by_folder(secret, |case| judging.group_of(case.folder()).to_owned());
    let in_itself = groups.iter().any(|(folder, _)| folder == SECRET);
    if in_itself && groups.len() > 1 {
        package.notes.error("data/secret", "holds tests and groups beside each other");
    }
    let mut plans: Vec<Plan> = sample_plan(sample).into_iter().collect();
    if mode == Mode::PassFail && !in_itself {
        let cases = groups.into_iter().flat_map(|(_, cases)| cases).collect();
        let requires = required(package, &whole, &plans);
        plans.push(Plan {
            folder: SECRET.to_owned(),
            points: max,
            scoring: Scoring::All,
            test_points: 1.0,
            requires,
            cases,
        });
        return plans;
    }
    if mode == Mode::Min && groups.len() > 1 {
        package
            .notes
            .error(&whole.path, "score_aggregation: the least of several groups' scores cannot be said in a lab");
    }
    let mut total = 0.0;
    for (folder, cases) in groups {
        let settings = judging.of(&folder);
        let (points, mode) = if folder == SECRET {
            (max, mode)
        } else {
            unbounded(package, &settings);
            if settings.max_score.is_none() && !settings.unbounded {
                let path = if settings.path.is_empty() { format!("data/{folder}") } else { settings.path.clone() };
                package.notes.error(&path, "needs a max_score");
            }
            (settings.max_score.unwrap_or(0.0), settings.mode.unwrap_or(Mode::PassFail))
        };
        total += points;
        #[expect(clippy::cast_precision_loss, reason = "a number of tests")]
        let count = cases.len() as f64;
        let (scoring, test_points) = match mode {
            Mode::Sum => (Scoring::Sum, points / count),
            Mode::Min => (Scoring::Min, points),
            _ => (Scoring::All, 1.0),
        };
        let mut requires = required(package, &settings, &plans);
        requires.extend(
            required(package, &whole, &plans).into_iter().filter(|r| !requires.contains(r)).collect::<Vec<_>>(),
        );
        plans.push(Plan { folder, points, scoring, test_points, requires, cases });
    }
    if (total - max).abs() > 1e-6 {
        package.notes.warn(&whole.path, format!("the groups are worth {total} points together, and secret says {max}"));
    }
    plans
}

/// The groups that `require_pass` names: earlier ones.
fn required(package: &mut Package<'_>, settings: &Settings, plans: &[Plan]) -> Vec<String> {
    let (known, unknown): (Vec<_>, Vec<_>) =
        settings.require_pass.iter().cloned().partition(|name| plans.iter().any(|plan| plan.folder == *name));
    for name in unknown {
        let name: String = name.chars().take(60).collect();
        package.notes.error(&settings.path, format!("require_pass: {name:?} is no earlier group"));
    }
    known.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Scoring by the default grader of the legacy format: a tree of folders, whose leaves become groups.
fn legacy_scoring(package: &mut Package<'_>, judging: &Judging<'_>, sample: Vec<Case>, secret: Vec<Case>) -> Vec<Plan> {
    let root = judging.of("");
    let mut plans = Vec::new();
    if root.ignore_sample {
        plans.extend(sample_plan(sample));
    } else {
        plans.extend(leaves(package, judging, sample));
    }
    let leaves = leaves(package, judging, secret);
    for folder in inner_folders(&leaves) {
        let settings = judging.of(&folder);
        let children = leaves.iter().filter(|leaf| below(&leaf.folder, &folder)).count();
        if children < 2 {
            continue;
        }
        if !matches!(settings.mode, None | Some(Mode::Sum)) {
            package
                .notes
                .error(&settings.path, format!("data/{folder}: only the sum of several groups can be said in a lab"));
        }
        if !(settings.accept_if_any || settings.always_accept) {
            let detail = format!(
                "data/{folder}: who fails a group keeps the points of the others; the package's grader would reject it as a whole"
            );
            package.notes.warn(&settings.path, detail);
        }
    }
    for mut leaf in leaves {
        // After a folder that breaks off at the first group that fails, groups need all that came before in it.
        let breaking =
            inner_folders(std::slice::from_ref(&leaf)).into_iter().filter(|folder| !judging.of(folder).goes_on);
        let mut needed: Vec<String> = Vec::new();
        for folder in breaking {
            needed.extend(plans.iter().filter(|p: &&Plan| below(&p.folder, &folder)).map(|p| p.folder.clone()));
        }
        needed.sort();
        needed.dedup();
        leaf.requires = needed;
        plans.push(leaf);
    }
    plans
}

fn below(folder: &str, above: &str) -> bool {
    folder.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

/// The folders in which groups lie: `secret` and below.
fn inner_folders(leaves: &[Plan]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for leaf in leaves {
        found.extend(leaf.folder.match_indices('/').map(|(end, _)| leaf.folder[..end].to_owned()));
    }
    found
}

fn leaves(package: &mut Package<'_>, judging: &Judging<'_>, cases: Vec<Case>) -> Vec<Plan> {
    let folders = by_folder(cases, |case| case.folder().to_owned());
    let names: Vec<String> = folders.iter().map(|(folder, _)| folder.clone()).collect();
    let mut plans = Vec::new();
    for (folder, cases) in folders {
        if names.iter().any(|other| below(other, &folder)) {
            package.notes.error(&format!("data/{folder}"), "holds tests and groups beside each other");
        }
        let settings = judging.of(&folder);
        #[expect(clippy::cast_precision_loss, reason = "a number of tests")]
        let count = cases.len() as f64;
        let accept = settings.accept_score.unwrap_or(1.0);
        let mode = settings.mode.unwrap_or(Mode::Sum);
        let points = settings.most.unwrap_or(if mode == Mode::Sum { accept * count } else { accept });
        if settings.accept_if_any || mode == Mode::Max {
            package.notes.error(
                &settings.path,
                format!("data/{folder}: that one test of many suffices cannot be said in a lab"),
            );
        }
        // A test that fails has the whole group rejected, unless it is always accepted; then each counts for itself.
        let scored = judging.validator.is_some();
        let (scoring, test_points) = match mode {
            Mode::Sum | Mode::Avg if settings.always_accept || scored => (Scoring::Sum, points / count),
            Mode::Min if settings.always_accept || scored => (Scoring::Min, points),
            _ => (Scoring::All, 1.0),
        };
        if scored && scoring == Scoring::Sum && !settings.always_accept && settings.mode.is_some() {
            let detail = format!("data/{folder}: who fails a test keeps the points of the others in its group");
            package.notes.warn(&settings.path, detail);
        }
        plans.push(Plan { folder, points, scoring, test_points, requires: Vec::new(), cases });
    }
    plans
}

fn test(package: &mut Package<'_>, judging: &Judging<'_>, group: &str, case: Case, points: f64) -> Test {
    let problem = judging.problem;
    let settings = judging.of(judging.group_of(case.folder()));
    let own = case.validator_args.clone().or(settings.validator_args).unwrap_or_default();
    let args: Vec<String> = problem.flags.iter().cloned().chain(own).collect();
    let (mut checker, mut interactor) = (Checker::default(), None);
    match judging.validator {
        Some(program) => {
            let call = ProgramCall { program: program.to_owned(), args };
            if problem.interactive { interactor = Some(call) } else { checker = Checker::Program(call) }
        }
        None => match Checker::of_default_validator(args.iter().map(String::as_str)) {
            Ok(found) => checker = found,
            Err(why) => {
                let path = if settings.path.is_empty() { crate::PROBLEM } else { &settings.path };
                package.notes.error(path, format!("the output validator's arguments: {why}"));
            }
        },
    }
    let is_sample = case.name.starts_with("sample/");
    let shown = case.full_feedback.or(settings.full_feedback).unwrap_or(false);
    let visibility = match (is_sample, shown) {
        // What an interactor reads is nothing that a student should see.
        (true, _) if problem.interactive => Visibility::Hidden,
        (true, _) => Visibility::Sample,
        (false, true) => Visibility::Visible,
        (false, false) => Visibility::Hidden,
    };
    let passes = if problem.multi_pass { problem.passes.unwrap_or(2.0) } else { 1.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and validation follows"
    )]
    let passes = passes as u32;
    let inside = format!("{group}/");
    Test {
        name: case.name.strip_prefix(&inside).unwrap_or(&case.name).to_owned(),
        visibility,
        kind: if interactor.is_some() { TestKind::Interactive } else { TestKind::Io },
        stdin: case.stdin,
        args: case.args.or(settings.args).unwrap_or_default(),
        files: case.files,
        expected: case.answer,
        points,
        checker,
        interactor,
        passes,
        weights: BTreeMap::new(),
        limits: None,
        message: case.hint,
    }
}
