//! Starter files and reference solutions.

use super::{
    Problem,
    report::{Report, escape, quote},
    unknown_language,
};
use crate::{
    lab::{LabDocument, Solution, SourceFile},
    language::Languages,
    sources,
    verdict::Verdict,
};

const SOLUTIONS: usize = 100;
const NAME_CHARS: usize = 100;
const MAIN_CHARS: usize = 300;
/// Sums of decimal fractions are not exact.
const ROUNDING: f64 = 1e-6;

/// Checks starter files and solutions.
pub fn check(report: &mut Report, document: &LabDocument, languages: &Languages) {
    for (id, files) in &document.starter {
        let at = format!("/starter/{}", escape(id));
        if !document.languages.contains(id) {
            report.add(at.clone(), format!("{} is not among this lab's languages", quote(id)));
        }
        let files: Vec<_> =
            files.iter().map(|f| SourceFile { name: f.name.clone(), content: f.content.clone() }).collect();
        sources_of(report, &at, id, &files, languages);
    }
    if document.solutions.len() > SOLUTIONS {
        report.add("/solutions", format!("must not hold more than {SOLUTIONS} solutions"));
    }
    let points = document.groups.iter().map(|g| g.points).sum::<f64>();
    for (i, solution) in document.solutions.iter().enumerate() {
        one_solution(report, &format!("/solutions/{i}"), solution, points, document, languages);
    }
}

fn one_solution(
    report: &mut Report,
    at: &str,
    solution: &Solution,
    points: f64,
    document: &LabDocument,
    languages: &Languages,
) {
    if let Some(name) = &solution.name {
        report.label(format!("{at}/name"), name, NAME_CHARS);
    }
    if let Some(main) = &solution.main {
        report.label(format!("{at}/main"), main, MAIN_CHARS);
    }
    if languages.get(&solution.language).is_none() {
        report.add(format!("{at}/language"), unknown_language(&solution.language, languages));
    } else if !document.languages.contains(&solution.language) {
        report
            .add(format!("{at}/language"), format!("{} is not among this lab's languages", quote(&solution.language)));
    }
    sources_of(report, &format!("{at}/files"), &solution.language, &solution.files, languages);

    let expect = &solution.expect;
    if expect.is_empty() {
        report.add(format!("{at}/expect"), "must state a score, a verdict (or several that are right), or both");
    } else if expect.verdict.is_some() && !expect.verdicts.is_empty() {
        report.add(format!("{at}/expect/verdicts"), "must not be there beside `verdict`");
    }
    if let Some(score) = expect.score
        && !(0.0..=points + ROUNDING).contains(&score)
    {
        report.add(
            format!("{at}/expect/score"),
            format!("must be a number from 0 to {points}, which is what the groups are worth, not {score}"),
        );
    }
    if let Some(verdict @ (Verdict::Ie | Verdict::Sk)) = expect.verdict {
        report.add(format!("{at}/expect/verdict"), format!("no program can earn {verdict}"));
    }
    for (k, verdict) in expect.verdicts.iter().enumerate() {
        if matches!(verdict, Verdict::Ie | Verdict::Sk) {
            report.add(format!("{at}/expect/verdicts/{k}"), format!("no program can earn {verdict}"));
        } else if expect.verdicts[..k].contains(verdict) {
            report.add(format!("{at}/expect/verdicts/{k}"), format!("{verdict} is listed twice"));
        }
    }
}

/// Files of one language; nothing is said of the files of an unknown one.
pub(super) fn sources_of(report: &mut Report, at: &str, language: &str, files: &[SourceFile], languages: &Languages) {
    let Some(language) = languages.get(language) else { return };
    for Problem { pointer, detail } in sources::check_at(at, language, files).err().unwrap_or_default() {
        report.add(pointer, detail);
    }
}
