//! What the pool tells of itself.

use std::time::Duration;

use super::terms::{Level, Start};

/// A ready jail was there.
pub(super) fn hit(language: &str) {
    taken(language, "hit");
}

/// Somebody had to wait, and was served or not.
pub(super) fn miss(language: &str, waited: Duration, served: bool) {
    taken(language, if served { "miss" } else { "failed" });
    metrics::histogram!("iteratione_pool_wait_seconds", "language" => language.to_owned()).record(waited.as_secs_f64());
}

fn taken(language: &str, outcome: &'static str) {
    metrics::counter!("iteratione_pool_takes_total", "language" => language.to_owned(), "outcome" => outcome)
        .increment(1);
}

/// A jail was started.
pub(super) fn started(start: &Start, took: Duration) {
    let seconds = took.as_secs_f64();
    metrics::histogram!("iteratione_jail_start_seconds", "language" => start.language.clone()).record(seconds);
    if start.refill {
        metrics::histogram!("iteratione_pool_refill_seconds", "language" => start.language.clone()).record(seconds);
    }
}

/// Ready jails were destroyed unused.
pub(super) fn given_up(why: &'static str, jails: usize) {
    if jails > 0 {
        let jails = u64::try_from(jails).unwrap_or(u64::MAX);
        metrics::counter!("iteratione_pool_given_up_total", "why" => why).increment(jails);
    }
}

/// As it is now.
#[allow(clippy::cast_precision_loss, reason = "gauges of a few containers and MiB")]
pub(super) fn report<'a>(levels: impl Iterator<Item = Level<'a>>, live: usize, in_use: usize, memory_mb: u64) {
    for level in levels {
        let language = level.language.to_owned();
        metrics::gauge!("iteratione_pool_level", "language" => language.clone()).set(level.ready as f64);
        metrics::gauge!("iteratione_pool_target", "language" => language).set(level.target as f64);
    }
    metrics::gauge!("iteratione_live_containers").set(live as f64);
    metrics::gauge!("iteratione_pool_in_use").set(in_use as f64);
    metrics::gauge!("iteratione_pool_memory_mb").set(memory_mb as f64);
}
