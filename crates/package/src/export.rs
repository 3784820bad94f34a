//! A lab as a package of version 2025-09.
//!
//! Values in YAML are written as JSON, which is YAML too, so that no text needs a rule of its own.

use std::{collections::BTreeSet, fmt::Write as _};

use iteratione_common::{
    lab::{Checker, FileRole, LabDocument, ProgramCall, Scoring, Solution, Test, TestGroup, TestKind, Visibility},
    verdict::Verdict::{self, Ac, Mle, Ole, Pa, Rte, Tle, Wa},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Files, Note, PROBLEM, languages::code_of, notes::Notes};

/// The lab as the files of a package, and what the format cannot say of it; or why it cannot be a package at all. `uuid` is
/// the lab's.
pub fn export(document: &LabDocument, uuid: Uuid) -> Result<(Files, Vec<Note>), Vec<Note>> {
    let mut export = Export { document, files: Files::new(), notes: Notes::default() };
    export.write(uuid);
    let Export { files, notes, .. } = export;
    notes.finish().map(|warnings| (files, warnings))
}

struct Export<'a> {
    document: &'a LabDocument,
    files: Files,
    notes: Notes,
}

impl Export<'_> {
    fn write(&mut self, uuid: Uuid) {
        let tests = || self.document.groups.iter().flat_map(|g| &g.tests);
        let interactive = tests().any(|t| t.kind == TestKind::Interactive);
        let passes = tests().map(|t| t.passes).max().unwrap_or(1);
        self.validator(interactive);
        let pass_fail = self.is_pass_fail();
        let kinds: Vec<&str> = [
            Some(if pass_fail { "pass-fail" } else { "scoring" }),
            interactive.then_some("interactive"),
            (passes > 1).then_some("multi-pass"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let limits = self.document.limits;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a test")]
        let seconds = limits.cpu_ms as f64 / 1000.0;
        let mut bounds = json!({
            "time_limit": seconds,
            "memory": limits.memory_mb,
            "output": limits.output_kb.div_ceil(1024),
        });
        if passes > 1 {
            bounds["validation_passes"] = json!(passes);
        }
        let codes: BTreeSet<&str> = self.document.languages.iter().map(|id| code_of(id)).collect();
        self.yaml(
            PROBLEM,
            &[
                ("problem_format_version", json!("2025-09")),
                ("type", json!(kinds)),
                ("name", json!(self.document.title)),
                ("uuid", json!(uuid)),
                ("limits", bounds),
                ("languages", json!(codes)),
                ("allow_file_writing", json!(true)),
            ],
        );
        self.files.insert("statement/problem.en.md".to_owned(), ended(&self.document.statement_md).into_bytes());
        self.groups(pass_fail);
        self.starter();
        self.solutions();
        self.left_out();
    }

    fn yaml(&mut self, path: &str, entries: &[(&str, Value)]) {
        let mut text = String::new();
        for (key, value) in entries {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key}: {value}");
        }
        self.files.insert(path.to_owned(), text.into_bytes());
    }

    /// One validator judges all tests, or the default one does.
    fn validator(&mut self, interactive: bool) {
        let mut programs: BTreeSet<Option<&str>> = BTreeSet::new();
        for group in &self.document.groups {
            for test in &group.tests {
                let at = format!("{}/{}", group.name, test.name);
                if matches!(test.kind, TestKind::Junit | TestKind::Pytest) {
                    self.notes.error(&at, "is a unit test, for which the format has no place");
                } else if interactive != (test.kind == TestKind::Interactive) {
                    self.notes.error(&at, "only some tests are interactive; in a package all are, or none");
                } else if judged_by(test).is_none() && arguments(test).is_none() {
                    self.notes.error(&at, "its checker is none of the default output validator's");
                }
                programs.insert(judged_by(test).map(|call| call.program.as_str()));
            }
        }
        if programs.len() > 1 {
            self.notes.error("", "its tests are judged by different programs; a package has one output validator");
        }
        let Some(Some(name)) = programs.pop_first() else { return };
        let Some(program) = self.document.programs.get(name) else { return };
        if !matches!(program.language.as_str(), "c" | "cpp" | "python") {
            let detail = format!("is in {}; other systems expect C, C++ or Python", program.language);
            self.notes.warn("output_validator", detail);
        }
        for file in &program.files {
            self.files.insert(format!("output_validator/{}", file.name), file.content.clone().into_bytes());
        }
    }

    /// Whether it is all or nothing: one group that is worth something, and perhaps samples before it.
    fn is_pass_fail(&self) -> bool {
        let worth: Vec<&TestGroup> = self.document.groups.iter().filter(|g| g.points > 0.0).collect();
        matches!(worth.as_slice(), [one] if one.scoring == Scoring::All)
            && self.document.groups.iter().all(|g| g.points > 0.0 || is_sample(g))
    }

    fn groups(&mut self, pass_fail: bool) {
        let mut total = 0.0;
        let mut names: Vec<(&str, String)> = Vec::new();
        let secret = self.document.groups.iter().filter(|g| !is_sample(g)).count();
        let mut number = 0;
        for group in &self.document.groups {
            let folder = if is_sample(group) {
                "sample".to_owned()
            } else if pass_fail {
                "secret".to_owned()
            } else {
                number += 1;
                format!("secret/{}", numbered(number, secret, &group.name))
            };
            for (place, test) in group.tests.iter().enumerate() {
                self.test(
                    group,
                    test,
                    &format!("data/{folder}/{}", numbered(place + 1, group.tests.len(), &test.name)),
                );
            }
            if !pass_fail && !is_sample(group) {
                let mut entries =
                    vec![("max_score", points(group.points)), ("score_aggregation", json!(aggregation(group.scoring)))];
                if group.points.fract() != 0.0 {
                    self.notes.warn(&folder, "its points are not whole, which the format asks for");
                }
                let requires: Vec<&String> =
                    names.iter().filter(|(name, _)| group.requires.iter().any(|r| r == name)).map(|(_, f)| f).collect();
                if !requires.is_empty() {
                    entries.push(("require_pass", json!(requires)));
                }
                let first = group.tests.first().map(|t| t.points);
                if group.scoring == Scoring::Sum && group.tests.iter().any(|t| Some(t.points) != first) {
                    self.notes.warn(&folder, "its tests do not weigh the same; in the format they do");
                }
                self.yaml(&format!("data/{folder}/test_group.yaml"), &entries);
                total += group.points;
            }
            names.push((&group.name, folder));
        }
        if !pass_fail {
            self.yaml(
                "data/secret/test_group.yaml",
                &[("max_score", points(total)), ("score_aggregation", json!("sum"))],
            );
        }
    }

    fn test(&mut self, group: &TestGroup, test: &Test, base: &str) {
        self.files.insert(format!("{base}.in"), test.stdin.clone().into_bytes());
        self.files.insert(format!("{base}.ans"), test.expected.clone().into_bytes());
        for file in &test.files {
            self.files.insert(format!("{base}.files/{}", file.name), file.content.clone().into_bytes());
        }
        let mut entries = Vec::new();
        if !test.args.is_empty() {
            entries.push(("args", json!(test.args)));
        }
        let validator = judged_by(test).map_or_else(|| arguments(test).unwrap_or_default(), |call| call.args.clone());
        if !validator.is_empty() {
            entries.push(("output_validator_args", json!(validator)));
        }
        match test.visibility {
            Visibility::Visible => entries.push(("full_feedback", json!(true))),
            Visibility::Sample if !is_sample(group) => {
                entries.push(("full_feedback", json!(true)));
                self.notes
                    .warn(base, "is a sample that earns points; in the format samples earn none, so it is secret");
            }
            Visibility::AfterDue => self.notes.warn(base, "is for after the deadline; the format knows no deadline"),
            Visibility::Sample | Visibility::Hidden => {}
        }
        if let Some(message) = &test.message {
            entries.push(("hint", json!(message)));
        }
        if test.limits.is_some() {
            self.notes.warn(base, "has limits of its own; in the format all tests have the same");
        }
        if !entries.is_empty() {
            self.yaml(&format!("{base}.yaml"), &entries);
        }
    }

    fn starter(&mut self) {
        for (id, files) in &self.document.starter {
            for file in files {
                let folder = if file.role == FileRole::Hidden { "include" } else { "attachments/templates" };
                if file.role == FileRole::Locked {
                    self.notes.warn(&file.name, "may not be changed here; in the format it may");
                }
                self.files.insert(format!("{folder}/{}/{}", code_of(id), file.name), file.content.clone().into_bytes());
            }
        }
    }

    fn solutions(&mut self) {
        let mut rules = Vec::new();
        for (place, solution) in self.document.solutions.iter().enumerate() {
            let folder = folder_of(solution);
            let name = numbered(
                place + 1,
                self.document.solutions.len(),
                solution.name.as_deref().unwrap_or(&solution.language),
            );
            let path = format!("{folder}/{name}");
            for file in &solution.files {
                self.files.insert(format!("submissions/{path}/{}", file.name), file.content.clone().into_bytes());
            }
            let mut rule = json!({"language": code_of(&solution.language)});
            if let Some(main) = &solution.main {
                rule["entrypoint"] = json!(main);
            }
            if let Some(score) = solution.expect.score {
                rule["score"] = json!(score);
            }
            if folder == "other" {
                let allowed = solution.expect.allowed();
                // A part of the points is an accepted test; that all tests are is another claim.
                let words: BTreeSet<&str> = allowed.iter().filter(|v| **v != Pa).filter_map(|v| word(*v)).collect();
                if !words.is_empty() {
                    rule["permitted"] = json!(words.iter().copied().chain(["AC"]).collect::<BTreeSet<_>>());
                    rule["required"] = json!(words);
                }
            }
            rules.push((path, rule));
        }
        let entries: Vec<(&str, Value)> = rules.iter().map(|(path, rule)| (path.as_str(), rule.clone())).collect();
        if !entries.is_empty() {
            self.yaml("submissions/submissions.yaml", &entries);
        }
    }

    fn left_out(&mut self) {
        let document = self.document;
        let mut left = vec![
            ("the date from which on students see it", document.available_from.is_some()),
            ("the deadline", document.due_at.is_some()),
            ("factors for late submissions", !document.late.is_empty()),
            ("the bounds of attempts", document.attempts != iteratione_common::lab::Attempts::default()),
            ("limits of elapsed time and of processes", true),
        ];
        left.retain(|(_, there)| *there);
        for (what, _) in left {
            self.notes.warn(PROBLEM, format!("{what} are no part of a package"));
        }
        self.notes.warn("input_validators", "there is none, which the format asks for");
    }
}

/// The program that judges a test.
fn judged_by(test: &Test) -> Option<&ProgramCall> {
    match (&test.interactor, &test.checker) {
        (Some(call), _) | (None, Checker::Program(call)) => Some(call),
        _ => None,
    }
}

/// How the default output validator is told to judge a test.
fn arguments(test: &Test) -> Option<Vec<String>> {
    match &test.checker {
        // Word by word and blank by blank is byte by byte.
        Checker::Exact {} => Some(vec!["case_sensitive".to_owned(), "space_change_sensitive".to_owned()]),
        other => other.default_validator_arguments(),
    }
}

/// Whether a group is the format's samples.
fn is_sample(group: &TestGroup) -> bool {
    group.points <= 0.0 && group.tests.iter().all(|t| t.visibility == Visibility::Sample || group.name == "sample")
}

fn aggregation(scoring: Scoring) -> &'static str {
    match scoring {
        Scoring::Sum => "sum",
        Scoring::Min => "min",
        Scoring::All => "pass-fail",
    }
}

/// Whole numbers as such.
#[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and the cast saturates")]
fn points(points: f64) -> Value {
    if points.fract() == 0.0 { json!(points as i64) } else { json!(points) }
}

/// The folder that says what a solution must get.
fn folder_of(solution: &Solution) -> &'static str {
    match solution.expect.allowed().as_slice() {
        [Ac] | [Ac, Pa] => "accepted",
        [Wa] => "wrong_answer",
        [Tle] => "time_limit_exceeded",
        [Rte] | [Rte, Mle, Ole] => "run_time_error",
        _ => "other",
    }
}

/// The format's word for a verdict.
fn word(verdict: Verdict) -> Option<&'static str> {
    Some(match verdict {
        Ac | Pa => "AC",
        Wa => "WA",
        Tle => "TLE",
        Rte | Mle | Ole => "RTE",
        _ => return None,
    })
}

/// A name of the format in its place of so many: letters, digits, `_`, `-` and `.`, in an order that names keep.
fn numbered(number: usize, of: usize, name: &str) -> String {
    let width = of.to_string().len().max(2);
    let tame = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    // A name that stands in an order already, as after an import, does not get another number.
    let plain = name.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('-');
    let name = name.strip_prefix(&format!("{number:0width$}-")).map_or(name, |_| plain);
    let tamed: String = name.rsplit('/').next().unwrap_or(name).chars().map(tame).take(80).collect();
    format!("{number:0width$}-{tamed}")
}

/// A text file ends with its last line.
fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}
