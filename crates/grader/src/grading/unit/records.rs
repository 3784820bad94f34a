//! What the runner of one class of tests told, test by test.
//!
//! The list of tests is not from here. A record can only speak of one of them; of what nothing is told, nothing was passed.

use std::collections::BTreeMap;

use iteratione_sandbox::toolchain::unit::UnitCase;
use serde::Deserialize;

/// One line of the report.
#[derive(Debug, Deserialize)]
struct Record {
    nonce: String,
    event: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    class: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    leaf: bool,
    #[serde(default)]
    status: String,
    #[serde(default)]
    kind: String,
    #[serde(default, rename = "type")]
    exception: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    trace: String,
}

/// How a test failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Failure {
    /// `assertion`, `exception` or `memory`.
    pub(super) kind: String,
    /// The exception's class.
    pub(super) exception: String,
    /// What it says.
    pub(super) message: String,
    /// The student's own lines.
    pub(super) trace: String,
}

/// What was told of one test.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// Something of it was begun and not finished.
    pub(super) open: bool,
    /// How often something of it was passed.
    pub(super) passed: usize,
    /// Its first failure.
    pub(super) failure: Option<Failure>,
    /// Why it, or a part of it, was not run to its end: it was disabled, or an assumption did not hold.
    pub(super) skipped: Option<String>,
}

/// All that was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    /// One for each test that there is, in their order.
    pub(super) told: Vec<Told>,
    /// Failures of whole classes: before their first test or after their last.
    pub(super) classes: BTreeMap<String, Failure>,
    /// Classes that are disabled.
    pub(super) skipped: BTreeMap<String, String>,
    /// Everything was run.
    pub(super) ended: bool,
    /// The runner itself was out of memory.
    pub(super) memory: bool,
    /// The runner could not go on: the exception's class.
    pub(super) broken: Option<String>,
    /// Lines that are not the runner's.
    pub(super) foreign: usize,
}

/// Reads a report about these tests.
pub(super) fn read(bytes: &[u8], nonce: &str, cases: &[UnitCase]) -> Report {
    let mut report = Report { told: vec![Told::default(); cases.len()], ..Report::default() };
    let mut open: BTreeMap<String, Option<usize>> = BTreeMap::new();
    for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<Record>(line) {
            Ok(record) if record.nonce == nonce && !report.ended => take(&mut report, &mut open, cases, record),
            _ => report.foreign += 1,
        }
    }
    for place in open.values().flatten() {
        report.told[*place].open = true;
    }
    report
}

fn take(report: &mut Report, open: &mut BTreeMap<String, Option<usize>>, cases: &[UnitCase], record: Record) {
    let place = find(cases, &record.class, &record.method);
    match record.event.as_str() {
        "started" => {
            open.insert(record.id, place);
        }
        "finished" => {
            open.remove(&record.id);
            finished(report, place, &record);
        }
        "detail" => {
            let failure = Failure {
                kind: String::new(),
                exception: record.exception,
                message: record.message,
                trace: record.trace,
            };
            let of = match place {
                Some(place) => report.told[place].failure.as_mut(),
                None => report.classes.get_mut(&record.class),
            };
            // The first failure's own words, which come at once.
            if let Some(of) = of.filter(|of| of.exception.is_empty()) {
                *of = Failure { kind: std::mem::take(&mut of.kind), ..failure };
            }
        }
        "end" => report.ended = true,
        "memory" => report.memory = true,
        "broken" => report.broken = Some(record.exception),
        _ => report.foreign += 1,
    }
}

fn finished(report: &mut Report, place: Option<usize>, record: &Record) {
    let failure = || Failure { kind: record.kind.clone(), ..Failure::default() };
    let reason =
        || if record.message.is_empty() { "an assumption did not hold".to_owned() } else { record.message.clone() };
    match (record.status.as_str(), place) {
        ("passed", Some(place)) => report.told[place].passed += usize::from(record.leaf),
        ("passed", None) => {}
        ("skipped" | "aborted", Some(place)) => report.told[place].skipped = Some(reason()),
        ("skipped" | "aborted", None) => {
            report.skipped.insert(record.class.clone(), reason());
        }
        (_, Some(place)) => {
            report.told[place].failure.get_or_insert_with(failure);
        }
        (_, None) => {
            report.classes.entry(record.class.clone()).or_insert_with(failure);
        }
    }
}

/// The test of a class's method. Inherited ones may be told under the parent's name, if only one can be meant.
fn find(cases: &[UnitCase], class: &str, method: &str) -> Option<usize> {
    if method.is_empty() {
        return None;
    }
    let exact = cases.iter().position(|c| c.class == class && c.method == method);
    exact.or_else(|| {
        let mut named = cases.iter().enumerate().filter(|(_, c)| c.method == method);
        let first = named.next().map(|(place, _)| place);
        first.filter(|_| named.next().is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases() -> Vec<UnitCase> {
        ["a", "b"].map(|m| UnitCase { class: "p.T".to_owned(), method: m.to_owned(), points: None }).to_vec()
    }

    fn record(event: &str, method: &str, rest: &str) -> String {
        format!(
            "{{\"nonce\":\"n\",\"event\":\"{event}\",\"id\":\"{method}\",\"class\":\"p.T\",\"method\":\"{method}\"{rest}}}\n"
        )
    }

    #[test]
    fn what_is_not_told_was_not_passed_and_what_is_begun_is_open() {
        let text = record("started", "a", "")
            + &record("finished", "a", ",\"leaf\":true,\"status\":\"passed\"")
            + &record("started", "b", "");
        let report = read(text.as_bytes(), "n", &cases());
        assert_eq!((report.told[0].passed, report.told[0].open), (1, false));
        assert_eq!((report.told[1].passed, report.told[1].open), (0, true));
        assert!(!report.ended && report.foreign == 0);
    }

    #[test]
    fn records_without_the_nonce_after_the_end_or_of_no_known_kind_count_for_nothing() {
        let passed = record("finished", "a", ",\"leaf\":true,\"status\":\"passed\"");
        let end = "{\"nonce\":\"n\",\"event\":\"end\"}\n";
        let text = passed.replace("\"n\"", "\"m\"") + "rubbish\n" + end + &passed;
        let report = read(text.as_bytes(), "n", &cases());
        assert_eq!((report.told[0].passed, report.foreign, report.ended), (0, 3, true));
    }

    #[test]
    fn one_failed_invocation_fails_the_test_and_a_container_alone_passes_nothing() {
        let text = record("finished", "a", ",\"leaf\":true,\"status\":\"passed\"")
            + &record("finished", "a", ",\"leaf\":true,\"status\":\"failed\",\"kind\":\"assertion\"")
            + &record("detail", "a", ",\"type\":\"E\",\"message\":\"m\",\"trace\":\"at A\"")
            + &record("finished", "b", ",\"leaf\":false,\"status\":\"passed\"");
        let report = read(text.as_bytes(), "n", &cases());
        let failure = report.told[0].failure.clone().expect("failed");
        assert_eq!((failure.kind.as_str(), failure.message.as_str()), ("assertion", "m"));
        assert_eq!(report.told[1].passed, 0);
    }
}
