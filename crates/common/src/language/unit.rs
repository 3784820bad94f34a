//! How a language runs the tests of a unit test framework: the `[unit]` table of its `language.toml`.

use anyhow::ensure;
use serde::Deserialize;

use crate::lab::TestKind;

/// Unit tests of a language. What its two programs are told and what they answer is in `docs/UNIT-TESTS.md`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Which kind of test it runs: `junit` or `pytest`.
    pub kind: TestKind,
    /// Lists the tests of the suites and makes them ready, where nothing of a student's is ever executed. An element
    /// `{suites}` becomes one element per suite; `{out}` is a folder for what it makes.
    pub prepare: Vec<String>,
    /// Runs one class or module of tests.
    pub run: Vec<String>,
    /// Added to a test's process limit, on top of what any program of the language gets.
    #[serde(default)]
    pub processes_extra: u64,
    /// How a submission is looked at before it meets tests.
    pub policy: Policy,
    /// Names that no submission may use: packages with all below them, or modules.
    #[serde(default)]
    pub reserved: Vec<String>,
}

/// What a submission is made of, as far as tampering with tests is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Class files: their constant pools say what they use.
    JavaClasses,
    /// Sources of Python: the preparation reports what they use.
    PythonSources,
}

impl Unit {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(matches!(self.kind, TestKind::Junit | TestKind::Pytest), "unit.kind must be junit or pytest");
        ensure!(!self.prepare.is_empty(), "unit.prepare must not be empty");
        ensure!(!self.run.is_empty(), "unit.run must not be empty");
        Ok(())
    }
}
