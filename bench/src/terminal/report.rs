//! What `iteratione-bench terminal` tells in the end: as JSON and as tables.

use serde::{Deserialize, Serialize};

use crate::{
    report::{Machine, short},
    stats::Samples,
    table::grid,
    targets::Target,
};

/// The whole report: what `--json` writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// On what it was measured.
    pub machine: Machine,
    /// One terminal at a time, on a machine that does nothing else.
    pub idle: Vec<Row>,
    /// Floods that nobody reads.
    pub unread: Option<Unread>,
    /// Many terminals at once.
    pub loads: Vec<Load>,
    /// What went wrong first, in words, and at how many terminals.
    pub broke: Option<String>,
}

/// Times of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What.
    pub what: String,
    /// How, or in which language.
    pub way: String,
    /// How often it was seen.
    pub n: usize,
    /// How often it was waited for in vain.
    pub missing: usize,
    /// The middle one.
    pub median_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// What so many terminals are like, and what they take.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Terminals that were asked for, half of them Java, half Python.
    pub asked: usize,
    /// Terminals whose program is ready.
    pub live: usize,
    /// Seconds until the last one was.
    pub opening_s: f64,
    /// Their times.
    pub rows: Vec<Row>,
    /// Submissions that were graded meanwhile, and those of before.
    pub grading: Vec<Row>,
    /// What is used by whom, while all type.
    pub used: Used,
    /// What people were told who got no terminal or lost theirs, each once.
    pub complaints: Vec<String>,
}

/// Programs that print as fast as they can, to browsers that read nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unread {
    /// How many.
    pub terminals: usize,
    /// MiB of the runner for each.
    pub runner_mb_each: f64,
}

/// What is used.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// Percent of all CPUs that somebody used.
    pub cpu_percent: f64,
    /// MiB that were still available at the worst moment.
    pub available_mb: f64,
    /// Resident MiB of the runner.
    pub runner_mb: f64,
    /// … above what it had before anybody came, for each terminal.
    pub runner_mb_each: f64,
    /// Resident MiB of the API.
    pub api_mb: f64,
    /// Resident MiB of dockerd.
    pub dockerd_mb: f64,
    /// Resident MiB of containerd.
    pub containerd_mb: f64,
    /// MiB of all shims, as far as they share them with nobody.
    pub shims_mb: f64,
}

impl Row {
    /// Of samples; `missing` were waited for in vain.
    pub fn new(what: &str, way: &str, samples: &Samples, missing: usize) -> Self {
        let of = samples.summary();
        let [median_ms, p95_ms, p99_ms, max_ms] =
            of.map_or([0.0; 4], |of| [of.median, of.p95, of.p99, of.max].map(short));
        let n = of.map_or(0, |of| of.n);
        Self { what: what.to_owned(), way: way.to_owned(), n, missing, median_ms, p95_ms, p99_ms, max_ms }
    }

    fn cells(&self) -> Vec<String> {
        let ms = |time: f64| if time < 100.0 { format!("{time:.2}") } else { format!("{time:.0}") };
        let mut cells = vec![self.what.clone(), self.way.clone(), self.n.to_string(), self.missing.to_string()];
        cells.extend([self.median_ms, self.p95_ms, self.p99_ms, self.max_ms].map(ms));
        cells
    }
}

const HEAD: [&str; 8] = ["what", "way", "n", "missing", "median", "p95", "p99", "max"];

impl Report {
    fn row(&self, what: &str, way: &str) -> Option<&Row> {
        self.idle.iter().find(|r| r.what == what && r.way == way)
    }

    /// For people.
    pub fn tables(&self) -> String {
        let mut out = vec![self.machine.line()];
        if !self.idle.is_empty() {
            out.push("\nOne terminal at a time, milliseconds. The ways take turns, key by key.".to_owned());
            out.push(grid(&HEAD, self.idle.iter().map(Row::cells).collect()));
        }
        if let Some(Unread { terminals, runner_mb_each }) = self.unread {
            out.push(format!(
                "\n{terminals} programs print as fast as they can and nobody reads: {runner_mb_each:.2} MiB of the \
                 runner for each."
            ));
        }
        for load in &self.loads {
            out.push(load.tables());
        }
        if let Some(broke) = &self.broke {
            out.push(format!("\nWhat broke first: {broke}"));
        } else if !self.loads.is_empty() {
            out.push("\nNothing broke.".to_owned());
        }
        out.join("\n")
    }

    /// Every target that something was measured for.
    pub fn targets(&self) -> Vec<Target> {
        let mut out = Vec::new();
        let mut add = |what: &str, target: &str, seen: String, met: bool| {
            out.push(Target { what: what.to_owned(), target: target.to_owned(), seen, met: Some(met) });
        };
        if let (Some(local), Some(api)) = (self.row("echo", "local pty"), self.row("echo", "through the API, python")) {
            let more = api.median_ms - local.median_ms;
            add("echo above a local pty, median", "≤ 2 ms", format!("{more:.2} ms"), more <= 2.0);
        }
        if let Some(hello) = self.row("run to first byte", "java, warm") {
            add("hello in Java, run to first byte", "≤ 600 ms", format!("{:.0} ms", hello.median_ms), {
                hello.median_ms <= 600.0
            });
        }
        for row in self.idle.iter().filter(|r| r.what == "Ctrl-C under a flood") {
            add(&format!("Ctrl-C under a flood, {}, p95", row.way), "≤ 200 ms", format!("{:.0} ms", row.p95_ms), {
                row.p95_ms <= 200.0
            });
        }
        if let Some(Unread { runner_mb_each: each, .. }) = self.unread {
            add("runner for each flood that nobody reads", "≤ 1 MiB", format!("{each:.2} MiB"), each <= 1.0);
        }
        for load in self.loads.iter().filter(|l| l.asked <= 120) {
            let missing: usize = load.rows.iter().map(|r| r.missing).sum();
            let name = format!("{} terminals", load.asked);
            let whole = missing == 0 && load.live == load.asked;
            let seen = format!("{} live, {missing} missing", load.live);
            add(&format!("{name}: every echo arrives"), "all", seen, whole);
            if let Some(row) = load.rows.iter().find(|r| r.what == "echo" && r.way == "in turn") {
                add(&format!("{name}: echo in turn, p99"), "≤ 50 ms", format!("{:.1} ms", row.p99_ms), {
                    row.p99_ms <= 50.0
                });
            }
            let each = load.used.runner_mb_each;
            add(&format!("{name}: memory of the runner for each"), "≤ 1 MiB", format!("{each:.2} MiB"), each <= 1.0);
        }
        out
    }
}

impl Load {
    fn tables(&self) -> String {
        let u = &self.used;
        let mut out = vec![format!(
            "\n{} terminals asked for at once, half Java, half Python: {} are live, the last after {:.1} s. Milliseconds.",
            self.asked, self.live, self.opening_s
        )];
        out.push(grid(&HEAD, self.rows.iter().chain(&self.grading).map(Row::cells).collect()));
        out.push(format!(
            "While all type: CPUs {:.0} % busy, {:.0} MiB available; runner {:.1} MiB ({:.2} for each terminal), API \
             {:.1}, dockerd {:.0}, containerd {:.0}, shims {:.0} MiB.",
            u.cpu_percent,
            u.available_mb,
            u.runner_mb,
            u.runner_mb_each,
            u.api_mb,
            u.dockerd_mb,
            u.containerd_mb,
            u.shims_mb
        ));
        out.extend(self.complaints.iter().map(|said| format!("Somebody was told: {said}")));
        out.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn row(what: &str, way: &str, ms: u64, missing: usize) -> Row {
        let mut samples = Samples::default();
        samples.add(Duration::from_millis(ms));
        Row::new(what, way, &samples, missing)
    }

    #[test]
    fn targets_are_told_of_what_was_measured_and_a_missing_echo_misses() {
        let mut report = Report {
            idle: vec![row("echo", "local pty", 1, 0), row("echo", "through the API, python", 4, 0)],
            loads: vec![Load {
                asked: 2,
                live: 2,
                rows: vec![row("echo", "in turn", 5, 1)],
                used: Used { runner_mb_each: 0.5, ..Used::default() },
                ..Load::default()
            }],
            ..Report::default()
        };
        let met = |report: &Report| report.targets().iter().map(|t| t.met).collect::<Vec<_>>();
        assert_eq!(met(&report), [Some(false), Some(false), Some(true), Some(true)]);
        report.idle[1].median_ms = 2.5;
        report.loads[0].rows[0].missing = 0;
        assert_eq!(met(&report), [Some(true); 4]);
        assert!(Report::default().targets().is_empty());
    }

    #[test]
    fn the_report_reads_back_and_its_tables_name_who_was_sent_away() {
        let load = Load { asked: 3, live: 2, complaints: vec!["busy".to_owned()], ..Load::default() };
        let report = Report { loads: vec![load], broke: Some("starts".to_owned()), ..Report::default() };
        let json = serde_json::to_string(&report).expect("plain data");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("reads back"), report);
        let tables = report.tables();
        assert!(tables.contains("Somebody was told: busy") && tables.contains("What broke first: starts"), "{tables}");
    }
}
