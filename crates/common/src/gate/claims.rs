//! Whether a grade is what was claimed.

use crate::{lab::Expectation, submission::Grade, verdict::Verdict};

/// Shares of points that do not add up in binary.
const ROUNDING: f64 = 1e-6;

/// Why a solution did not get what it claims; `None` if it did.
pub(super) fn objection(expect: &Expectation, grade: &Grade) -> Option<String> {
    let Grade { verdict, score, .. } = grade;
    let allowed = expect.allowed();
    if let Some(why) = judging_failed(grade) {
        return Some(why);
    }
    if *verdict == Verdict::Ie && !allowed.contains(&Verdict::Ie) {
        return Some(
            "The judge could not grade it. Publish again; if that does not help, tell the operator.".to_owned(),
        );
    }
    if !allowed.is_empty() && !allowed.contains(verdict) {
        let wanted = expect.verdicts_in_words();
        return Some(format!("It should get {wanted}, but got {verdict}{}.", first_failure(grade)));
    }
    if let Some(wanted) = expect.score
        && (wanted - score).abs() > ROUNDING
    {
        return Some(format!("It should score {wanted}, but scored {score} ({verdict}{}).", first_failure(grade)));
    }
    None
}

/// What is wrong with a starter's grade: full marks for nothing. That the judge failed is no proof.
pub(super) fn starter_passes(grade: &Grade) -> Option<String> {
    if grade.verdict == Verdict::Ie {
        return judging_failed(grade).or_else(|| Some("The judge could not grade it. Publish again.".to_owned()));
    }
    let passes = grade.verdict == Verdict::Ac || (grade.max_score > 0.0 && grade.score >= grade.max_score - ROUNDING);
    passes.then(|| "The starter passes as it is: the tests ask for nothing that it does not do.".to_owned())
}

/// Where a program of the lab's own has failed, and why: then no grade says anything, whatever it is.
fn judging_failed(grade: &Grade) -> Option<String> {
    let failed = grade.tests.iter().find(|t| t.verdict == Verdict::Ie && t.judge_message.is_some())?;
    let why = failed.judge_message.as_deref()?;
    Some(format!("The lab's own judging failed in test {} of group {}: {why}", failed.name, failed.group))
}

fn first_failure(grade: &Grade) -> String {
    let failed = grade.tests.iter().find(|t| !matches!(t.verdict, Verdict::Ac | Verdict::Sk));
    failed.map(|t| format!(" in test {} of group {}", t.name, t.group)).unwrap_or_default()
}
