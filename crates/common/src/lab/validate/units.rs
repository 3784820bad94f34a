//! Tests of a unit test framework: their sources, their weights, and whether the lab's languages can run them.

use super::{
    Problem,
    groups::tests,
    report::{Report, escape, quote},
};
use crate::{
    lab::{Checker, LabDocument, Test, TestKind},
    language::Languages,
};

const WEIGHTS: usize = 1000;
const WEIGHT: f64 = 1e6;
const NAME_BYTES: usize = 500;

/// Checks every unit test, and that the others have nothing that only unit tests have.
pub fn check(report: &mut Report, document: &LabDocument, languages: &Languages) {
    for (at, test) in tests(document) {
        match test.kind {
            TestKind::Junit | TestKind::Pytest => one(report, &at, test, document, languages),
            TestKind::Io | TestKind::Interactive if test.weights.is_empty() => {}
            TestKind::Io | TestKind::Interactive => {
                report.add(format!("{at}/weights"), "only tests of the kinds junit and pytest have weights");
            }
        }
    }
}

/// What a unit test does not use.
pub fn warn(found: &mut Vec<Problem>, document: &LabDocument) {
    for (at, test) in tests(document).filter(|(_, t)| matches!(t.kind, TestKind::Junit | TestKind::Pytest)) {
        for (field, used) in [
            ("stdin", !test.stdin.is_empty()),
            ("expected", !test.expected.is_empty()),
            ("args", !test.args.is_empty()),
            ("checker", test.checker != Checker::default()),
        ] {
            if used {
                found.push(Problem::new(format!("{at}/{field}"), "a unit test does not use this"));
            }
        }
    }
}

fn one(report: &mut Report, at: &str, test: &Test, document: &LabDocument, languages: &Languages) {
    let kind = if test.kind == TestKind::Junit { "junit" } else { "pytest" };
    for (k, id) in document.languages.iter().enumerate() {
        let Some(language) = languages.get(id) else { continue };
        if language.unit.as_ref().is_none_or(|unit| unit.kind != test.kind) {
            let detail = format!("{} cannot run tests of the kind {kind}, which {at} is", quote(id));
            report.add(format!("/languages/{k}"), detail);
        } else if !test.files.iter().any(|f| language.compiles(&f.name)) {
            let endings = language.compile_extensions.join(", .");
            report.add(format!("{at}/files"), format!("must hold the tests' sources: no file ends in .{endings}"));
        }
    }
    if test.weights.len() > WEIGHTS {
        report.add(format!("{at}/weights"), format!("must not hold more than {WEIGHTS} weights"));
    }
    for (name, weight) in &test.weights {
        let pointer = format!("{at}/weights/{}", escape(name));
        report.number(pointer.clone(), *weight, 0.0, WEIGHT);
        if name.is_empty() || name.len() > NAME_BYTES {
            report.add(pointer, format!("must be the name of a test, of 1 to {NAME_BYTES} bytes"));
        }
    }
}
