//! `problem.yaml`, in either version, and what DOMjudge puts beside it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    PROBLEM, Package,
    keys::{Keys, scalar},
};

/// Versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `legacy` and `legacy-icpc`, and what says no version.
    Legacy,
    /// `2025-09`, and the drafts before it, which differ in nothing that is used here.
    Y2025,
}

/// What it says of the problem as a whole.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub struct Problem {
    pub format: Format,
    pub name: Option<String>,
    pub scoring: bool,
    pub interactive: bool,
    pub multi_pass: bool,
    /// An output validator of its own is wanted.
    pub custom: bool,
    /// Arguments of the output validator (legacy).
    pub flags: Vec<String>,
    /// Seconds.
    pub time_limit: Option<f64>,
    /// MiB.
    pub memory: Option<f64>,
    /// MiB.
    pub output: Option<f64>,
    pub passes: Option<f64>,
    /// Codes; `None` is all.
    pub languages: Option<Vec<String>>,
    pub constants: BTreeMap<String, String>,
}

/// Reads it. `None`: it cannot be read at all, which is noted.
pub fn read(package: &mut Package<'_>) -> Option<Problem> {
    let text = package.text(PROBLEM)?;
    let mut keys = Keys::read(PROBLEM, &text, package.notes)?;
    let version = keys.text("problem_format_version", package.notes).unwrap_or_else(|| "legacy".to_owned());
    let format = match version.as_str() {
        "legacy" | "legacy-icpc" => Format::Legacy,
        "2025-09" | "2025-09-draft" | "2023-07" | "2023-07-draft" | "draft" => Format::Y2025,
        other => {
            let other: String = other.chars().take(40).collect();
            package
                .notes
                .error(PROBLEM, format!("problem_format_version {other:?} is not known: legacy and 2025-09 are"));
            return None;
        }
    };
    let mut problem = Problem {
        format,
        name: name(&mut keys, package),
        scoring: false,
        interactive: false,
        multi_pass: false,
        custom: false,
        flags: Vec::new(),
        time_limit: None,
        memory: None,
        output: None,
        passes: None,
        languages: None,
        constants: BTreeMap::new(),
    };
    types(&mut problem, &mut keys, package);
    limits(&mut problem, &mut keys, package);
    match format {
        Format::Legacy => legacy(&mut problem, &mut keys, package),
        Format::Y2025 => y2025(&mut problem, &mut keys, package),
    }
    let about = [
        "uuid",
        "version",
        "author",
        "authors",
        "credits",
        "source",
        "source_url",
        "license",
        "rights_owner",
        "embargo_until",
        "keywords",
    ];
    let kept: Vec<&str> = about.into_iter().filter(|key| keys.any(key).is_some()).collect();
    if !kept.is_empty() {
        package.notes.warn(PROBLEM, format!("what it says of {} is not kept", kept.join(", ")));
    }
    keys.done(package.notes);
    domjudge(&mut problem, package);
    timelimit_file(&mut problem, package);
    Some(problem)
}

/// One name, or one for each language of the statement: the English one, or the first.
fn name(keys: &mut Keys, package: &mut Package<'_>) -> Option<String> {
    let found = match keys.any("name")? {
        Value::Object(map) => map.get("en").or_else(|| map.values().next()).and_then(scalar),
        one => scalar(&one),
    };
    let name = found.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty());
    if name.is_none() {
        package.notes.error(PROBLEM, "name must be a text, or a mapping of languages to texts");
    }
    name
}

fn types(problem: &mut Problem, keys: &mut Keys, package: &mut Package<'_>) {
    for kind in keys.texts("type", package.notes).unwrap_or_default() {
        match kind.as_str() {
            "pass-fail" => {}
            "scoring" => problem.scoring = true,
            "interactive" if problem.format == Format::Y2025 => problem.interactive = true,
            "multi-pass" if problem.format == Format::Y2025 => problem.multi_pass = true,
            "submit-answer" => package.notes.error(PROBLEM, "problems of the type submit-answer cannot be graded here"),
            other => {
                let other: String = other.chars().take(40).collect();
                package.notes.error(PROBLEM, format!("the type {other:?} is not known"));
            }
        }
    }
}

fn limits(problem: &mut Problem, keys: &mut Keys, package: &mut Package<'_>) {
    let Some(mut limits) = keys.inside("limits", package.notes) else { return };
    problem.time_limit = limits.number("time_limit", package.notes);
    problem.memory = limits.number("memory", package.notes);
    problem.output = limits.number("output", package.notes);
    problem.passes = limits.number("validation_passes", package.notes);
    let mut not_used = Vec::new();
    for key in ["time_multipliers", "time_multiplier", "time_safety_margin", "time_resolution"] {
        if limits.any(key).is_some() {
            not_used.push(key);
        }
    }
    if !not_used.is_empty() {
        let detail = format!("{} are not used: publishing suggests time limits by itself", not_used.join(", "));
        package.notes.warn(PROBLEM, detail);
    }
    for key in
        ["code", "compilation_time", "compilation_memory", "validation_time", "validation_memory", "validation_output"]
    {
        if limits.any(key).is_some() {
            package.notes.warn(PROBLEM, format!("the limit {key} is not used: the installation has its own"));
        }
    }
    limits.done(package.notes);
}

fn legacy(problem: &mut Problem, keys: &mut Keys, package: &mut Package<'_>) {
    let validation = keys.text("validation", package.notes).unwrap_or_else(|| "default".to_owned());
    let mut words = validation.split_ascii_whitespace();
    match words.next() {
        None | Some("default") => {}
        Some("custom") => problem.custom = true,
        Some(_) => package.notes.error(PROBLEM, "validation must begin with default or custom"),
    }
    for word in words {
        match word {
            "interactive" if problem.custom => problem.interactive = true,
            "multipass" | "multi-pass" if problem.custom => problem.multi_pass = true,
            // Scores are read wherever a validator writes them.
            "score" if problem.custom => {}
            _ => package.notes.error(PROBLEM, format!("validation: {word:?} is not known there")),
        }
    }
    let flags = keys.text("validator_flags", package.notes).unwrap_or_default();
    problem.flags = flags.split_ascii_whitespace().map(str::to_owned).collect();
    if let Some(mut grading) = keys.inside("grading", package.notes) {
        if let Some(objective) = grading.text("objective", package.notes)
            && objective != "max"
        {
            package.notes.error(PROBLEM, "grading: only the objective max can be graded here");
        }
        for key in grading.take_rest() {
            package.notes.warn(PROBLEM, format!("grading: {key} is not used"));
        }
    }
}

fn y2025(problem: &mut Problem, keys: &mut Keys, package: &mut Package<'_>) {
    problem.custom = package.files.keys().any(|path| path.starts_with("output_validator/"));
    problem.languages = keys.texts("languages", package.notes).filter(|list| list != &["all"]);
    if keys.flag("allow_file_writing", package.notes) == Some(false) {
        package.notes.warn(PROBLEM, "allow_file_writing: programs may always write files in their own folder");
    }
    if let Some(constants) = keys.inside("constants", package.notes) {
        for (name, value) in constants.into_map() {
            match scalar(&value) {
                Some(value) => {
                    problem.constants.insert(name, value);
                }
                None => package.notes.error(PROBLEM, format!("the constant {name} must be a number or a text")),
            }
        }
    }
    if (problem.interactive || problem.multi_pass) && !problem.custom {
        package.notes.error("output_validator", "an interactive or multi-pass problem needs one, and there is none");
    }
}

/// DOMjudge's own settings: lines `key = value`.
fn domjudge(problem: &mut Problem, package: &mut Package<'_>) {
    const FILE: &str = "domjudge-problem.ini";
    let Some(text) = package.text(FILE) else { return };
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', ';', '['])) {
        let (key, value) =
            line.split_once('=').map_or((line, ""), |(k, v)| (k.trim(), v.trim().trim_matches(['\'', '"'])));
        match key {
            "timelimit" => match value.parse::<f64>() {
                Ok(seconds) if seconds.is_finite() && seconds > 0.0 => problem.time_limit = Some(seconds),
                _ => package.notes.error(FILE, "timelimit must be a number of seconds"),
            },
            "name" if problem.name.is_none() => problem.name = Some(value.to_owned()),
            other => package.notes.warn(FILE, format!("{other} is not used")),
        }
    }
}

/// Where problemtools and BAPCtools keep the time limit, in seconds.
fn timelimit_file(problem: &mut Problem, package: &mut Package<'_>) {
    const FILE: &str = "timelimit";
    let Some(text) = package.text(FILE) else { return };
    match text.trim().parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds > 0.0 => {
            problem.time_limit.get_or_insert(seconds);
        }
        _ => package.notes.error(FILE, "must hold a number of seconds"),
    }
}
