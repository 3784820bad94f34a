//! What the jail is meant to reach, and whether it did.

use crate::{
    report::{Mode, Rate, Report},
    rounds::Times,
};

/// One promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// About what.
    pub what: String,
    /// How much.
    pub target: String,
    /// What was seen.
    pub seen: String,
    /// `None` if it was not measured.
    pub met: Option<bool>,
}

/// What the report alone does not say.
#[derive(Debug, Default)]
pub struct More {
    /// Of the C program that says hello.
    pub hello_c: Option<Times>,
    /// Of the C++ lab.
    pub lab10_cpp: Option<Times>,
    /// What could not be measured.
    pub failed: Vec<&'static str>,
}

/// Every target that something was measured for.
pub fn check(report: &Report, more: &More) -> Vec<Target> {
    let mut out = Vec::new();
    starts(report, &mut out);
    labs(report, more, &mut out);
    rates(report, &mut out);
    if let Some(of) = more.hello_c.as_ref().and_then(|t| t.overhead) {
        let spent = of.harness_ms + of.own_ms;
        let seen = format!("{spent:.2} ms (harness {:.2}, sandbox {:.2})", of.harness_ms, of.own_ms);
        add(&mut out, "CPU of our own per test", "≤ 1 ms", seen, spent <= 1.0);
    }
    for (what, limit) in [("pooled jail", 6.0), ("jail with a hot compiler", 70.0)] {
        for idle in report.idle.iter().filter(|i| i.what.starts_with(what)) {
            let seen = format!("{:.1} MiB, {:.2} ms of CPU per s", idle.memory_mb, idle.cpu_ms_per_second);
            let met = idle.memory_mb <= limit && idle.cpu_ms_per_second < 1.0;
            add(&mut out, &idle.what, &format!("≤ {limit} MiB, no CPU worth mentioning"), seen, met);
        }
    }
    out
}

fn add(out: &mut Vec<Target>, what: &str, target: &str, seen: String, met: bool) {
    out.push(Target { what: what.to_owned(), target: target.to_owned(), seen, met: Some(met) });
}

fn starts(report: &Report, out: &mut Vec<Target>) {
    let row = |mode| report.row("hello_c", mode, None);
    if let (Some(bare), Some(warm)) = (row(Mode::Bare), row(Mode::Warm)) {
        let more = warm.median_ms - bare.median_ms;
        add(out, "warm start, C hello: median", "≤ bare + 1 ms", format!("bare + {more:.2} ms"), more <= 1.0);
        let more = warm.p99_ms - bare.p99_ms;
        add(out, "warm start, C hello: p99", "≤ bare + 5 ms", format!("bare + {more:.2} ms"), more <= 5.0);
    }
    if let (Some(published), Some(cold)) = (row(Mode::Published), row(Mode::Cold)) {
        let seen = format!("{:.0} against {:.0} ms", cold.median_ms, published.median_ms);
        add(out, "cold start, C hello", "not slower than docker run", seen, cold.median_ms <= published.median_ms);
    }
}

fn labs(report: &Report, more: &More, out: &mut Vec<Target>) {
    for (work, what, times, aim) in [
        ("lab10_java", "10-test lab, Java 21, 0.5 CPU", 5.0, " (aim × 9)"),
        ("lab10_java25", "10-test lab, Java 25, 0.5 CPU", 7.0, " (aim × 12)"),
        ("lab10_cpp", "10-test lab, C++, 0.5 CPU", 6.0, ""),
    ] {
        let published = report.row(work, Mode::Published, Some(0.5));
        let warm = report.row(work, Mode::Warm, Some(0.5));
        if let (Some(published), Some(warm)) = (published, warm) {
            let seen = published.median_ms / warm.median_ms;
            let text = format!("× {seen:.1} ({:.0} against {:.0} ms)", warm.median_ms, published.median_ms);
            add(out, what, &format!("≥ × {times} of the published design{aim}"), text, seen >= times);
        }
    }
    let runs = more.lab10_cpp.as_ref().and_then(|t| {
        let of = |mode| t.runs.get(&mode).and_then(crate::stats::Samples::summary);
        Some((of(Mode::Bare)?.median, of(Mode::Warm)?.median))
    });
    if let Some((bare, warm)) = runs {
        let seen = format!("bare ({bare:.0} ms) + {:.0} ms", warm - bare);
        add(out, "the ten runs of the C++ lab", "≤ bare + 60 ms", seen, warm - bare <= 60.0);
    }
    if let Some(row) = report.row("hundred_c", Mode::Warm, None) {
        let seen = format!("{:.0} ms", row.median_ms);
        add(out, "100 tests of a 1 ms C program, claim to grade", "< 1 s", seen, row.median_ms < 1000.0);
    }
}

/// The most that a design reaches, whatever the number at once.
fn best<'a>(report: &'a Report, work: &str, mode: Mode) -> Option<&'a Rate> {
    let of = report.throughput.iter().filter(|r| r.work == work && r.mode == mode);
    of.max_by(|a, b| a.per_second.total_cmp(&b.per_second))
}

fn rates(report: &Report, out: &mut Vec<Target>) {
    for (work, what) in [("rate_c", "C"), ("rate_python", "Python")] {
        if let (Some(ours), Some(published)) = (best(report, work, Mode::Warm), best(report, work, Mode::Published)) {
            let times = ours.per_second / published.per_second;
            let seen = format!("× {times:.1} ({:.1} against {:.1} per s)", ours.per_second, published.per_second);
            add(out, &format!("throughput, {what}"), "≥ × 4 of the published design", seen, times >= 4.0);
        }
    }
    if let Some(ours) = best(report, "rate_java", Mode::Warm) {
        let per_minute = ours.per_second * 60.0;
        let seen = format!("{per_minute:.0} per minute");
        add(out, "throughput, 10-test lab in Java", "≥ 80 per minute on 2 cores (aim 100)", seen, per_minute >= 80.0);
    }
    for work in ["rate_c", "rate_python", "rate_java"] {
        if let Some(ours) = best(report, work, Mode::Warm) {
            let seen = format!("{:.0} ms, without compiler and programs", ours.cpu.overhead());
            let what = format!("CPU of one submission spent by us, {work}");
            out.push(Target { what, target: "told".to_owned(), seen, met: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{report::Row, stats::Summary};

    fn row(work: &str, mode: Mode, median: f64) -> Row {
        Row::new(work, mode, 0.5, Summary { n: 9, median, min: 1.0, max: median, p95: median, p99: median })
    }

    #[test]
    fn a_target_is_met_or_missed_by_ratio_and_absent_when_nothing_was_measured() {
        let mut report = Report::default();
        assert_eq!(check(&report, &More::default()), []);
        report.results = vec![
            row("hello_c", Mode::Bare, 1.0),
            row("hello_c", Mode::Warm, 1.9),
            row("lab10_java", Mode::Published, 9000.0),
            row("lab10_java", Mode::Warm, 2000.0),
        ];
        let met: Vec<_> = check(&report, &More::default()).into_iter().map(|t| (t.seen, t.met)).collect();
        assert_eq!(met[0], ("bare + 0.90 ms".to_owned(), Some(true)));
        assert_eq!(met[2], ("× 4.5 (2000 against 9000 ms)".to_owned(), Some(false)));
    }
}
