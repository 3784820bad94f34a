//! `GET /submissions/{submission}/junit.xml`

use std::fmt::Write as _;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use iteratione_common::{
    ids::SubmissionId,
    submission::{CaseResult, TestResult},
    verdict::Verdict,
};

use super::results_json::not_graded_yet;
use crate::{access::SubmissionViewer, error::ApiError, problem::Problem, state::AppState, visibility::SubmissionView};

/// A graded submission as JUnit XML, as far as the viewer may see it: a suite per group, a case per test; a unit test's
/// methods are cases of their own. A wrong answer is a `failure`, any other way to fail an `error`.
#[utoipa::path(
    get, path = "/submissions/{submission}/junit.xml", tag = "submissions",
    params(("submission" = SubmissionId, Path)),
    responses(
        (status = 200, body = String, content_type = "application/xml"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_graded_yet`"),
    )
)]
pub(super) async fn get_junit_xml(who: SubmissionViewer, State(state): State<AppState>) -> Result<Response, ApiError> {
    let cut = who.cut(&state.pg).await?;
    let view = cut.submission(who.submission, None);
    if view.line.verdict.is_none() {
        return Err(not_graded_yet());
    }
    Ok(([(header::CONTENT_TYPE, "application/xml; charset=utf-8")], document(&view)).into_response())
}

/// One `testcase`.
struct Case<'a> {
    class: String,
    name: &'a str,
    verdict: Verdict,
    wall_ms: Option<u64>,
    message: Option<&'a str>,
    /// The element's text.
    detail: Option<&'a str>,
    stdout: Option<&'a str>,
    stderr: Option<&'a str>,
}

/// The element that says how a case failed.
fn element(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Ac => None,
        Verdict::Sk => Some("skipped"),
        Verdict::Wa | Verdict::Pa => Some("failure"),
        Verdict::Tle | Verdict::Mle | Verdict::Ole | Verdict::Rte | Verdict::Ce | Verdict::Ie => Some("error"),
    }
}

fn document(view: &SubmissionView) -> String {
    let mut suites: Vec<(&str, Vec<Case<'_>>)> = Vec::new();
    if let Some(compile) = view.compile.as_ref().filter(|c| !c.ok || view.line.verdict == Some(Verdict::Ce)) {
        let case = Case {
            class: "compile".to_owned(),
            name: "compile",
            verdict: Verdict::Ce,
            wall_ms: None,
            message: Some(view.message.as_deref().unwrap_or("the program does not build")),
            detail: Some(&compile.output),
            stdout: None,
            stderr: None,
        };
        suites.push(("compile", vec![case]));
    }
    for test in &view.tests {
        if suites.last().is_none_or(|(name, _)| *name != test.group) {
            suites.push((&test.group, Vec::new()));
        }
        if let Some((_, cases)) = suites.last_mut() {
            cases.extend(cases_of(test));
        }
    }
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    attribute(&mut xml, "name", &format!("submission {}", view.line.id));
    totals(&mut xml, all());
    attribute(&mut xml, "timestamp", &view.line.finished_at.unwrap_or(view.line.created_at).to_string());
    xml.push_str(">\n");
    for (name, cases) in &suites {
        xml.push_str("  <testsuite");
        attribute(&mut xml, "name", name);
        totals(&mut xml, cases.iter());
        xml.push_str(">\n");
        for case in cases {
            write_case(&mut xml, case);
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// The cases of a test: itself, or the methods of a unit test.
fn cases_of(test: &TestResult) -> Vec<Case<'_>> {
    if test.cases.is_empty() {
        return vec![Case {
            class: test.group.clone(),
            name: &test.name,
            verdict: test.verdict,
            wall_ms: test.wall_ms,
            message: test.message.as_deref(),
            detail: None,
            stdout: test.stdout.as_deref(),
            stderr: test.stderr.as_deref(),
        }];
    }
    test.cases.iter().map(|case| method_of(test, case)).collect()
}

fn method_of<'a>(test: &TestResult, case: &'a CaseResult) -> Case<'a> {
    Case {
        class: format!("{}.{}", test.group, test.name),
        name: &case.name,
        verdict: case.verdict,
        wall_ms: case.wall_ms,
        message: case.message.as_deref(),
        detail: case.trace.as_deref(),
        stdout: None,
        stderr: None,
    }
}

fn totals<'a>(xml: &mut String, cases: impl Iterator<Item = &'a Case<'a>> + Clone) {
    let count = |wanted| cases.clone().filter(|case| element(case.verdict) == Some(wanted)).count().to_string();
    attribute(xml, "tests", &cases.clone().count().to_string());
    attribute(xml, "failures", &count("failure"));
    attribute(xml, "errors", &count("error"));
    attribute(xml, "skipped", &count("skipped"));
    attribute(xml, "time", &seconds(cases.filter_map(|case| case.wall_ms).sum()));
}

fn write_case(xml: &mut String, case: &Case<'_>) {
    xml.push_str("    <testcase");
    attribute(xml, "name", case.name);
    attribute(xml, "classname", &case.class);
    if let Some(wall_ms) = case.wall_ms {
        attribute(xml, "time", &seconds(wall_ms));
    }
    xml.push_str(">\n");
    if let Some(element) = element(case.verdict) {
        let _ = write!(xml, "      <{element}");
        if element != "skipped" {
            attribute(xml, "type", case.verdict.as_str());
        }
        attribute(xml, "message", case.message.unwrap_or(case.verdict.as_str()));
        let _ = writeln!(xml, ">{}</{element}>", text(case.detail.unwrap_or_default(), false));
    }
    for (element, output) in [("system-out", case.stdout), ("system-err", case.stderr)] {
        if let Some(output) = output.filter(|output| !output.is_empty()) {
            let _ = writeln!(xml, "      <{element}>{}</{element}>", text(output, false));
        }
    }
    xml.push_str("    </testcase>\n");
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds")]
fn seconds(ms: u64) -> String {
    format!("{:.3}", ms as f64 / 1000.0)
}

fn attribute(xml: &mut String, name: &str, value: &str) {
    let _ = write!(xml, " {name}=\"{}\"", text(value, true));
}

/// Text for XML 1.0: escaped, and without the characters that it cannot hold in any form.
fn text(value: &str, attribute: bool) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' if attribute => escaped.push_str("&quot;"),
            // Parsers make a space of a bare one in an attribute, and a line feed of a carriage return.
            '\n' | '\t' if attribute => drop(write!(escaped, "&#{};", u32::from(c))),
            '\r' => escaped.push_str("&#13;"),
            '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => escaped.push(c),
            _ => {}
        }
    }
    escaped
}

#[cfg(test)]
mod properties {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out_and_the_rest_escaped() {
        assert_eq!(text("a\0\u{1b}[1m<b & \"c\">\u{ffff}\r\n", false), "a[1m&lt;b &amp; \"c\"&gt;&#13;\n");
        assert_eq!(text("\"\n\t'", true), "&quot;&#10;&#9;'");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_program_prints_ends_an_element(value in ".{0,40}") {
            for attribute in [false, true] {
                let escaped = text(&value, attribute);
                proptest::prop_assert!(!escaped.contains(['<', '>']));
                proptest::prop_assert!(!attribute || !escaped.contains('"'));
                proptest::prop_assert!(escaped.chars().all(|c| c >= ' ' || c == '\n' || c == '\t'));
            }
        }
    }
}
