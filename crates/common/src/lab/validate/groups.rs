//! Groups, tests, limits and checkers.

use std::collections::{BTreeMap, BTreeSet};

use regex::bytes::RegexBuilder;

use super::{
    Ceilings,
    report::{Report, quote},
};
use crate::lab::{Checker, LabDocument, Test, TestGroup, TestLimits};

const GROUPS: usize = 100;
const NAME_CHARS: usize = 100;
const POINTS: f64 = 1e6;
const ARGS: usize = 64;
const ARG_BYTES: usize = 4 * 1024;
const FILES: usize = 64;
const FILE_NAME_BYTES: usize = 100;
const DATA_BYTES: usize = 8 * 1024 * 1024;
const MESSAGE_BYTES: usize = 2 * 1024;
/// A pattern of this length is no longer read by anybody.
const PATTERN_BYTES: usize = 64 * 1024;
/// Memory of a compiled pattern. The grader compiles with the same bound.
const PATTERN_COMPILED_BYTES: usize = 2 * 1024 * 1024;

/// Checks limits, groups and all that is in them.
pub fn check(report: &mut Report, document: &LabDocument, ceilings: &Ceilings) {
    limits(report, "/limits", &document.limits, ceilings);
    if document.groups.is_empty() {
        report.add("/groups", "must hold at least one group of tests");
    } else if document.groups.len() > GROUPS {
        report.add("/groups", format!("must not hold more than {GROUPS} groups"));
    }
    let mut names = BTreeMap::new();
    for (i, group) in document.groups.iter().enumerate() {
        one_group(report, i, group, &mut names, document, ceilings);
    }
    totals(report, document, ceilings);
}

fn totals(report: &mut Report, document: &LabDocument, ceilings: &Ceilings) {
    let tests = document.groups.iter().map(|g| g.tests.len()).sum::<usize>();
    if tests > ceilings.tests {
        report.add("/groups", format!("holds {tests} tests; the operator's ceiling is {}", ceilings.tests));
    }
    let wall = document
        .groups
        .iter()
        .flat_map(|g| &g.tests)
        .map(|t| t.limits.unwrap_or(document.limits).wall_ms.saturating_mul(u64::from(t.passes)))
        .fold(0_u64, u64::saturating_add);
    if wall > ceilings.total_wall_ms {
        report.add(
            "/groups",
            format!(
                "may take {wall} ms in all (the sum of the tests' wall_ms, times their passes); the operator's ceiling is {} ms",
                ceilings.total_wall_ms
            ),
        );
    }
    let points = document.groups.iter().map(|g| g.points).sum::<f64>();
    if !document.groups.is_empty() && points <= 0.0 {
        report.add("/groups", "must be worth more than 0 points in all");
    }
}

fn one_group<'a>(
    report: &mut Report,
    index: usize,
    group: &'a TestGroup,
    names: &mut BTreeMap<&'a str, usize>,
    document: &LabDocument,
    ceilings: &Ceilings,
) {
    let at = format!("/groups/{index}");
    report.label(format!("{at}/name"), &group.name, NAME_CHARS);
    if let Some(first) = names.get(group.name.as_str()) {
        report.add(format!("{at}/name"), format!("the group /groups/{first} has this name too"));
    }
    report.number(format!("{at}/points"), group.points, 0.0, POINTS);
    let mut required = BTreeSet::new();
    for (j, name) in group.requires.iter().enumerate() {
        let pointer = format!("{at}/requires/{j}");
        if *name == group.name {
            report.add(pointer, "a group cannot require itself");
        } else if !names.contains_key(name.as_str()) {
            let later = document.groups.iter().any(|g| g.name == *name);
            let what =
                if later { "comes later: a group may require only earlier ones" } else { "is no group of this lab" };
            report.add(pointer, format!("{} {what}", quote(name)));
        } else if !required.insert(name) {
            report.add(pointer, format!("{} is listed twice", quote(name)));
        }
    }
    names.entry(&group.name).or_insert(index);

    if group.tests.is_empty() {
        report.add(format!("{at}/tests"), "must hold at least one test");
    } else if group.points > 0.0 && group.tests.iter().map(|t| t.points).sum::<f64>() <= 0.0 {
        report.add(format!("{at}/tests"), "the tests' points add up to 0, so that nobody could earn the group's");
    }
    let mut tests = BTreeMap::new();
    for (j, test) in group.tests.iter().enumerate() {
        let at = format!("{at}/tests/{j}");
        if let Some(first) = tests.insert(test.name.as_str(), j) {
            report.add(format!("{at}/name"), format!("the test /groups/{index}/tests/{first} has this name too"));
        }
        one_test(report, &at, test, ceilings);
    }
}

fn one_test(report: &mut Report, at: &str, test: &Test, ceilings: &Ceilings) {
    report.label(format!("{at}/name"), &test.name, NAME_CHARS);
    report.number(format!("{at}/points"), test.points, 0.0, POINTS);
    report.text(format!("{at}/stdin"), &test.stdin, DATA_BYTES);
    report.text(format!("{at}/expected"), &test.expected, DATA_BYTES);
    if let Some(message) = &test.message {
        report.text(format!("{at}/message"), message, MESSAGE_BYTES);
    }
    if let Some(own) = &test.limits {
        limits(report, &format!("{at}/limits"), own, ceilings);
    }
    arguments(report, at, &test.args);
    if test.files.len() > FILES {
        report.add(format!("{at}/files"), format!("must not hold more than {FILES} files"));
    }
    let mut names = BTreeSet::new();
    for (k, file) in test.files.iter().enumerate() {
        let pointer = format!("{at}/files/{k}/name");
        if let Err(detail) = flat_name(&file.name) {
            report.add(pointer, detail);
        } else if !names.insert(file.name.to_lowercase()) {
            report.add(pointer, format!("another file is called {} too, but for case", quote(&file.name)));
        }
        report.text(format!("{at}/files/{k}/content"), &file.content, DATA_BYTES);
    }
    checker(report, at, test);
}

/// Every test, with its pointer.
pub(super) fn tests(document: &LabDocument) -> impl Iterator<Item = (String, &Test)> {
    document.groups.iter().enumerate().flat_map(|(i, group)| {
        group.tests.iter().enumerate().map(move |(j, test)| (format!("/groups/{i}/tests/{j}"), test))
    })
}

/// The `args` of whatever is at this pointer.
pub(super) fn arguments(report: &mut Report, at: &str, args: &[String]) {
    if args.len() > ARGS {
        report.add(format!("{at}/args"), format!("must not hold more than {ARGS} arguments"));
    }
    for (k, arg) in args.iter().enumerate() {
        report.text(format!("{at}/args/{k}"), arg, ARG_BYTES);
    }
}

/// A file name in a test's working folder: one step, no way out of the folder, no option of a command line.
fn flat_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        Err("must not be empty")
    } else if name.len() > FILE_NAME_BYTES {
        Err("must not be longer than 100 bytes")
    } else if name.contains(['/', '\\']) || name == "." || name == ".." {
        Err("must be a bare file name, without folders")
    } else if name.starts_with('-') {
        Err("must not begin with a hyphen")
    } else if name.trim() != name {
        Err("must not begin or end with a blank")
    } else if name.chars().any(char::is_control) {
        Err("must not contain control characters")
    } else {
        Ok(())
    }
}

fn limits(report: &mut Report, at: &str, limits: &TestLimits, ceilings: &Ceilings) {
    for (name, value, least, most) in [
        ("cpu_ms", limits.cpu_ms, 10, ceilings.cpu_ms),
        ("wall_ms", limits.wall_ms, 10, ceilings.wall_ms),
        ("memory_mb", limits.memory_mb, 16, ceilings.memory_mb),
        ("output_kb", limits.output_kb, 1, ceilings.output_kb),
        ("processes", limits.processes, 1, ceilings.processes),
    ] {
        let pointer = format!("{at}/{name}");
        if value < least {
            report.add(pointer, format!("must not be under {least}"));
        } else if value > most {
            report.add(pointer, format!("{value} is over the operator's ceiling {name} = {most}"));
        }
    }
}

fn checker(report: &mut Report, at: &str, test: &Test) {
    match &test.checker {
        Checker::Exact {} | Checker::Lines {} | Checker::UnorderedLines {} | Checker::Program(_) => {}
        Checker::Tokens { float_abs, float_rel, .. } => {
            if let Some(tolerance) = float_abs {
                report.number(format!("{at}/checker/float_abs"), *tolerance, 0.0, 1e9);
            }
            if let Some(tolerance) = float_rel {
                report.number(format!("{at}/checker/float_rel"), *tolerance, 0.0, 1.0);
            }
        }
        Checker::Regex {} => {
            if let Err(detail) = pattern(&test.expected) {
                report.add(format!("{at}/expected"), detail);
            }
        }
    }
}

/// Whether a pattern compiles within the bound, alone and, as the grader uses it, anchored and without blanks at its end.
fn pattern(text: &str) -> Result<(), String> {
    if text.len() > PATTERN_BYTES {
        return Err(format!("a regular expression must not be longer than {} KiB", PATTERN_BYTES / 1024));
    }
    let text = text.trim_end();
    for pattern in [text, &format!(r"\A(?:{text})\z")] {
        match RegexBuilder::new(pattern).size_limit(PATTERN_COMPILED_BYTES).build() {
            Ok(_) => {}
            Err(regex::Error::CompiledTooBig(_)) => return Err("this regular expression is too big".to_owned()),
            Err(e) => return Err(format!("this is not a regular expression: {e}")),
        }
    }
    Ok(())
}
