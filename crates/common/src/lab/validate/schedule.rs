//! When students may submit, and how often.

use jiff::Timestamp;

use super::report::Report;
use crate::lab::LabDocument;

const LATE_RULES: usize = 20;
/// 2000-01-01 and 3000-01-01: what is outside is a slip of the pen, and PostgreSQL cannot store all of it.
const YEARS: std::ops::Range<i64> = 946_684_800..32_503_680_000;

/// Checks times, late rules and attempts.
pub fn check(report: &mut Report, document: &LabDocument) {
    let (from, due) = (document.available_from, document.due_at);
    for (pointer, time) in [("/available_from", from), ("/due_at", due)] {
        if let Some(time) = time {
            instant(report, pointer, time);
        }
    }
    if let (Some(from), Some(due)) = (from, due)
        && from >= due
    {
        report.add("/due_at", "must be after available_from");
    }
    late(report, document);
    if document.attempts.max == Some(0) {
        report.add("/attempts/max", "must be at least 1, or null for no bound");
    }
    if document.attempts.per_hour == Some(0) {
        report.add("/attempts/per_hour", "must be at least 1, or null for no bound");
    }
}

fn late(report: &mut Report, document: &LabDocument) {
    if document.late.len() > LATE_RULES {
        report.add("/late", format!("must not hold more than {LATE_RULES} rules"));
    }
    if document.due_at.is_none() && !document.late.is_empty() {
        report.add("/late", "needs due_at: without a deadline nothing is late");
    }
    let mut before = document.due_at;
    for (i, rule) in document.late.iter().enumerate() {
        let pointer = format!("/late/{i}/until");
        instant(report, &pointer, rule.until);
        if before.is_some_and(|before| rule.until <= before) {
            report.add(pointer, if i == 0 { "must be after due_at" } else { "must be after the rule before it" });
        }
        before = Some(rule.until);
        report.number(format!("/late/{i}/factor"), rule.factor, 0.0, 1.0);
    }
}

/// Whether a moment is in the years 2000 to 2999.
pub fn is_sensible(time: Timestamp) -> bool {
    YEARS.contains(&time.as_second())
}

fn instant(report: &mut Report, pointer: &str, time: Timestamp) {
    if !is_sensible(time) {
        report.add(pointer, "must be in the years 2000 to 2999");
    }
}
