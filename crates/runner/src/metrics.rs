//! What the runner tells of itself: docs/OPERATIONS.md has the list.

use std::time::Duration;

use iteratione_common::terminal::Reason;

/// Someone came or went in the line.
#[allow(clippy::cast_precision_loss, reason = "a few hundred")]
pub fn waiting(sessions: usize) {
    metrics::gauge!("iteratione_runner_sessions", "state" => "waiting").set(sessions as f64);
}

/// A session that counts as `live` or `detached` for as long as this lives.
#[derive(Debug)]
pub struct Counted {
    detached: bool,
}

impl Counted {
    /// A session with a socket.
    #[allow(clippy::new_without_default, reason = "making one has an effect")]
    pub fn new() -> Self {
        sessions(false).increment(1.0);
        Self { detached: false }
    }

    /// Its socket broke, or there is one again.
    pub fn detached(&mut self, detached: bool) {
        if self.detached != detached {
            sessions(self.detached).decrement(1.0);
            self.detached = detached;
            sessions(detached).increment(1.0);
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        sessions(self.detached).decrement(1.0);
    }
}

fn sessions(detached: bool) -> metrics::Gauge {
    metrics::gauge!("iteratione_runner_sessions", "state" => if detached { "detached" } else { "live" })
}

/// A run is over.
pub fn ended(reason: Reason) {
    metrics::counter!("iteratione_runner_runs_total", "reason" => reason_name(reason)).increment(1);
}

const fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Exited => "exited",
        Reason::Killed => "killed",
        Reason::Cpu => "cpu",
        Reason::Wall => "wall",
        Reason::Idle => "idle",
        Reason::Memory => "memory",
        Reason::Output => "output",
        Reason::Compile => "compile",
        Reason::Internal => "internal",
    }
}

/// What a run does before its first output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// From `run` to the permit.
    Queued,
    /// From the permit to the start of the program: jail, sources, compiler.
    Compile,
    /// From the start of the program to its first byte.
    FirstOutput,
}

/// How long a part of a start took.
pub fn start(part: Part, took: Duration) {
    let part = match part {
        Part::Queued => "queued",
        Part::Compile => "compile",
        Part::FirstOutput => "first_output",
    };
    metrics::histogram!("iteratione_runner_start_seconds", "part" => part).record(took.as_secs_f64());
}

/// Bytes that programs printed.
pub fn output(bytes: u64) {
    metrics::counter!("iteratione_runner_output_bytes_total").increment(bytes);
}

/// Bytes that were typed and went to programs.
pub fn input(bytes: u64) {
    metrics::counter!("iteratione_runner_input_bytes_total").increment(bytes);
}

/// Bytes that were typed and thrown away: the program did not read.
pub fn input_dropped(bytes: u64) {
    metrics::counter!("iteratione_runner_input_dropped_bytes_total").increment(bytes);
}

/// A client was sent away, with this code of an `error`.
pub fn refused(code: &'static str) {
    metrics::counter!("iteratione_runner_refusals_total", "code" => code).increment(1);
}

/// A client wanted to go on with a run.
pub fn resumed(outcome: Resumed) {
    let outcome = match outcome {
        Resumed::Done => "done",
        Resumed::Missed => "missed",
        Resumed::NoSession => "no_session",
        Resumed::InUse => "in_use",
    };
    metrics::counter!("iteratione_runner_resumes_total", "outcome" => outcome).increment(1);
}

/// How that went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// It got all that it had missed.
    Done,
    /// Some of its output was not kept.
    Missed,
    /// There is no such run for it.
    NoSession,
    /// Another socket has the run.
    InUse,
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_figure_is_told_under_the_name_that_the_manual_has() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            waiting(3);
            let (_live, mut detached) = (Counted::new(), Counted::new());
            detached.detached(true);
            detached.detached(true);
            ended(Reason::Wall);
            start(Part::Queued, Duration::from_millis(1));
            start(Part::Compile, Duration::from_millis(1));
            start(Part::FirstOutput, Duration::from_millis(1));
            output(5);
            input(6);
            input_dropped(7);
            refused("busy");
            resumed(Resumed::InUse);
            let text = handle.render();
            for line in [
                "iteratione_runner_sessions{state=\"waiting\"} 3",
                "iteratione_runner_sessions{state=\"live\"} 1",
                "iteratione_runner_sessions{state=\"detached\"} 1",
                "iteratione_runner_runs_total{reason=\"wall\"} 1",
                "iteratione_runner_start_seconds_count{part=\"queued\"} 1",
                "iteratione_runner_start_seconds_count{part=\"compile\"} 1",
                "iteratione_runner_start_seconds_count{part=\"first_output\"} 1",
                "iteratione_runner_output_bytes_total 5",
                "iteratione_runner_input_bytes_total 6",
                "iteratione_runner_input_dropped_bytes_total 7",
                "iteratione_runner_refusals_total{code=\"busy\"} 1",
                "iteratione_runner_resumes_total{outcome=\"in_use\"} 1",
            ] {
                assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
            }
        });
        let manual = include_str!("../../../docs/OPERATIONS.md");
        for name in handle
            .render()
            .lines()
            .filter_map(|l| l.strip_prefix("# TYPE iteratione_")?.split(' ').next().map(str::to_owned))
        {
            assert!(manual.contains(&format!("`{name}`")), "docs/OPERATIONS.md does not explain {name}");
        }
        for state in ["live", "detached"] {
            let line = format!("iteratione_runner_sessions{{state=\"{state}\"}} 0");
            assert!(handle.render().lines().any(|l| l == line), "a guard that is gone still counts");
        }
    }

    #[test]
    fn reasons_have_the_names_of_the_protocol() {
        for reason in [
            Reason::Exited,
            Reason::Killed,
            Reason::Cpu,
            Reason::Wall,
            Reason::Idle,
            Reason::Memory,
            Reason::Output,
            Reason::Compile,
            Reason::Internal,
        ] {
            assert_eq!(serde_json::to_value(reason).expect("JSON"), reason_name(reason));
        }
    }
}
