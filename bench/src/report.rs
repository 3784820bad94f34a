//! What is told in the end: as JSON and as tables.

use serde::{Deserialize, Serialize};

use crate::stats::Summary;

/// How a program was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// fork + exec on the host: no namespaces, no cgroups, no limits.
    Bare,
    /// One container of the Docker client per compilation and per run.
    Published,
    /// Ours with an empty pool.
    Cold,
    /// Ours.
    Warm,
}

impl Mode {
    /// As in the JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Published => "published",
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }
}

/// The whole report: what `--json` writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// On what it was measured.
    pub machine: Machine,
    /// One row for each kind of work and each way of doing it.
    pub results: Vec<Row>,
    /// Submissions per second.
    pub throughput: Vec<Rate>,
    /// What waiting costs.
    pub idle: Vec<Idle>,
}

/// On what it was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Model of the processor.
    pub cpu: String,
    /// Cores that may be used.
    pub cpus: usize,
    /// MiB.
    pub memory_mb: u64,
    /// Linux.
    pub kernel: String,
    /// Docker's version.
    pub docker: String,
    /// Hierarchy of its cgroups.
    pub cgroup: u8,
    /// Load average of the last minute before the first measurement: other work on the machine.
    pub load_before: f64,
    /// Whether it was the short run.
    pub quick: bool,
}

impl Machine {
    /// In one line, for people.
    pub fn line(&self) -> String {
        format!(
            "{} ({} cores, {} MiB), Linux {}, Docker {}, cgroup v{}, load {:.2} before{}",
            self.cpu,
            self.cpus,
            self.memory_mb,
            self.kernel,
            self.docker,
            self.cgroup,
            self.load_before,
            if self.quick { "; a quick run" } else { "" }
        )
    }
}

/// Times of one kind of work done in one way. Milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Which work.
    pub work: String,
    /// In which way.
    pub mode: Mode,
    /// CPUs that every part of it had; for [`Mode::Bare`] all of the machine's. A second row of [`Mode::Warm`] is an
    /// installation as it is by default, whose compiler that stays has this many and whose jails have fewer.
    pub cpus: f64,
    /// Samples.
    pub n: usize,
    /// The middle sample.
    pub median_ms: f64,
    /// The shortest.
    pub min_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// The 99th percentile, of fewer than 100 samples the longest.
    pub p99_ms: f64,
}

impl Row {
    /// Of a summary.
    pub fn new(work: &str, mode: Mode, cpus: f64, of: Summary) -> Self {
        let [median_ms, min_ms, max_ms, p99_ms] = [of.median, of.min, of.max, of.p99].map(short);
        Self { work: work.to_owned(), mode, cpus, n: of.n, median_ms, min_ms, max_ms, p99_ms }
    }
}

/// What a design manages when so many submissions are always under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Which submissions.
    pub work: String,
    /// [`Mode::Warm`] is ours, [`Mode::Published`] the other.
    pub mode: Mode,
    /// CPUs of each jail or container.
    pub cpus: f64,
    /// Handed in and not yet graded at any moment.
    pub in_flight: usize,
    /// Seconds that were counted.
    pub seconds: f64,
    /// Graded in them.
    pub done: usize,
    /// `done / seconds`.
    pub per_second: f64,
    /// From handing in to the verdict.
    pub p50_ms: f64,
    /// From handing in to the verdict.
    pub p95_ms: f64,
    /// From handing in to the verdict.
    pub p99_ms: f64,
    /// CPU of the machine for one submission.
    pub cpu: Spent,
}

/// CPU milliseconds of one submission, and who spent them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Of what is spent in containers, the share of compilers and programs, as the harness measures it; 0 where nobody
    /// does.
    pub programs_ms: f64,
    /// In containers: compilers, programs, our harness, and the last steps of a container's start.
    pub containers_ms: f64,
    /// dockerd and containerd.
    pub daemons_ms: f64,
    /// This process: sandbox and grading.
    pub own_ms: f64,
    /// Everything else on the machine: runc, shims, the Docker client, the kernel, other work.
    pub other_ms: f64,
}

impl Spent {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.containers_ms + self.daemons_ms + self.own_ms + self.other_ms
    }

    /// All but what the submission itself needs.
    pub fn overhead(&self) -> f64 {
        self.total() - self.programs_ms
    }
}

/// What something that waits costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// What waits.
    pub what: String,
    /// Seconds that it was watched.
    pub seconds: f64,
    /// MiB that its cgroup is charged with.
    pub memory_mb: f64,
    /// MiB of its shim on the host.
    pub shim_mb: f64,
    /// CPU milliseconds per second, of its cgroup.
    pub cpu_ms_per_second: f64,
}

impl Report {
    /// The row of some work.
    pub fn row(&self, work: &str, mode: Mode, cpus: Option<f64>) -> Option<&Row> {
        let same =
            |row: &&Row| row.work == work && row.mode == mode && cpus.is_none_or(|cpus| (row.cpus - cpus).abs() < 1e-9);
        self.results.iter().find(same)
    }
}

/// Three digits behind the point.
pub fn short(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_agreed_shape() {
        let of = Summary { n: 3, median: 1.234_56, min: 1.0, max: 2.0, p95: 2.0, p99: 2.0 };
        let rate = Rate {
            work: "rate_c".to_owned(),
            mode: Mode::Warm,
            cpus: 0.5,
            in_flight: 4,
            seconds: 3.0,
            done: 30,
            per_second: 10.0,
            p50_ms: 1.0,
            p95_ms: 2.0,
            p99_ms: 3.0,
            cpu: Spent::default(),
        };
        let idle = Idle { what: "a".to_owned(), seconds: 1.0, memory_mb: 4.0, shim_mb: 8.0, cpu_ms_per_second: 0.0 };
        let report = Report {
            machine: Machine::default(),
            results: vec![Row::new("hello_c", Mode::Published, 0.5, of)],
            throughput: vec![rate],
            idle: vec![idle],
        };
        let json = serde_json::to_value(&report).expect("plain data");
        let keys = |v: &serde_json::Value| v.as_object().expect("object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&json), ["idle", "machine", "results", "throughput"]);
        let row = serde_json::json!({
            "work": "hello_c", "mode": "published", "cpus": 0.5, "n": 3,
            "median_ms": 1.235, "min_ms": 1.0, "max_ms": 2.0, "p99_ms": 2.0,
        });
        assert_eq!(json["results"], serde_json::json!([row]));
        assert_eq!(serde_json::from_value::<Report>(json).expect("reads back"), report);
    }
}
