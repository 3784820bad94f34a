//! Whether a submission may meet the tests: what its classes are called, and what they use.

use std::collections::BTreeSet;

use iteratione_common::{
    lab::{Allowance, FileRole, SourceFile},
    language::{Policy, Unit},
};
use iteratione_sandbox::toolchain::{
    java::{
        class_file,
        policy::{self, Concern},
    },
    unit::{Prepared, declared_types},
};

use crate::grading::{GradeRequest, starter::Merged};

/// Things named in one sentence.
const NAMED: usize = 6;

/// What is looked at.
pub(super) struct Submission<'a> {
    pub(super) built: &'a [(String, Vec<u8>)],
    pub(super) merged: &'a Merged,
}

/// `Ok`: why staff should look at it, if so. `Err`: why it must not meet the tests.
pub(super) fn look(
    unit: &Unit,
    submission: &Submission<'_>,
    prepared: &Prepared,
    request: &GradeRequest,
) -> Result<Vec<String>, String> {
    match unit.policy {
        Policy::JavaClasses => java(unit, submission, prepared, request),
        Policy::PythonSources => python(unit, submission, prepared, request),
    }
}

fn java(
    unit: &Unit,
    submission: &Submission<'_>,
    prepared: &Prepared,
    request: &GradeRequest,
) -> Result<Vec<String>, String> {
    let classes: Vec<(String, &[u8])> = submission
        .built
        .iter()
        .filter_map(|(path, bytes)| Some((path.strip_suffix(".class")?.to_owned(), bytes.as_slice())))
        .filter(|(_, bytes)| !given(bytes, &submission.merged.given))
        .collect();
    let names: Vec<String> = classes.iter().map(|(path, _)| path.replace('/', ".")).collect();
    for name in &names {
        if let Some(prefix) = unit.reserved.iter().find(|p| below(name, p)) {
            return Err(format!("{name}: the package {prefix} is reserved. Choose another package."));
        }
    }
    let types: BTreeSet<&str> = prepared.suites.iter().flat_map(|s| &s.types).map(|t| top(t)).collect();
    if let Some(name) = names.iter().find(|name| types.contains(top(name))) {
        return Err(format!("{name}: the tests have a class of this name. Choose another."));
    }
    if let Some(name) = hidden(&classes, prepared, request) {
        return Err(format!("{name}: the tests would take your class for another one of this name. Rename it."));
    }
    let uses = classes.iter().flat_map(|(path, bytes)| policy::uses(&path.replace('/', "."), bytes));
    judged(uses.map(|u| (u.class, u.what, u.concern)).collect(), request)
}

fn python(
    unit: &Unit,
    submission: &Submission<'_>,
    prepared: &Prepared,
    request: &GradeRequest,
) -> Result<Vec<String>, String> {
    let own = submission.merged.files.iter().filter(|f| !submission.merged.given.contains(&f.name));
    let types: BTreeSet<&str> = prepared.suites.iter().flat_map(|s| &s.types).map(String::as_str).collect();
    for file in own {
        let module = file.name.strip_suffix(".py").unwrap_or(&file.name);
        if unit.reserved.iter().any(|r| r == module) {
            return Err(format!(
                "{}: a module of this name would hide one of Python's or of the tests. Rename it.",
                file.name
            ));
        }
        if types.contains(module) {
            return Err(format!("{}: the tests have a module of this name. Rename it.", file.name));
        }
    }
    let concern = |word: &str| match word {
        "tampering" => Concern::Tampering,
        "reflection" => Concern::Reflection,
        _ => Concern::Odd,
    };
    let uses = prepared.uses.iter().filter(|(file, _, _)| !submission.merged.given.contains(file));
    judged(uses.map(|(file, what, word)| (file.clone(), what.clone(), concern(word))).collect(), request)
}

/// Refuses what could tamper, and marks what is odd.
fn judged(uses: Vec<(String, String, Concern)>, request: &GradeRequest) -> Result<Vec<String>, String> {
    let allowed = |concern: Concern| {
        concern == Concern::Odd
            || (concern == Concern::Reflection && request.document.allow.contains(&Allowance::Reflection))
    };
    let (fine, refused): (Vec<_>, Vec<_>) = uses.into_iter().partition(|(_, _, concern)| allowed(*concern));
    if !refused.is_empty() {
        let mut said: Vec<String> =
            refused.iter().take(NAMED).map(|(class, what, _)| format!("{class} uses {what}")).collect();
        if refused.len() > NAMED {
            said.push(format!("and {} more", refused.len() - NAMED));
        }
        return Err(format!("Not allowed where your code meets tests: {}.", said.join("; ")));
    }
    Ok(fine.into_iter().map(|(class, what, _)| format!("{class} uses {what}")).collect())
}

/// Whether a class is from one of the instructor's files.
fn given(bytes: &[u8], given: &[String]) -> bool {
    !given.is_empty() && class_file::parse(bytes).and_then(|c| c.source).is_some_and(|source| given.contains(&source))
}

/// The name of the top-level class that a class is in, as far as names tell.
fn top(name: &str) -> &str {
    let simple = name.rfind('.').map_or(0, |dot| dot + 1);
    // A name may begin with the sign.
    name[simple..].char_indices().skip(1).find(|(_, c)| *c == '$').map_or(name, |(at, _)| &name[..simple + at])
}

fn below(name: &str, package: &str) -> bool {
    name.strip_prefix(package).is_some_and(|rest| rest.starts_with('.'))
}

/// A class that the tests use although no solution and no starter file has one of that name: in the tests' package a class
/// `Integer` or `Test` takes the place of the one that the tests mean.
fn hidden(classes: &[(String, &[u8])], prepared: &Prepared, request: &GradeRequest) -> Option<String> {
    let document = &request.document;
    let mut known: Vec<SourceFile> = Vec::new();
    for solution in document.solutions.iter().filter(|s| s.expect.score.is_none_or(|score| score > 0.0)) {
        known.extend(solution.files.iter().cloned());
    }
    let certain = !known.is_empty();
    for file in document.starter.values().flatten().filter(|f| f.role != FileRole::Hidden) {
        known.push(SourceFile { name: file.name.clone(), content: file.content.clone() });
    }
    let declared: BTreeSet<String> = declared_types(&known).into_iter().collect();
    let tests: Vec<&[u8]> = prepared.files.values().flatten().map(|(_, bytes)| bytes.as_slice()).collect();
    classes
        .iter()
        .filter(|(path, _)| {
            let name = path.replace('/', ".");
            // Nested classes of a class that is known, or that are not named at all.
            let simple = name.rsplit('.').next().unwrap_or(&name);
            let suspect = if certain { !declared.contains(top(&name)) } else { WELL_KNOWN.contains(&simple) };
            suspect && !simple.contains('$')
        })
        .find(|(path, _)| tests.iter().any(|bytes| class_file::mentions(bytes, path)))
        .map(|(path, _)| path.replace('/', "."))
}

/// What tests mean by these names, where no solution says otherwise: classes of `java.lang` and of JUnit.
const WELL_KNOWN: [&str; 52] = [
    "After",
    "AfterAll",
    "AfterClass",
    "AfterEach",
    "ArithmeticException",
    "ArrayIndexOutOfBoundsException",
    "Assert",
    "Assertions",
    "Assumptions",
    "Before",
    "BeforeAll",
    "BeforeClass",
    "BeforeEach",
    "Boolean",
    "Byte",
    "CharSequence",
    "Character",
    "Class",
    "ClassCastException",
    "Comparable",
    "Deprecated",
    "Disabled",
    "DisplayName",
    "Double",
    "Enum",
    "Error",
    "Exception",
    "Float",
    "Ignore",
    "IllegalArgumentException",
    "IllegalStateException",
    "IndexOutOfBoundsException",
    "Integer",
    "Iterable",
    "Long",
    "Math",
    "Nested",
    "NullPointerException",
    "Number",
    "Object",
    "Override",
    "ParameterizedTest",
    "RepeatedTest",
    "Runnable",
    "RuntimeException",
    "Short",
    "String",
    "StringBuilder",
    "System",
    "Test",
    "Thread",
    "Throwable",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_that_a_class_is_in_is_told_from_its_name() {
        for (name, is) in [("a.B$C", "a.B"), ("B$C$D", "B"), ("a.$B", "a.$B"), ("$", "$"), ("a.B", "a.B")] {
            assert_eq!(top(name), is);
        }
    }

    #[test]
    fn a_package_is_reserved_with_all_below_it_and_nothing_beside_it() {
        assert!(below("org.junit.Test", "org.junit") && below("org.junit.a.B", "org.junit"));
        assert!(!below("org.junit5.Test", "org.junit") && !below("org.junit", "org.junit"));
    }
}
