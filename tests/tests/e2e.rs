//! The whole path, from outside: a lab goes in over REST, a submission comes back graded by a real jail.

#[path = "e2e/api.rs"]
mod api;
#[path = "e2e/checkers.rs"]
mod checkers;
#[path = "e2e/console.rs"]
mod console;
#[path = "e2e/demo.rs"]
mod demo;
#[path = "e2e/events.rs"]
mod events;
#[path = "e2e/java.rs"]
mod java;
#[path = "e2e/packages.rs"]
mod packages;
#[path = "e2e/publish.rs"]
mod publish;
#[path = "e2e/rejudge.rs"]
mod rejudge;
#[path = "e2e/scoring.rs"]
mod scoring;
#[path = "e2e/units.rs"]
mod units;
#[path = "e2e/verdicts.rs"]
mod verdicts;
#[path = "e2e/visibility.rs"]
mod visibility;
