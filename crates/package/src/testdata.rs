//! Test cases and the settings of their folders.

use std::collections::BTreeMap;

use iteratione_common::lab::TestFile;

use crate::{
    Package,
    keys::Keys,
    problem::{Format, Problem},
};

/// A test case.
#[derive(Debug)]
pub struct Case {
    /// Path below `data`, without an ending: `secret/group1/01`.
    pub name: String,
    pub stdin: String,
    pub answer: String,
    pub files: Vec<TestFile>,
    pub hint: Option<String>,
    pub args: Option<Vec<String>>,
    pub validator_args: Option<Vec<String>>,
    pub full_feedback: Option<bool>,
}

impl Case {
    /// The folder that it is in.
    pub fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// How results of a folder are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    PassFail,
    Sum,
    Min,
    Avg,
    Max,
}

/// What a folder's settings say.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The file that says it.
    pub path: String,
    pub max_score: Option<f64>,
    pub unbounded: bool,
    pub mode: Option<Mode>,
    pub require_pass: Vec<String>,
    pub args: Option<Vec<String>>,
    pub validator_args: Option<Vec<String>>,
    pub full_feedback: Option<bool>,
    // --- legacy
    pub accept_score: Option<f64>,
    /// The upper end of `range`.
    pub most: Option<f64>,
    /// `on_reject: continue`.
    pub goes_on: bool,
    pub ignore_sample: bool,
    pub always_accept: bool,
    pub accept_if_any: bool,
}

/// The cases of `data/sample` or `data/secret`, in the format's order.
pub fn cases(package: &mut Package<'_>, problem: &Problem, top: &str) -> Vec<Case> {
    let prefix = format!("data/{top}/");
    let names: Vec<String> = package
        .files
        .keys()
        .filter(|path| path.starts_with(&prefix) && path.ends_with(".in") && !in_files(path))
        .cloned()
        .collect();
    let mut cases: Vec<Case> =
        names.iter().filter_map(|path| one(package, problem, path.trim_end_matches(".in"))).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    leftovers(package, &prefix);
    cases
}

/// Whether a path lies in the folder of a case's files.
fn in_files(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, _)| folder.split('/').any(|step| step.ends_with(".files")))
}

fn one(package: &mut Package<'_>, problem: &Problem, base: &str) -> Option<Case> {
    let name = base.strip_prefix("data/")?.to_owned();
    let stdin = package.text(&format!("{base}.in"))?;
    let answer_path = format!("{base}.ans");
    if !package.files.contains_key(&answer_path) && !problem.interactive {
        package.notes.error(&format!("{base}.in"), "has no answer file beside it");
    }
    let answer = package.text(&answer_path).unwrap_or_default();
    let files_folder = format!("{base}.files");
    let mut files = Vec::new();
    for (inside, bytes) in package.folder(&files_folder) {
        let shown = format!("{files_folder}/{inside}");
        match String::from_utf8(bytes) {
            Ok(_) if inside.contains('/') => {
                package.notes.error(&shown, "a test's files lie in no further folders here");
            }
            Ok(content) => files.push(TestFile { name: inside, content }),
            Err(_) => package.notes.error(&shown, "is not UTF-8 text"),
        }
    }
    let mut hint = package.text(&format!("{base}.hint")).map(|hint| hint.trim().to_owned());
    let (mut args, mut validator_args, mut full_feedback) = (None, None, None);
    let settings = format!("{base}.yaml");
    if problem.format == Format::Y2025
        && let Some(text) = package.text(&settings)
        && let Some(mut keys) = Keys::read(&settings, &text, package.notes)
    {
        args = keys.texts("args", package.notes);
        validator_args = keys.texts("output_validator_args", package.notes);
        full_feedback = keys.flag("full_feedback", package.notes);
        hint = keys.text("hint", package.notes).or(hint);
        for unused in ["input_validator_args", "input_visualizer_args", "output_visualizer_args", "description"] {
            keys.any(unused);
        }
        keys.done(package.notes);
    }
    for (ending, why) in [
        ("interaction", "a sample interaction is not shown: put it into the statement"),
        ("in.statement", "what samples show is their real input"),
        ("ans.statement", "what samples show is their real answer"),
        ("out", "what samples show is their real answer"),
        ("in.download", "what samples show is their real input"),
        ("ans.download", "what samples show is their real answer"),
        ("desc", "descriptions of tests are not kept"),
        ("png", "pictures of tests are not kept"),
        ("jpg", "pictures of tests are not kept"),
        ("jpeg", "pictures of tests are not kept"),
        ("svg", "pictures of tests are not kept"),
    ] {
        let path = format!("{base}.{ending}");
        if package.files.remove(&path).is_some() {
            package.notes.warn(&path, why);
        }
    }
    package.places.insert(name.clone(), format!("{base}.in"));
    let hint = hint.filter(|hint| !hint.is_empty());
    Some(Case { name, stdin, answer, files, hint, args, validator_args, full_feedback })
}

/// Answers and the like without an input.
fn leftovers(package: &mut Package<'_>, prefix: &str) {
    let settings = ["test_group.yaml", "testdata.yaml"];
    let left: Vec<String> = package
        .files
        .keys()
        .filter(|path| path.starts_with(prefix) && !settings.contains(&path.rsplit('/').next().unwrap_or_default()))
        .cloned()
        .collect();
    for path in left {
        package.files.remove(&path);
        if path.ends_with(".ans") {
            package.notes.error(&path, "is an answer without its input");
        } else {
            package.notes.warn(&path, "belongs to no test, and is not used");
        }
    }
}

/// The settings of every folder that has some, by its path below `data` (`""` is `data` itself).
pub fn settings(package: &mut Package<'_>, problem: &Problem) -> BTreeMap<String, Settings> {
    let (name, other) = match problem.format {
        Format::Legacy => ("testdata.yaml", "test_group.yaml"),
        Format::Y2025 => ("test_group.yaml", "testdata.yaml"),
    };
    let paths: Vec<String> = package.files.keys().filter(|path| path.starts_with("data/")).cloned().collect();
    let mut found = BTreeMap::new();
    for path in paths {
        let Some((folder, file)) = path.rsplit_once('/') else { continue };
        let folder = folder.strip_prefix("data").unwrap_or_default().trim_start_matches('/');
        if !(folder.is_empty() || folder.starts_with("sample") || folder.starts_with("secret")) {
            continue;
        }
        if file == other {
            package.files.remove(&path);
            package.notes.error(&path, format!("is of another version of the format: here it is {name}"));
        }
        if file != name {
            continue;
        }
        let Some(text) = package.text(&path) else { continue };
        let Some(keys) = Keys::read(&path, &text, package.notes) else { continue };
        let settings = match problem.format {
            Format::Legacy => legacy(package, keys),
            Format::Y2025 => y2025(package, keys),
        };
        found.insert(folder.to_owned(), settings);
    }
    found
}

fn y2025(package: &mut Package<'_>, mut keys: Keys) -> Settings {
    let notes = &mut *package.notes;
    let path = keys.path().to_owned();
    let mut settings = Settings { path: path.clone(), ..Settings::default() };
    match keys.any("max_score") {
        Some(serde_json::Value::String(word)) if word == "unbounded" => settings.unbounded = true,
        Some(serde_json::Value::Number(number)) => {
            settings.max_score = number.as_f64().filter(|n| (0.0..=1e6).contains(n));
            if settings.max_score.is_none() {
                notes.error(&path, "max_score must be a number from 0 to 1000000, or unbounded");
            }
        }
        Some(_) => notes.error(&path, "max_score must be a number, or unbounded"),
        None => {}
    }
    settings.mode = match keys.text("score_aggregation", notes).as_deref() {
        None => None,
        Some("pass-fail") => Some(Mode::PassFail),
        Some("sum") => Some(Mode::Sum),
        Some("min") => Some(Mode::Min),
        Some(_) => {
            notes.error(&path, "score_aggregation must be pass-fail, sum or min");
            None
        }
    };
    settings.require_pass = keys.texts("require_pass", notes).unwrap_or_default();
    settings.args = keys.texts("args", notes);
    settings.validator_args = keys.texts("output_validator_args", notes);
    settings.full_feedback = keys.flag("full_feedback", notes);
    if keys.any("static_validation_score").is_some() || keys.any("static_validator_args").is_some() {
        notes.error(&path, "static validators cannot be run here");
    }
    for unused in ["input_validator_args", "input_visualizer_args", "output_visualizer_args"] {
        keys.any(unused);
    }
    keys.done(notes);
    settings
}

fn legacy(package: &mut Package<'_>, mut keys: Keys) -> Settings {
    let notes = &mut *package.notes;
    let path = keys.path().to_owned();
    let mut settings = Settings { path: path.clone(), ..Settings::default() };
    settings.goes_on = match keys.text("on_reject", notes).as_deref() {
        None | Some("break" | "first_error") => false,
        Some("continue" | "worst_error") => true,
        Some(_) => {
            notes.error(&path, "on_reject must be break or continue");
            false
        }
    };
    if keys.text("grading", notes).is_some_and(|grading| grading != "default") {
        notes.error(&path, "grading: graders of the package's own cannot be run here");
    }
    for flag in keys.text("grader_flags", notes).unwrap_or_default().split_ascii_whitespace() {
        match flag {
            "min" => settings.mode = Some(Mode::Min),
            "sum" => settings.mode = Some(Mode::Sum),
            "avg" => settings.mode = Some(Mode::Avg),
            "max" => settings.mode = Some(Mode::Max),
            "ignore_sample" => settings.ignore_sample = true,
            "always_accept" => settings.always_accept = true,
            "accept_if_any_accepted" => settings.accept_if_any = true,
            "first_error" => {}
            "worst_error" => {
                notes.warn(&path, "worst_error is not used: the verdict is that of the first test that fails");
            }
            other => notes.error(&path, format!("grader_flags: {other:?} is none of the default grader's")),
        }
    }
    settings.validator_args = match keys.any("output_validator_flags") {
        Some(serde_json::Value::Object(map)) => {
            map.get("flags").and_then(crate::keys::scalar).map(|flags| words(&flags))
        }
        Some(value) => crate::keys::scalar(&value).map(|flags| words(&flags)),
        None => None,
    };
    settings.accept_score = keys.number("accept_score", notes);
    if keys.number("reject_score", notes).is_some_and(|score| score > 0.0) {
        notes.error(&path, "reject_score must be 0: what fails earns nothing here");
    }
    if let Some(range) = keys.text("range", notes) {
        let ends: Vec<Option<f64>> = words(&range).iter().map(|end| end.parse::<f64>().ok()).collect();
        match ends.as_slice() {
            [Some(_), Some(most)] => settings.most = Some(*most).filter(|most| most.is_finite()),
            _ => notes.error(&path, "range must be two numbers"),
        }
    }
    keys.any("input_validator_flags");
    keys.done(notes);
    settings
}

fn words(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().map(str::to_owned).collect()
}
