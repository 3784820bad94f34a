//! The signs of life: leases and the worker's own row; and the question whether grading is possible.

use std::{sync::Arc, time::Duration};

use iteratione_common::store::{
    job,
    worker::{self, Worker as Row},
};
use tokio::time::MissedTickBehavior;

use super::{Condition, DATABASE, Grading, Shared};

/// The worker's row counts for 20 s.
const ROW: Duration = Duration::from_secs(5);
/// A probe that takes longer has failed.
const PROBE: Duration = Duration::from_secs(15);

/// Extends the leases, three times before they could run out, until nothing runs any more.
pub(super) async fn beat<G: Grading>(shared: Arc<Shared<G>>) {
    let mut tick = tokio::time::interval((shared.settings.lease / 3).min(ROW));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.drained.cancelled() => return,
            () = shared.news.notified() => {}
            _ = tick.tick() => {}
        }
        let deadline = DATABASE.min(shared.settings.lease / 2);
        let own = shared.row.lock().await;
        if !shared.lifecycle.soft.is_cancelled() {
            let result = tokio::time::timeout(deadline, worker::beat(&shared.pg, &row(&shared))).await;
            shared.dispatch.wake();
            let result = match result {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_) => Err("does not answer".to_owned()),
            };
            if shared.health.registered.send_replace(result.clone()) != result {
                match &result {
                    Ok(()) => tracing::info!("the database knows this grader"),
                    Err(error) => tracing::warn!(error, "the database does not hear this grader"),
                }
            }
        }
        drop(own);
        let held = shared.held.all();
        if held.is_empty() {
            continue;
        }
        match tokio::time::timeout(deadline, job::heartbeat(&shared.pg, &held, shared.settings.lease)).await {
            Ok(Ok(lost)) => lost.iter().for_each(|job| shared.held.lose(job)),
            // What runs goes on: its result is refused if the lease has run out by then.
            Ok(Err(error)) => tracing::warn!(%error, jobs = held.len(), "no heartbeat"),
            Err(_) => tracing::warn!(jobs = held.len(), "no heartbeat: the database does not answer"),
        }
    }
}

/// While nothing can be graded, nobody should count on its slots.
fn row<G: Grading>(shared: &Shared<G>) -> Row {
    let slots = if *shared.able.borrow() { shared.settings.slots } else { 0 };
    Row {
        id: shared.id,
        host: shared.settings.host.clone(),
        slots: i32::try_from(slots).unwrap_or(i32::MAX),
        per_account: shared.settings.per_account,
        max_attempts: shared.settings.max_attempts,
    }
}

/// Asks now and then, and at once after a failure, whether grading is possible.
pub(super) async fn probe<G: Grading>(shared: Arc<Shared<G>>) {
    loop {
        let condition = tokio::time::timeout(PROBE, shared.grading.condition())
            .await
            .unwrap_or_else(|_| Condition::Unable("the sandbox does not answer".to_owned()));
        let able = !matches!(condition, Condition::Unable(_));
        if shared.able.send_replace(able) != able {
            // So that dispatchers count its slots, or stop counting them, at once.
            shared.news.notify_one();
        }
        let ready = match &condition {
            Condition::Ready => Ok(()),
            Condition::Impaired(why) | Condition::Unable(why) => Err(why.clone()),
        };
        if shared.health.sandbox.send_replace(ready.clone()) != ready {
            match condition {
                Condition::Ready => tracing::info!("jobs can be graded"),
                Condition::Impaired(why) => tracing::error!(why, "not every job can be graded"),
                Condition::Unable(why) => tracing::error!(why, "jobs cannot be graded: none is taken until they can"),
            }
        }
        let next = async {
            tokio::select! {
                () = tokio::time::sleep(shared.settings.probe) => {}
                () = shared.doubt.notified() => {}
            }
        };
        if shared.lifecycle.soft.run_until_cancelled(next).await.is_none() {
            return;
        }
    }
}
