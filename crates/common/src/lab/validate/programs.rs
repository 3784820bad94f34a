//! Programs that judge, and the tests that call them.

use super::{
    Problem,
    groups::{arguments, tests},
    report::{Report, escape, quote},
    solutions::sources_of,
    unknown_language,
};
use crate::{
    lab::{Checker, LabDocument, ProgramCall, Test, TestKind},
    language::Languages,
};

const PROGRAMS: usize = 20;
const NAME_CHARS: usize = 100;
const MAIN_CHARS: usize = 300;
/// The most passes of a test. The package format's default, `validation_passes`, is 2.
pub const PASSES: u32 = 20;

/// Checks every program and every call.
pub fn check(report: &mut Report, document: &LabDocument, languages: &Languages) {
    if document.programs.len() > PROGRAMS {
        report.add("/programs", format!("must not hold more than {PROGRAMS} programs"));
    }
    for (name, program) in &document.programs {
        let at = format!("/programs/{}", escape(name));
        report.label(at.clone(), name, NAME_CHARS);
        if let Some(main) = &program.main {
            report.label(format!("{at}/main"), main, MAIN_CHARS);
        }
        if languages.get(&program.language).is_none() {
            report.add(format!("{at}/language"), unknown_language(&program.language, languages));
        }
        sources_of(report, &format!("{at}/files"), &program.language, &program.files, languages);
    }
    for (at, test) in tests(document) {
        one_test(report, &at, test, document);
    }
}

/// Programs that nothing calls.
pub fn warn(found: &mut Vec<Problem>, document: &LabDocument) {
    for name in document.programs.keys() {
        let called = tests(document).any(|(_, test)| {
            let checker = if let Checker::Program(call) = &test.checker { Some(call) } else { None };
            checker.into_iter().chain(&test.interactor).any(|call| call.program == *name)
        });
        if !called {
            found.push(Problem::new(format!("/programs/{}", escape(name)), "no test calls this program"));
        }
    }
}

fn one_test(report: &mut Report, at: &str, test: &Test, document: &LabDocument) {
    let interactive = test.kind == TestKind::Interactive;
    match &test.interactor {
        Some(call) if interactive => one_call(report, &format!("{at}/interactor"), call, document),
        Some(_) => report.add(format!("{at}/interactor"), "only tests of the kind interactive have an interactor"),
        None if interactive => report.add(format!("{at}/interactor"), "an interactive test needs an interactor"),
        None => {}
    }
    if let Checker::Program(call) = &test.checker {
        let at = format!("{at}/checker");
        if interactive {
            report.add(at, "an interactive test is judged by its interactor and has no checker");
        } else {
            one_call(report, &at, call, document);
        }
    }
    if !(1..=PASSES).contains(&test.passes) {
        report.add(format!("{at}/passes"), format!("must be a number from 1 to {PASSES}"));
    } else if test.passes > 1 && !interactive && !matches!(test.checker, Checker::Program(_)) {
        report.add(format!("{at}/passes"), "only a judging program can ask for another pass");
    }
}

fn one_call(report: &mut Report, at: &str, call: &ProgramCall, document: &LabDocument) {
    if !document.programs.contains_key(&call.program) {
        let known = document.programs.keys().map(|name| quote(name)).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "it has none".to_owned() } else { format!("there are {known}") };
        let detail = format!("{} is none of this lab's programs; {known}", quote(&call.program));
        report.add(format!("{at}/program"), detail);
    }
    arguments(report, at, &call.args);
}
