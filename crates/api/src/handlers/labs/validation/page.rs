//! The report for people. Everything is text to the template, so nothing that an instructor wrote becomes markup.

use iteratione_common::{
    gate::{SolutionOutcome, SuggestedLimit, TestOutcome, Validation},
    lab::Expectation,
    store::LabStatus,
};
use maud::{DOCTYPE, Markup, html};

use super::ValidationReport;

pub(super) fn render(report: &ValidationReport) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Publishing " (report.title) }
                link rel="stylesheet" href="/docs/report.css";
            }
            body {
                main {
                    p.kicker { "Publish gate · " (report.slug) }
                    h1 { (report.title) }
                    (standing(report))
                    @if let Some(validation) = &report.validation {
                        (warnings(validation))
                        (solutions(validation))
                        (starters(validation))
                        (limits(&validation.limits))
                    }
                }
            }
        }
    }
}

fn standing(report: &ValidationReport) -> Markup {
    let (class, words) = match report.status {
        LabStatus::Published => ("good", "Published: everything got what it claims."),
        LabStatus::Rejected => ("bad", "Rejected: students do not see this revision. What is wrong is marked below."),
        LabStatus::Validating => {
            ("wait", "The reference solutions are being graded. Load this page again in a moment.")
        }
        LabStatus::Draft => ("wait", "A draft: publish it to have its reference solutions graded."),
    };
    html! {
        p.standing.(class) { (words) }
        @if let Some(validation) = &report.validation {
            p.note {
                "Revision " (validation.revision) ", graded at " time { (validation.finished_at) }
                @if validation.revision != report.newest_revision {
                    "; the newest revision is " (report.newest_revision)
                }
                "."
            }
        }
    }
}

fn warnings(validation: &Validation) -> Markup {
    html! {
        @if !validation.warnings.is_empty() {
            h2 { "Worth a look" }
            ul { @for warning in &validation.warnings { li { (warning) } } }
        }
    }
}

/// A table that scrolls by itself where it is too wide, also by keyboard.
fn table(label: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(label) {
            table {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

fn solutions(validation: &Validation) -> Markup {
    let solutions = || validation.solutions.iter().enumerate();
    let rows = html! { @for (index, solution) in solutions() { (one_solution(index, solution)) } };
    let heads = ["", "Solution", "Language", "Claims", "Got", "Points", "Slowest test"];
    html! {
        h2 { "Reference solutions" }
        @if validation.solutions.is_empty() {
            p { "There are none, so nothing is proven." }
        } @else {
            (table("Reference solutions", &heads, &rows))
            @for (index, solution) in solutions() {
                @let label = format!("Tests of {}", solution.called(index));
                details {
                    summary { (label) }
                    (tests(&label, &solution.tests))
                }
            }
        }
    }
}

fn one_solution(index: usize, solution: &SolutionOutcome) -> Markup {
    let slowest = solution.tests.iter().filter(|t| t.cpu_ms.is_some()).max_by_key(|t| t.cpu_ms);
    html! {
        tr.(if solution.ok { "good" } else { "bad" }) {
            td { (mark(solution.ok)) }
            th scope="row" {
                (solution.called(index))
                @if let Some(message) = &solution.message { div.why { (message) } }
            }
            td { (solution.language) }
            td { (claim(&solution.expect)) }
            td { (solution.verdict) }
            td.number { (solution.score) " / " (solution.max_score) }
            td {
                @if let Some(test) = slowest { (test.cpu_ms.unwrap_or_default()) " ms " span.note { (test.group) "/" (test.name) } }
            }
        }
    }
}

fn tests(label: &str, tests: &[TestOutcome]) -> Markup {
    if tests.is_empty() {
        return html! { p { "No test was run." } };
    }
    let rows = html! {
        @for test in tests {
            tr {
                td { (test.group) } th scope="row" { (test.name) } td { (test.verdict) }
                td.number { (measured(test.cpu_ms, "ms")) } td.number { (measured(test.wall_ms, "ms")) }
                td.number { (measured(test.memory_kb.map(|kb| kb / 1024), "MiB")) }
            }
        }
    };
    table(label, &["Group", "Test", "Verdict", "CPU", "Elapsed", "Memory"], &rows)
}

fn starters(validation: &Validation) -> Markup {
    if validation.starters.is_empty() {
        return html! {};
    }
    let rows = html! {
        @for starter in &validation.starters {
            tr.(if starter.ok { "good" } else { "bad" }) {
                td { (mark(starter.ok)) }
                th scope="row" {
                    (starter.language)
                    @if let Some(message) = &starter.message { div.why { (message) } }
                }
                td { (starter.verdict) }
                td.number { (starter.score) " / " (starter.max_score) }
            }
        }
    };
    html! {
        h2 { "The starter, handed in as it is" }
        (table("Starters", &["", "Language", "Got", "Points"], &rows))
    }
}

fn limits(limits: &[SuggestedLimit]) -> Markup {
    if limits.is_empty() {
        return html! {};
    }
    let rows = html! {
        @for limit in limits {
            tr {
                th scope="row" { (limit.language) }
                td.number { (limit.slowest_ms) " ms" }
                td { (limit.slowest_solution) ", " (limit.slowest_test) }
                td.number { (limit.cpu_ms) } td.number { (limit.wall_ms) }
            }
        }
    };
    html! {
        h2 { "Time limits that the solutions speak for" }
        p.note { "Twice the CPU time of the slowest accepted solution, at least half a second." }
        (table("Suggested time limits", &["Language", "Slowest", "Where", "cpu_ms", "wall_ms"], &rows))
    }
}

/// Not by colour alone.
fn mark(ok: bool) -> Markup {
    html! { span.mark { (if ok { "✓" } else { "✗" }) span.unseen { (if ok { " as claimed" } else { " not as claimed" }) } } }
}

fn claim(expect: &Expectation) -> String {
    let verdicts = expect.verdicts_in_words();
    match (verdicts.as_str(), expect.score) {
        ("", Some(score)) => format!("{score} points"),
        (_, Some(score)) => format!("{verdicts}, {score} points"),
        (_, None) => verdicts,
    }
}

fn measured(value: Option<u64>, unit: &str) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value} {unit}"))
}
