//! Whether this machine measures evenly and keeps jails well: observations for the operator, never a reason to stop.

use std::{fmt::Write as _, path::Path};

use serde::Serialize;

use crate::docker::Engine;

mod cpu;
mod kernel;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// What: `cpu governor`.
    pub what: &'static str,
    /// What was found: `powersave`. `unknown` where the machine does not tell.
    pub found: String,
    /// Whether it is as it should be; what is not known is.
    pub good: bool,
    /// Why it matters. Empty where it is only told for the record.
    pub why: &'static str,
    /// What to do about it if it is not good.
    pub advice: &'static str,
}

/// What the machine below `root` (`/`) and its engine are like.
pub fn observe(root: &Path, engine: &Engine, runtime: &str) -> Vec<Observation> {
    let machine = Machine { root };
    let mut all = cpu::observe(machine);
    all.extend(kernel::observe(machine));
    all.push(jail_runtime(engine, runtime));
    all
}

/// Tells the log and the metrics: what is not good as warnings, the rest in one line.
pub fn report(observations: &[Observation]) {
    for seen in observations {
        let value = if seen.good { 1.0 } else { 0.0 };
        metrics::gauge!("iteratione_host_fit", "what" => seen.what).set(value);
        if !seen.good {
            tracing::warn!(what = seen.what, found = seen.found, why = seen.why, advice = seen.advice, "host fitness");
        }
    }
    let good: Vec<String> =
        observations.iter().filter(|o| o.good).map(|o| format!("{}: {}", o.what, o.found)).collect();
    tracing::info!(good = good.join("; "), "host fitness");
}

/// For a terminal: a line each, with reason and advice below what is not good.
pub fn text(observations: &[Observation]) -> String {
    let mut text = String::new();
    for seen in observations {
        let mark = if seen.good { "ok  " } else { "note" };
        let _ = writeln!(text, "{mark}  {:<20} {}", seen.what, seen.found);
        if !seen.good {
            let _ = writeln!(text, "      {}\n      -> {}", seen.why, seen.advice);
        }
    }
    text
}

fn jail_runtime(engine: &Engine, runtime: &str) -> Observation {
    let used = if runtime.is_empty() { &engine.default_runtime } else { runtime };
    let version = engine.runc_version.as_deref().filter(|_| used == "runc").map(|v| format!(" {v}"));
    let holes = crate::readiness::runtime_holes(engine, runtime);
    let note = holes.as_ref().map(|holes| format!(": {holes}")).unwrap_or_default();
    Observation {
        what: "container runtime",
        found: format!("{used}{}, Docker {}{note}", version.unwrap_or_default(), engine.version),
        good: holes.is_none(),
        why: "A jail is as strong as the runtime that makes it.",
        advice: "Update runc, or choose another runtime with sandbox.runtime.",
    }
}

/// A machine's files.
#[derive(Clone, Copy)]
struct Machine<'a> {
    root: &'a Path,
}

impl Machine<'_> {
    /// A file's text without blanks around it. At most 64 KiB, because these files are short.
    fn read(self, path: &str) -> Option<String> {
        use std::io::Read as _;
        let mut text = String::new();
        let file = std::fs::File::open(self.root.join(path)).ok()?;
        file.take(64 * 1024).read_to_string(&mut text).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn has(self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Names in a folder.
    fn list(self, path: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        entries.filter_map(|e| e.file_name().into_string().ok()).collect()
    }
}

/// What is not to be known is as it should be: there is nothing that anybody could do about it.
fn or_unknown(found: Option<String>) -> String {
    found.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests;
